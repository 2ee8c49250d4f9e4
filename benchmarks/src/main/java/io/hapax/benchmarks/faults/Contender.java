package io.hapax.benchmarks.faults;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/** Who is put through the faults. */
enum Contender {
    NONE("no guard", 0, false, Duration.ofSeconds(3)),
    QUARTZ_JDBC("Quartz JDBC cluster, defaults", 0, false, Duration.ofMillis(8_500)),
    QUARTZ_JDBC_WITHIN_LOCK("Quartz JDBC cluster, acquireTriggersWithinLock", 0, false, Duration.ofMillis(8_500)),
    JOBRUNR("JobRunr alone", 0, false, Duration.ofSeconds(20)),
    SHEDLOCK_JDBC("ShedLock (JDBC)", 0, false, Duration.ofSeconds(3)),
    RLOCK("Redisson RLock, watchdog", 1, false, Duration.ofSeconds(3)),
    HAPAX_L1("Hapax level 1: lease", 1, true, Duration.ofSeconds(3)),
    HAPAX_L2("Hapax level 2: quorum of 3", 3, true, Duration.ofSeconds(3)),
    HAPAX_L3("Hapax level 3: lease and ledger", 1, true, Duration.ofSeconds(3));

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

    /** Every how many seconds its recurring job is due. */
    int tickSeconds() {
        return this == JOBRUNR ? 5 : 1;
    }

    /** After how long it takes a silent worker for dead. */
    Duration patience() {
        return patience;
    }
}
