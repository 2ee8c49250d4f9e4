package io.hapax.benchmarks.faults;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Who is put through the faults. */
enum Contender {
    NONE("no guard", 0, false, Duration.ofSeconds(3)),
    QUARTZ_JDBC("Quartz JDBC cluster, defaults", 0, false, Duration.ofMillis(8_500)),
    QUARTZ_JDBC_WITHIN_LOCK("Quartz JDBC cluster, acquireTriggersWithinLock", 0, false, Duration.ofMillis(8_500)),
    JOBRUNR("JobRunr alone", 0, false, Duration.ofSeconds(20)),
    SHEDLOCK_JDBC("ShedLock (JDBC)", 0, false, Duration.ofSeconds(3)),
    /** Its locks have no run keys, so it is held to no promise about those. */
    HAPAX_SHEDLOCK("Hapax as ShedLock's provider", 1, false, Duration.ofSeconds(3)),
    RLOCK("Redisson RLock, watchdog", 1, false, Duration.ofSeconds(3)),
    HAPAX_L1("Hapax level 1: lease", 1, true, Duration.ofSeconds(3)),
    HAPAX_L2("Hapax level 2: quorum of 3", 3, true, Duration.ofSeconds(3)),
    HAPAX_L3("Hapax level 3: lease and ledger", 1, true, Duration.ofSeconds(3)),
    HAPAX_PORTABLE("Hapax level 1, portable protocol", 1, true, Duration.ofSeconds(3)),
    HAPAX_POSTGRES("Hapax: lease in PostgreSQL", 0, true, Duration.ofSeconds(3)),
    /** Quartz without the properties that it comes with. */
    HAPAX_MISFIRE("Hapax level 1, firings missed after 5 s", 1, true, Duration.ofSeconds(3)),
    HAPAX_MIXED("Hapax level 3, Quartz and JobRunr at once", 1, true, Duration.ofSeconds(3)),
    HAPAX_SPRING("Hapax level 3, Spring's transactions", 1, true, Duration.ofSeconds(3));

    private final String title;
    private final int redisServers;
    private final boolean ours;
    private final Duration patience;

    Contender(String title, int redisServers, boolean ours, Duration patience) {
        this.title = title;
        this.redisServers = redisServers;
        this.ours = ours;
        this.patience = patience;
    }

    /** Those that are put through everything unless one asks for others: of this one, what others do not show is seldom of interest. */
    static List<Contender> usual() {
        return Arrays.stream(values())
                .filter(contender -> contender != HAPAX_MISFIRE)
                .toList();
    }

    static Contender of(String label) {
        return Arrays.stream(values())
                .filter(contender -> contender.label().equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no contender '" + label + "'; there are "
                        + Arrays.stream(values()).map(Contender::label).toList()));
    }

    String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    String title() {
        return title;
    }

    int redisServers() {
        return redisServers;
    }

    boolean isOurs() {
        return ours;
    }

    /** Whether its runs complete in the transaction of their own writes. */
    boolean hasLedger() {
        return this == HAPAX_L3 || this == HAPAX_MIXED || this == HAPAX_SPRING;
    }

    /** What keeps its runs apart, and where that ends. */
    String mechanism() {
        return switch (this) {
            case NONE -> "Nothing keeps two deliveries apart, or the timers of two replicas.";
            case QUARTZ_JDBC, QUARTZ_JDBC_WITHIN_LOCK ->
                "A node that has not checked in for the interval and another 7.5 s counts as dead, and its firings are"
                        + " recovered by another node (`ClusterManager`). A frozen node is not notified: its threads continue"
                        + " where they stopped, and nothing refuses what they write. Quartz logs that the scheduler is"
                        + " still active but was recovered by another instance.";
            case JOBRUNR ->
                "A job whose heartbeat is four polls old is taken for orphaned and tried again"
                        + " (`ProcessOrphanedJobsTask`), while the thread of the frozen server goes on. The version in"
                        + " JobRunr's table guards that row, not what the job writes. There is no lock key, so jobs of one"
                        + " key overlap at any time. After its database did not answer a server of JobRunr shuts itself"
                        + " down (`ServerZooKeeper`), and jobs wait until its process is started again, which nobody does"
                        + " here; what waits when all is over counts as lost.";
            case SHEDLOCK_JDBC ->
                "The lock ends at `lockAtMostFor` by the database's clock, whether its holder is running or not. The"
                        + " holder is not notified, and nothing refuses its late write.";
            case HAPAX_SHEDLOCK ->
                "ShedLock's annotations over a lease: it ends for its holder before it can end in Redis, and the"
                        + " holder is notified. Its locks are names, not firings, so a replica with a wrong clock may"
                        + " repeat a firing after `lockAtLeastFor`.";
            case RLOCK ->
                "The watchdog is paused with its process, or cannot reach Redis, or Redis has lost the lock:"
                        + " then the key is free for the next run. The holder is not notified; the answer of an earlier check"
                        + " (`isHeldByCurrentThread`) says nothing about later.";
            case HAPAX_L1 ->
                "A lease ends for its holder before it can end in Redis, and a Redis that lost its memory grants"
                        + " nothing until holders have shown themselves. What a frozen process writes after its last"
                        + " check, nobody but the resource can refuse: the store that checks fencing tokens does, the file"
                        + " does not.";
            case HAPAX_L2 ->
                "As level 1, on a majority of servers: a minority may be emptied, frozen, or have a wrong clock.";
            case HAPAX_PORTABLE ->
                "As level 1, on a server whose user may not ask for `TIME`: the store passes the time and the"
                        + " identity of the server to the scripts.";
            case HAPAX_POSTGRES ->
                "A lease ends for its holder before it can end in PostgreSQL, which forgets nothing that it has"
                        + " confirmed. What a frozen process writes after its last check, nobody but the resource can"
                        + " refuse.";
            case HAPAX_MISFIRE ->
                "As level 1. Quartz takes a firing for missed that is late by 5 s, its default without properties, and a"
                        + " replica that is late then leaves out all firings but the last: where all are late, nobody runs"
                        + " the others.";
            case HAPAX_MIXED ->
                "As level 3. Each occurrence is fired by Quartz on some workers and enqueued in JobRunr on others,"
                        + " under one lock key and one run key.";
            case HAPAX_SPRING ->
                "As level 3. The guarded method is called in a transaction of its caller, in which the run completes and"
                        + " with which it ends; now and then the caller rolls it back.";
            case HAPAX_L3 ->
                "As level 1; besides, a job completes in the transaction of its own writes, which is rolled back if"
                        + " another worker has taken over.";
        };
    }

    /** Every how many seconds its recurring job is due. */
    int tickSeconds() {
        return this == JOBRUNR ? 5 : 1;
    }

    /** After how long it takes a silent worker for dead. */
    Duration patience() {
        return patience;
    }
}
