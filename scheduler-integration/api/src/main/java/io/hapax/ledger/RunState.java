package io.hapax.ledger;

/** Where an occurrence stands in the ledger. */
public enum RunState {
    /** A run has claimed it. Once the run's deadline has passed, it counts as crashed. */
    RUNNING,
    /** It has completed. Final. */
    DONE,
    /** The code of its last run failed; it may be claimed again. */
    FAILED,
    /** The code of its last run failed, and it is not tried again. Final, and only for occurrences with a run key. */
    FAILED_FOR_GOOD,
    /** Its last run was given back before its code started; it may be claimed again. */
    RELEASED,
    /** Its last run lost its lease; it may be claimed again. */
    LOST,
    /** Its last run has started, crashed, and must not be repeated; only {@link RunLedger#resolve} changes that. */
    ABANDONED
}
