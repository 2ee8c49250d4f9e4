package io.hapax.benchmarks.cycle;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.RunOutcome;
import io.hapax.lease.LeaseStore;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.WallClock;
import java.util.concurrent.CompletionStage;

/** Hapax with its defaults. */
final class HapaxGuard implements Contender {

    /** A user of the server that the benchmark creates, who may not ask for TIME. */
    static final String NARROW = "narrow";

    private static final int CONNECTIONS = 10;

    private final JobGuard guard;
    private final Runnable end;

    HapaxGuard(Servers servers) {
        this(redis(servers.redis()), () -> {});
    }

    private HapaxGuard(LeaseStore store, Runnable end) {
        this.guard = JobGuard.builder(store).closesStore().build();
        this.end = end;
    }

    private static LeaseStore redis(String url) {
        return RedissonLeaseStore.builder()
                .url(url)
                .namespace("cycle")
                .firstStart(WallClock.now())
                .build();
    }

    static HapaxGuard portable(Servers servers) {
        return new HapaxGuard(redis(servers.redis().replace("redis://", "redis://" + NARROW + ":any@")), () -> {});
    }

    static HapaxGuard inPostgres(Servers servers) {
        HikariDataSource database = new HikariDataSource();
        database.setJdbcUrl(servers.jdbc());
        database.setMaximumPoolSize(CONNECTIONS);
        LeaseStore store = PostgresLeaseStore.builder(database)
                .namespace("cycle")
                .migrate(true)
                .build();
        return new HapaxGuard(store, database::close);
    }

    @Override
    public void cycle(String key) throws InterruptedException {
        Admission admission = guard.admit(RunRequest.lock(key));
        try (GuardedRun run = admitted(admission);
                GuardedRun.Scope scope = run.enter()) {
            check(run.complete());
        }
    }

    @Override
    public CompletionStage<?> cycleAsync(String key) {
        return guard.admitAsync(RunRequest.lock(key))
                .thenCompose(admission -> admitted(admission).completeAsync())
                .thenAccept(HapaxGuard::check);
    }

    private static GuardedRun admitted(Admission admission) {
        if (admission instanceof Admission.Admitted admitted) {
            return admitted.run();
        }
        throw new IllegalStateException("not granted: " + admission);
    }

    private static void check(RunOutcome outcome) {
        if (outcome != RunOutcome.COMPLETED) {
            throw new IllegalStateException("not given back: " + outcome);
        }
    }

    @Override
    public void close() {
        guard.close();
        end.run();
    }
}
