package io.hapax.lease;

/** How an occurrence has ended for good: neither is run again while it is remembered. */
public enum OccurrenceOutcome {
    /** It has completed. */
    DONE,
    /** It has failed, and is not to be tried again. */
    FAILED
}
