package io.hapax.worker;

import io.hapax.RunOptions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What one replica needs to know.
 *
 * @param leases where leases are kept
 * @param redisUrls if it is Redis: one server, or an odd number of at least three that form a quorum
 * @param jdbcUrl where Quartz' cluster, JobRunr and the ledger keep what they have; null: in memory, and no ledger
 * @param namespace keeps applications apart in Redis
 * @param name this replica, for operators
 * @param guarded whether jobs are guarded
 * @param runs how runs are guarded that say nothing else
 * @param firstStart when the namespace is used for the first time ever; null if that is not said
 * @param replaceSettings whether this start changes the settings on which workers have to agree
 * @param ledger whether runs are kept in PostgreSQL too
 * @param quartz which Quartz schedulers run
 * @param jobrunr whether JobRunr runs
 * @param threads how many jobs each scheduler runs at once
 * @param jobrunrPoll poll interval of JobRunr
 * @param checkin check-in interval of the Quartz cluster
 * @param grace how long running jobs may take to end at shutdown
 * @param web where /health, /metrics and the console are
 * @param hashKeys the secret by which keys are hashed; null to keep them in plain text
 * @param record the part of the demo that runs are recorded to; empty for none
 */
record WorkerSettings(
        Leases leases,
        List<String> redisUrls,
        @Nullable String jdbcUrl,
        String namespace,
        String name,
        boolean guarded,
        RunOptions runs,
        @Nullable Instant firstStart,
        boolean replaceSettings,
        boolean ledger,
        QuartzStore quartz,
        boolean jobrunr,
        int threads,
        Duration jobrunrPoll,
        Duration checkin,
        Duration grace,
        Web web,
        @Nullable Secret hashKeys,
        String record) {

    /** What only PostgreSQL can keep is not dropped in silence. */
    WorkerSettings {
        if (jdbcUrl == null) {
            refuseIf(ledger, "--ledger on");
            refuseIf(leases == Leases.POSTGRES, "--leases postgres");
            refuseIf(
                    quartz == QuartzStore.JDBC || quartz == QuartzStore.BOTH,
                    "--quartz-store " + quartz.name().toLowerCase(Locale.ROOT));
            refuseIf(!record.isEmpty(), "--record " + record);
        }
    }

    private static void refuseIf(boolean wanted, String what) {
        if (wanted) {
            throw new IllegalArgumentException(what + " needs PostgreSQL: name one with --database or DATABASE_URL");
        }
    }

    /**
     * Where the worker's web server listens.
     *
     * @param port 0 for nowhere
     * @param bind name or address of the network interface
     * @param consoleToken what the console asks for; null: then it answers this machine only, and changes nothing
     * @param proxies addresses of the proxies before it, whose word on who asks is taken
     */
    record Web(int port, String bind, @Nullable Secret consoleToken, List<String> proxies) {
        Web(int port, String bind, @Nullable Secret consoleToken) {
            this(port, bind, consoleToken, List.of());
        }
    }

    /** Text that must not get into logs. */
    record Secret(String value) {
        @Override
        public String toString() {
            return "***";
        }
    }

    /** Where leases are kept. */
    enum Leases {
        REDIS,
        POSTGRES
    }

    /** Which of the two Quartz schedulers run. */
    enum QuartzStore {
        RAM,
        JDBC,
        BOTH,
        NONE
    }

    Duration ttl() {
        return runs.ttl();
    }

    /** How long a store may take to answer: two renewals have to fit into a ttl. */
    Duration answerTimeout() {
        return runs.fittingAnswerTimeout();
    }
}
