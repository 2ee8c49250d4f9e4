package io.hapax.benchmarks.faults.work;

import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.JobGuardBuilder;
import io.hapax.RunRequest;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.redis.RedissonLeaseStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.redisson.Redisson;
import org.redisson.config.Config;
import org.redisson.config.ConstantDelay;

/** Hapax: one Redis or Sentinel (level 1), a quorum (level 2), one of them with a ledger (level 3), or PostgreSQL alone. */
final class HapaxGuarding implements Guarding {

    private static final String LEDGER = "hapax-l3";

    private static final String MISFIRE = "hapax-misfire";

    /** Without Redis. */
    static final String POSTGRES = "hapax-postgres";

    /** Two renewals have to fit into a ttl. */
    private static final Duration ANSWER = Settings.TTL.dividedBy(6);

    private final Work work;
    private final boolean fenced;
    private final JobGuard guard;
    private final RamTicks ticks;
    private final Places places;

    HapaxGuarding(Settings settings, DataSource database, Work work) throws Exception {
        this.work = work;
        this.fenced = settings.contender().equals(LEDGER);
        JobGuardBuilder builder = guard(settings, database);
        this.guard = (fenced ? builder.ledger(ledger(database)) : builder).build();
        this.ticks = new RamTicks(
                settings.worker(),
                occurrence -> work.perform(occurrence, new Lease(CurrentRun.get(), fenced)),
                settings.contender().equals(MISFIRE) ? RamTicks.MISSED_WITHOUT_PROPERTIES : RamTicks.MISSED_AFTER);
        this.places = new Places(guard, work, settings.limit());
        HapaxPlugin.install(ticks.scheduler(), guard);
    }

    static JobGuardBuilder guard(Settings settings, DataSource database) {
        return JobGuard.builder(store(settings, database))
                .worker(settings.worker())
                .closesStore()
                .defaults(options -> options.withTtl(Settings.TTL));
    }

    static RunLedger ledger(DataSource database) {
        return PostgresRunLedger.builder(database)
                .namespace("faults")
                .answerTimeout(ANSWER)
                .migrate(true)
                .build();
    }

    static LeaseStore store(Settings settings, DataSource database) {
        if (settings.contender().equals(POSTGRES)) {
            return PostgresLeaseStore.builder(database)
                    .namespace("faults")
                    .answerTimeout(ANSWER)
                    .migrate(true)
                    .build();
        }
        RedissonLeaseStore.Builder builder = RedissonLeaseStore.builder()
                .namespace("faults")
                .longestTtl(Settings.TTL)
                .answerTimeout(ANSWER)
                .firstStart(settings.firstStart());
        String master = settings.master();
        if (master != null) {
            return builder.client(Redisson.create(sentinels(settings, master))).build();
        }
        if (settings.isCluster()) {
            return builder.client(Redisson.create(cluster(settings))).build();
        }
        return settings.redis().size() == 1
                ? builder.url(settings.redis().get(0)).build()
                : builder.quorum(settings.redis());
    }

    /** The client has to give up on a server faster than a lease ends, see docs/topologies.md. */
    private static Config sentinels(Settings settings, String master) {
        Config config = new Config();
        config.useSentinelServers()
                .setMasterName(master)
                .addSentinelAddress(settings.redis().toArray(String[]::new))
                .setScanInterval(200)
                .setTimeout(200)
                .setRetryAttempts(1)
                .setRetryDelay(new ConstantDelay(Duration.ofMillis(20)))
                .setReconnectionDelay(new ConstantDelay(Duration.ofMillis(100)));
        return config;
    }

    private static Config cluster(Settings settings) {
        Config config = new Config();
        config.useClusterServers()
                .addNodeAddress(settings.redis().toArray(String[]::new))
                .setScanInterval(200)
                .setTimeout(200)
                .setRetryAttempts(1)
                .setRetryDelay(new ConstantDelay(Duration.ofMillis(20)))
                .setReconnectionDelay(new ConstantDelay(Duration.ofMillis(100)));
        return config;
    }

    @Override
    public Answer attempt(Occurrence occurrence) throws Exception {
        RunRequest request = RunRequest.lock(occurrence.key()).once(occurrence.id());
        return guard.<Boolean, Exception>run(request, run -> {
                    work.perform(occurrence, new Lease(run, fenced));
                    return true;
                })
                .fold(
                        ran -> ran.outcome() == RunOutcome.COMPLETED ? Answer.SETTLED : Answer.LATER,
                        refusal -> refusal.verdict() == Verdict.DONE ? Answer.SETTLED : Answer.LATER);
    }

    @Override
    public void start() throws Exception {
        ticks.start();
        places.start();
    }

    @Override
    public void close() throws Exception {
        places.stop();
        ticks.close();
        boolean unused = guard.shutdown(Settings.TTL);
    }

    /** What a guarded run offers. */
    record Lease(GuardedRun run, boolean isFenced) implements Held {

        @Override
        public OptionalLong token() {
            return OptionalLong.of(run.fencingToken().value());
        }

        /** The key of its lease: of a place, with its number. */
        String key() {
            return run.lease().map(lease -> lease.identity().leaseName()).orElse("-");
        }

        @Override
        public String owner() {
            return run.lease().map(lease -> lease.owner().value()).orElse("-");
        }

        @Override
        public void check() {
            run.ensureHeld();
        }

        @Override
        public void completeIn(Connection connection) throws SQLException {
            if (isFenced) {
                run.completeIn(connection);
            }
        }

        @Override
        public void onLost(Consumer<String> told) {
            run.onLeaseLost(loss -> told.accept(String.valueOf(run.lost().orElse(null))));
        }
    }
}
