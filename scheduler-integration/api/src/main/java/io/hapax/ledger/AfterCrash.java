package io.hapax.ledger;

/** What happens to an occurrence whose run crashed: its process died, or it could no longer prove its lease. */
public enum AfterCrash {
    /** Another run may take it over, with a higher fencing token: at least once. */
    RERUN,
    /** If it has started, it is left as {@link RunState#ABANDONED} for an operator to decide: at most once. */
    ABANDON
}
