package io.hapax.benchmarks.faults;

/** Which Redis servers a fleet has. */
enum Topology {
    /** As many independent ones as the contender needs. */
    USUAL,
    SENTINEL,
    QUORUM_OF_FIVE,
    /** Three masters with a replica each. */
    CLUSTER,
    /** As usual, and a PostgreSQL with a synchronous standby. */
    STANDBY,
    /** As usual; a PostgreSQL whose disk was full has been started again. */
    DISK
}
