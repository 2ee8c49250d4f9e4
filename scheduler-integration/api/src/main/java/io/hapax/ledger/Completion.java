package io.hapax.ledger;

/** The ledger's answer to a run that says it has ended. */
public enum Completion {
    /** It is noted, now or by an earlier try of the same run. */
    NOTED,
    /** Nothing was changed: the run had ended otherwise, or another one has taken its occurrence or lock key over. */
    SUPERSEDED
}
