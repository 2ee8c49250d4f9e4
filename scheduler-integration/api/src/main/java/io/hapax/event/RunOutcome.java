package io.hapax.event;

/** How an admitted run ended. */
public enum RunOutcome {
    /** It completed, and the store has noted it. */
    COMPLETED,
    /**
     * It completed, but the store did not confirm it while the lease was valid; or nobody can tell whether the transaction of
     * its work has committed.
     */
    UNCONFIRMED,
    /** Its code failed. */
    FAILED,
    /** It ended without saying how. */
    RELEASED,
    /** It had lost its lease, so its completion was not noted. */
    LOST
}
