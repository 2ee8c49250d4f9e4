package io.hapax.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.postgres.PostgresRunLedger;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One variant in a process of its own: so many callers do the same thing for some seconds, and what it cost this process
 * is printed.
 */
final class LedgerVariant {

    private static final Duration WARM_UP = Duration.ofSeconds(4);
    private static final Duration MEASURED = Duration.ofSeconds(5);

    private LedgerVariant() {}

    /** One run, as a caller sees it. */
    private interface Step {
        void run() throws SQLException, InterruptedException, ExecutionException;
    }

    /** Arguments: variant, JDBC address, user, password, callers. Obeys 'go' on standard input. */
    public static void main(String[] args) throws Exception {
        int callers = Integer.parseInt(args[4]);
        try (HikariDataSource database = new HikariDataSource()) {
            database.setJdbcUrl(args[1]);
            database.setUsername(args[2]);
            database.setPassword(args[3]);
            database.setMaximumPoolSize(args[0].equals("insert") ? Math.min(callers, 16) : 4);
            Step step = args[0].equals("insert") ? insert(database) : ledger(database);
            measure(step, callers, WARM_UP);
            System.out.println("ready");
            int ignored = System.in.read();
            double cpuBefore = ProcessCpu.ofThisProcess();
            long runs = measure(step, callers, MEASURED);
            System.out.printf(Locale.ROOT, "%d %.3f%n", runs, ProcessCpu.ofThisProcess() - cpuBefore);
            System.out.flush();
        }
        System.exit(0);
    }

    /** The least that a table of runs can cost: one row, by the plain driver. */
    private static Step insert(HikariDataSource database) {
        return () -> {
            try (Connection connection = database.getConnection();
                    PreparedStatement insert =
                            connection.prepareStatement("INSERT INTO plain_run (id, worker) VALUES (?, ?)")) {
                insert.setString(1, UUID.randomUUID().toString());
                insert.setString(2, "worker");
                insert.executeUpdate();
            }
        };
    }

    private static Step ledger(HikariDataSource database) {
        PostgresRunLedger ledger = PostgresRunLedger.builder(database)
                .namespace("benchmark")
                .migrate(true)
                .cleanUpEvery(Duration.ZERO)
                .build();
        return () -> {
            JobIdentity identity =
                    new JobIdentity(null, new RunKey(UUID.randomUUID().toString()));
            ClaimRequest request = new ClaimRequest(
                    identity,
                    OwnerId.random(),
                    "worker",
                    Duration.ofSeconds(30),
                    AfterCrash.RERUN,
                    Duration.ofHours(1));
            Claim claim = ledger.claim(request).toCompletableFuture().get();
            Lease mine = ((Claim.Claimed) claim).lease();
            if (ledger.complete(mine).toCompletableFuture().get() != Completion.NOTED) {
                throw new IllegalStateException("a run that nobody disturbed was not completed: " + mine);
            }
        };
    }

    private static long measure(Step step, int callers, Duration time) throws InterruptedException {
        AtomicLong runs = new AtomicLong();
        long end = System.nanoTime() + time.toNanos();
        List<Thread> threads = new ArrayList<>();
        for (int n = 0; n < callers; n++) {
            Thread thread = new Thread(() -> repeat(step, end, runs), "caller-" + n);
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return runs.get();
    }

    private static void repeat(Step step, long end, AtomicLong runs) {
        try {
            while (System.nanoTime() < end) {
                step.run();
                runs.incrementAndGet();
            }
        } catch (SQLException | InterruptedException | ExecutionException | RuntimeException e) {
            e.printStackTrace();
            System.exit(1);
        }
    }
}
