package io.hapax;

/** What happens to a run when the store cannot tell whether somebody else holds its key. */
public enum WhenUnavailable {
    /** The run is refused: rather late than twice. */
    FAIL_CLOSED,
    /** The run takes place without a lease: rather twice than late. */
    FAIL_OPEN
}
