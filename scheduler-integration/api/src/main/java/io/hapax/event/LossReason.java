package io.hapax.event;

/** Why a run lost its lease. */
public enum LossReason {
    /** No renewal was confirmed in time, so the lease can no longer be proven. */
    NOT_RENEWED,
    /** The store said that the lease is gone: it lapsed, was forced, or somebody else holds the key. */
    GONE,
    /** The ledger gave the occurrence, or its lock key, to another run. */
    SUPERSEDED,
    /** The run has held its lease for longer than allowed. */
    MAX_HOLD,
    /** A later run of the job asked it to give way. */
    CANCELLED,
    /** The ledger did not confirm in time that the run starts, so it did not start. */
    NOT_BEGUN,
    /** The guard was shut down while the run was still running. */
    SHUTDOWN
}
