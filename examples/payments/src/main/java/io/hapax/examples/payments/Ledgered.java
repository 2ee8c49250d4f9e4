package io.hapax.examples.payments;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.WallClock;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/** What each worker has: a store, a ledger in the database of the payments, and a guard. */
record Ledgered(JobGuard guard, DataSource database) implements AutoCloseable {

    static final Duration TTL = Duration.ofSeconds(5);

    static Ledgered open(String redisUrl, DataSource database, String worker) {
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(redisUrl)
                .namespace("payments")
                .answerTimeout(Duration.ofSeconds(1))
                .firstStart(WallClock.now())
                .build();
        return new Ledgered(
                JobGuard.builder(store)
                        .ledger(PostgresRunLedger.builder(database)
                                .namespace("payments")
                                .migrate(true)
                                .build())
                        .worker(worker)
                        .defaults(options -> options.withTtl(TTL))
                        .closesStore()
                        .build(),
                database);
    }

    private static final Duration PAUSE = Duration.ofMillis(100);
    private static final int PATIENCE = 300;

    /** One attempt at a run. */
    interface Attempt<T> {
        RunResult<T> run() throws Exception;
    }

    /** Tries until it is this run's turn, as a scheduler does: somebody else may be at it, or Redis may be slow. */
    static <T> RunResult<T> untilItRuns(Attempt<T> attempt) throws Exception {
        RunResult<T> result = attempt.run();
        for (int n = 0; n < PATIENCE && result instanceof RunResult.Refused; n++) {
            LockSupport.parkNanos(PAUSE.toNanos());
            result = attempt.run();
        }
        if (result instanceof RunResult.Refused<T> refused) {
            throw new IllegalStateException("it was never its turn: " + refused.refusal());
        }
        return result;
    }

    /** Something that happens between the booking and its commit. */
    interface Between {
        void happens() throws InterruptedException;
    }

    /**
     * Books a payment in one transaction with the completion of its run: both or neither.
     *
     * @return what came of it
     * @throws Exception if the database refuses, or the lease was lost
     */
    RunResult<Long> book(int payment, Between between) throws Exception {
        return guard.run(RunRequest.occurrence("payment/" + payment), run -> {
            try (Connection connection = database.getConnection()) {
                connection.setAutoCommit(false);
                insert(connection, payment, run);
                between.happens();
                run.completeIn(connection);
                connection.commit();
                return run.fencingToken().value();
            }
        });
    }

    private void insert(Connection connection, int payment, GuardedRun run) throws SQLException {
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO booking (payment, worker, token) VALUES (?, ?, ?)")) {
            insert.setInt(1, payment);
            insert.setString(2, guard.worker());
            insert.setLong(3, run.fencingToken().value());
            insert.executeUpdate();
        }
    }

    @Override
    public void close() {
        guard.close();
    }
}
