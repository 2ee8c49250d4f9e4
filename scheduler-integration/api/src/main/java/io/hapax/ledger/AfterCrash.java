package io.hapax.ledger;

/** What becomes of an occurrence whose run broke off: its process died, or it could no longer prove its lease. */
public enum AfterCrash {
    /** Another run may take it over, with a higher fencing token: at least once. */
    RERUN,
    /** If it has begun, it is left as {@link RunState#ABANDONED} for a person to decide: at most once. */
    ABANDON
}
