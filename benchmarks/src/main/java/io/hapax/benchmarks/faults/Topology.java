package io.hapax.benchmarks.faults;

/** Which Redis servers a fleet has. */
enum Topology {
    /** As many independent ones as the contender needs. */
    USUAL,
    SENTINEL,
    QUORUM_OF_FIVE
}
