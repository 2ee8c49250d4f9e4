package io.hapax.event;

/** Why a run was refused. */
public enum Verdict {
    /** This occurrence is over: it has completed, or has failed and is not tried again. */
    DONE,
    /** This occurrence runs elsewhere now. */
    RUNNING,
    /** Another occurrence holds the lock key. */
    OVERLAP,
    /** An earlier run of this occurrence crashed, and it must not be repeated: an operator has to decide. */
    ABANDONED,
    /** The key has had as many runs as it may have for now. */
    THROTTLED,
    /** Somebody has paused the key. */
    PAUSED,
    /** The same work is queued already; only for the attempt to queue it once more. */
    QUEUED,
    /** The store did not answer, or grants nothing for now, so nobody can tell. */
    UNAVAILABLE
}
