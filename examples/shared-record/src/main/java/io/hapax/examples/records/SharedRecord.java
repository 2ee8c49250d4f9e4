package io.hapax.examples.records;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.postgres.FencedTable;
import io.hapax.postgres.StaleWriteException;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;

/**
 * Workers that read a record, think, and write it back: what another one wrote meanwhile is lost. Under a lock key they take
 * turns. And a worker that stood still until its turn was over is refused by the record itself, which remembers the highest
 * fencing token that it has seen.
 */
public final class SharedRecord {

    private static final int WORKERS = 4;
    private static final int CHANGES = 15;
    private static final FencedTable STOCK = FencedTable.of("stock");

    private final DataSource database;
    private final String redisUrl;

    private SharedRecord(DataSource database, String redisUrl) {
        this.database = database;
        this.redisUrl = redisUrl;
    }

    /**
     * What came of it.
     *
     * @param changes how many changes were made in all
     * @param lostUnguarded how many of them were lost without the guard
     * @param lostGuarded how many with it
     * @param staleRefused whether the record refused a worker whose turn was over
     */
    public record Outcome(int changes, long lostUnguarded, long lostGuarded, boolean staleRefused) {}

    /**
     * Runs the example.
     *
     * @param arguments none
     * @throws Exception if a server cannot be started
     */
    public static void main(String[] arguments) throws Exception {
        print(System.out, run());
    }

    static Outcome run() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                EmbeddedDatabase postgres = EmbeddedDatabase.start()) {
            SharedRecord example = new SharedRecord(postgres.dataSource(), redis.url());
            example.execute("CREATE TABLE stock (id int PRIMARY KEY, pieces bigint, fence bigint NOT NULL DEFAULT 0)");
            int all = WORKERS * CHANGES;
            long unguarded = example.changeBy(false);
            long guarded = example.changeBy(true);
            return new Outcome(all, all - unguarded, all - guarded, example.isStaleWriterRefused());
        }
    }

    /** Lets all workers change the record, and returns what it says afterwards. */
    private long changeBy(boolean guarded) throws Exception {
        execute("DELETE FROM stock; INSERT INTO stock (id, pieces) VALUES (7, 0)");
        ExecutorService threads = Executors.newFixedThreadPool(WORKERS);
        List<JobGuard> guards = new ArrayList<>();
        List<Future<?>> work = new ArrayList<>();
        try {
            for (int n = 1; n <= WORKERS; n++) {
                guards.add(guard("worker-" + n));
            }
            // All at once: to connect takes longer than a few changes.
            for (JobGuard guard : guards) {
                Callable<Boolean> worker = () -> changeOften(guard, guarded);
                work.add(threads.submit(worker));
            }
            for (Future<?> each : work) {
                each.get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } finally {
            threads.shutdown();
            guards.forEach(JobGuard::close);
        }
        return pieces();
    }

    private boolean changeOften(JobGuard guard, boolean guarded) throws Exception {
        for (int change = 0; change < CHANGES; change++) {
            if (guarded) {
                RunRequest request = RunRequest.lock("stock/7").waitAtMost(Duration.ofMinutes(1));
                RunResult<Boolean> result = guard.run(request, run -> change());
                if (result instanceof RunResult.Refused<Boolean> refused) {
                    throw new IllegalStateException("waited in vain: " + refused.refusal());
                }
            } else {
                change();
            }
        }
        return true;
    }

    /** Reads, thinks, writes: in between anything may happen. */
    private boolean change() throws SQLException, InterruptedException {
        long read = pieces();
        Thread.sleep(2); // thinking, as all programs do
        execute("UPDATE stock SET pieces = " + (read + 1) + " WHERE id = 7");
        return true;
    }

    /** The first run loses its lease without noticing, the second one writes; then the first one writes, too. */
    private boolean isStaleWriterRefused() throws Exception {
        try (JobGuard slow = guard("slow");
                JobGuard quick = guard("quick");
                Connection connection = database.getConnection()) {
            GuardedRun first = admitted(slow);
            STOCK.raise(connection, 7, first.fencingToken());
            quick.admin()
                    .forceRelease(
                            first.identity(), "example", "as if it had stood still for longer than its lease lives")
                    .join();
            try (GuardedRun second = admitted(quick)) {
                STOCK.raise(connection, 7, second.fencingToken());
                STOCK.update(connection, 7, second.fencingToken(), "pieces = ?", 1000);
            }
            try {
                STOCK.update(connection, 7, first.fencingToken(), "pieces = ?", 0);
                return false;
            } catch (StaleWriteException refused) {
                return pieces() == 1000;
            } finally {
                first.close();
            }
        }
    }

    private static GuardedRun admitted(JobGuard guard) throws InterruptedException {
        return guard.admit(RunRequest.lock("stock/7")).fold(run -> run, refusal -> {
            throw new IllegalStateException(refusal.toString());
        });
    }

    private JobGuard guard(String worker) {
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(redisUrl)
                .namespace("shared-record")
                .firstStart(WallClock.now())
                .build();
        return JobGuard.builder(store).worker(worker).closesStore().build();
    }

    private long pieces() throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT pieces FROM stock WHERE id = 7")) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void print(PrintStream out, Outcome outcome) {
        out.printf(
                Locale.ROOT, "%d workers change one record %d times each: read, think, write.%n%n", WORKERS, CHANGES);
        out.printf(
                Locale.ROOT,
                "%-46s %6d of %d%n",
                "changes that were lost without the guard",
                outcome.lostUnguarded(),
                outcome.changes());
        out.printf(
                Locale.ROOT,
                "%-46s %6d of %d%n",
                "changes that were lost under a lock key",
                outcome.lostGuarded(),
                outcome.changes());
        out.printf(
                Locale.ROOT,
                "%-46s %6s%n",
                "a worker whose turn was over was refused",
                outcome.staleRefused() ? "yes" : "NO");
        out.println();
        out.printf(
                Locale.ROOT,
                "hapax-example name=shared-record lost=%d stale_refused=%b%n",
                outcome.lostGuarded(),
                outcome.staleRefused());
    }
}
