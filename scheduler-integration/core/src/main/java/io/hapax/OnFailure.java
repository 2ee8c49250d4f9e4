package io.hapax;

/** What happens to a scheduled firing whose job fails. */
public enum OnFailure {
    /** It is over for all replicas, as it is on one node, and noted as failed. */
    OVER,
    /** It is free again: another replica that is late, or a recovery, may run it. */
    RELEASE
}
