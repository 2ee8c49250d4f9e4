package io.hapax;

/** What happens to a run when the lease store cannot tell whether somebody else holds its key. */
public enum WhenUnavailable {
    /** The run is refused: rather late than twice. */
    FAIL_CLOSED,
    /**
     * The run takes place without a lease: rather twice than late. If the guard has a ledger that answers, the run claims
     * its occurrence there.
     */
    FAIL_OPEN,
    /** The claim in the ledger, whose deadline is pushed forward, is the lease until the store is back. */
    LEDGER_ONLY
}
