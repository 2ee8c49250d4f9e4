package io.hapax.benchmarks.faults;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/** What goes wrong. A fault of Redis or PostgreSQL, or of the network to them, strikes only contenders that use them. */
enum Fault {
    WORKER_KILL("a worker is killed (SIGKILL) while it runs jobs, and started again", Scope.WORKER),
    WORKER_KILL_AFTER_COMMIT("a worker is killed between its commit and its goodbye", Scope.WORKER),
    WORKER_TERM("a worker is asked to end (SIGTERM) while it runs jobs, and started again", Scope.WORKER),
    WORKER_STOP("a worker is frozen (SIGSTOP) for half as long again as others wait for it", Scope.WORKER),
    WORKER_STOP_BEFORE_EFFECT("a worker is frozen between its last check and its write", Scope.WORKER),
    WORKER_STOP_BEFORE_COMMIT("a worker is frozen with a transaction open, before its commit", Scope.WORKER),
    JVM_PAUSE("a JVM stands still at a safepoint, as in a long garbage collection", Scope.WORKER),
    WORKER_CLOCK_FORWARD("a worker's wall clock jumps an hour ahead, and back", Scope.WORKER),
    WORKER_CLOCK_BACK("a worker's wall clock jumps an hour back, and forward again", Scope.WORKER),
    ROLLING_DEPLOY(
            "workers are replaced one by one by ones with another limit, one of them is killed, and all that is undone",
            Scope.WORKER),
    REDIS_EMPTY("Redis is killed and starts again with nothing", Scope.REDIS),
    REDIS_RESTART("Redis is killed and starts again with its data", Scope.REDIS),
    REDIS_STOP("Redis is frozen (SIGSTOP) for twice the ttl", Scope.REDIS),
    REDIS_CLOCK_FORWARD("Redis' wall clock jumps an hour ahead, and back", Scope.REDIS),
    REDIS_CLOCK_BACK("Redis' wall clock jumps an hour back, and forward again", Scope.REDIS),
    REDIS_SCRIPT_FLUSH("SCRIPT FLUSH, twenty times", Scope.REDIS),
    REDIS_CLIENT_KILL("CLIENT KILL of all clients, ten times", Scope.REDIS),
    REDIS_POWER_CUT("the power of Redis fails: it starts again with its files as of a second before", Scope.REDIS),
    REDIS_POWER_CUT_ALWAYS(
            "the power of Redis fails, which had synced each write (appendfsync always) before it answered",
            Scope.REDIS),
    REDIS_MEMORY_FULL("Redis' memory is full (noeviction)", Scope.REDIS),
    REDIS_SLOW_SCRIPT("a script of somebody else blocks Redis for two seconds", Scope.REDIS),
    NET_CUT("one worker's connections to the coordinator are reset, new ones too", Scope.NETWORK),
    NET_DELAY("one worker's packets to and from the coordinator take 100 ms each", Scope.NETWORK),
    NET_REQUESTS_HELD("what one worker sends to the coordinator arrives late", Scope.NETWORK),
    NET_ANSWERS_HELD("what the coordinator answers one worker arrives late", Scope.NETWORK),
    NET_ONE_STALLS(
            "one of a worker's connections to the coordinator stalls, and then delivers everything", Scope.NETWORK),
    NET_SPLIT("one worker is split from Redis and PostgreSQL", Scope.NETWORK),
    POSTGRES_RESTART("PostgreSQL is killed and starts again", Scope.POSTGRES),
    POSTGRES_CUT("PostgreSQL ends all sessions, every 200 ms for two seconds", Scope.POSTGRES),
    POSTGRES_LATE("PostgreSQL carries out what it was asked after its callers have given up", Scope.POSTGRES),
    COMMIT_REPLY_LOST("a worker's transaction is committed, and the answer never comes", Scope.POSTGRES),
    COMMIT_CUT("PostgreSQL ends all sessions in the moment of a commit, five times", Scope.POSTGRES),
    ROLLBACKS("one worker's transactions are rolled back at their end, by somebody around them", Scope.POSTGRES),
    POOL_EXHAUSTED("one worker's connection pool is taken by somebody else", Scope.POSTGRES),
    SENTINEL_FAILOVER("the master is killed, a replica that missed the last writes is promoted", Scope.SENTINEL),
    QUORUM_ONE_OF_THREE("one of three Redis servers is killed and starts again with nothing", Scope.QUORUM),
    QUORUM_TWO_OF_THREE("two of three Redis servers are frozen", Scope.QUORUM),
    QUORUM_TWO_OF_FIVE("two of five Redis servers are killed and start again with nothing", Scope.QUORUM_OF_FIVE),
    CLUSTER_SLOTS_MOVE(
            "slots with leases move from master to master of a Cluster, as long as others wait", Scope.CLUSTER),
    CLUSTER_FAILOVER(
            "a master of a Cluster is killed, a replica that missed the last writes takes over", Scope.CLUSTER),
    POSTGRES_FAILOVER("PostgreSQL is killed for good, its synchronous standby takes over", Scope.STANDBY),
    STANDBY_STOP(
            "the synchronous standby is frozen, and the sessions are ended that wait for it in their commits",
            Scope.STANDBY),
    POSTGRES_DISK_FULL("the disk of PostgreSQL is full: it ends, and starts again once there is room", Scope.DISK);

    /** What has to be there for a fault to make sense. */
    enum Scope {
        WORKER,
        REDIS,
        NETWORK,
        POSTGRES,
        SENTINEL,
        QUORUM,
        QUORUM_OF_FIVE,
        CLUSTER,
        STANDBY,
        DISK
    }

    private final String title;
    private final Scope scope;

    Fault(String title, Scope scope) {
        this.title = title;
        this.scope = scope;
    }

    static Fault of(String label) {
        return Arrays.stream(values())
                .filter(fault -> fault.label().equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no fault '" + label + "'; there are "
                        + Arrays.stream(values()).map(Fault::label).toList()));
    }

    String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    String title() {
        return title;
    }

    Scope scope() {
        return scope;
    }

    /** The servers that a contender needs for this fault. */
    Topology topology() {
        return switch (scope) {
            case SENTINEL -> Topology.SENTINEL;
            case QUORUM_OF_FIVE -> Topology.QUORUM_OF_FIVE;
            case CLUSTER -> Topology.CLUSTER;
            case STANDBY -> Topology.STANDBY;
            // Apart, so that what the seeds of older histories draw stays the same.
            case DISK -> Topology.DISK;
            default -> Topology.USUAL;
        };
    }

    boolean strikes(Contender contender) {
        return switch (scope) {
            // Of two schedulers nobody asks for places.
            case WORKER -> this != ROLLING_DEPLOY || (contender.isOurs() && contender != Contender.HAPAX_MIXED);
            case NETWORK, POSTGRES, DISK -> true;
            case REDIS -> contender.redisServers() > 0;
            // Sentinels are asked for masters without a user of the masters'.
            case SENTINEL ->
                contender.redisServers() == 1
                        && contender != Contender.HAPAX_PORTABLE
                        && contender != Contender.HAPAX_MIXED;
            // Those that coordinate, or fence, in PostgreSQL.
            case STANDBY ->
                switch (contender) {
                    case HAPAX_L3,
                            HAPAX_SPRING,
                            HAPAX_POSTGRES,
                            SHEDLOCK_JDBC,
                            QUARTZ_JDBC,
                            QUARTZ_JDBC_WITHIN_LOCK,
                            JOBRUNR -> true;
                    default -> false;
                };
            case CLUSTER ->
                contender == Contender.HAPAX_L1 || contender == Contender.HAPAX_L3 || contender == Contender.RLOCK;
            case QUORUM, QUORUM_OF_FIVE -> contender.redisServers() == 3;
        };
    }

    /** Whether the process of a worker stands still, so that it may write after others have taken over. */
    boolean pausesWorkers() {
        return this == WORKER_STOP
                || this == WORKER_STOP_BEFORE_EFFECT
                || this == WORKER_STOP_BEFORE_COMMIT
                || this == JVM_PAUSE;
    }

    /** Whether it is done to the connections of a worker to PostgreSQL. */
    boolean holdsDatabaseLines() {
        return this == POSTGRES_LATE || this == COMMIT_REPLY_LOST;
    }

    boolean movesRedisClock() {
        return this == REDIS_CLOCK_FORWARD || this == REDIS_CLOCK_BACK;
    }

    /**
     * For how long Redis grants nothing after it, as it may have forgotten leases or counts their time anew: its quarantine, for
     * this ttl ({@code docs/guarantees.md}). Where replicas take over it is twice as long.
     */
    Duration quarantine(Duration ttl) {
        int tenths = switch (this) {
            case REDIS_EMPTY,
                    REDIS_RESTART,
                    REDIS_POWER_CUT,
                    REDIS_POWER_CUT_ALWAYS,
                    REDIS_CLOCK_FORWARD,
                    REDIS_CLOCK_BACK -> 11;
            case SENTINEL_FAILOVER, CLUSTER_FAILOVER, CLUSTER_SLOTS_MOVE -> 22;
            default -> 0;
        };
        return tenths == 0
                ? Duration.ZERO
                : ttl.multipliedBy(tenths).dividedBy(10).plusSeconds(1);
    }

    boolean movesClock() {
        return movesRedisClock() || this == WORKER_CLOCK_FORWARD || this == WORKER_CLOCK_BACK;
    }
}
