package io.hapax.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunLedger;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;
import org.awaitility.Awaitility;

/** The vocabulary of these tests: fresh identities, requests, answers waited for, rows counted. */
final class Attempts {

    /** Outlives every test. */
    static final Duration LONG = Duration.ofMinutes(1);
    /** For tests that are not about answers that come late: a busy machine is no fault of the database. */
    static final Duration PATIENCE = Duration.ofSeconds(15);
    /** Longer than a few requests take. */
    static final Duration SHORT = Duration.ofMillis(150);

    private static final Duration RETENTION = Duration.ofMinutes(1);

    private Attempts() {}

    static String freshName(String kind) {
        return kind + "-" + OwnerId.random();
    }

    static JobIdentity freshRun() {
        return new JobIdentity(null, new RunKey(freshName("run")));
    }

    static JobIdentity freshPair() {
        return new JobIdentity(new LockKey(freshName("lock")), freshRun().runKey());
    }

    static JobIdentity nextRun(JobIdentity identity) {
        return new JobIdentity(identity.lockKey(), freshRun().runKey());
    }

    static ClaimRequest request(JobIdentity identity, Duration ttl, AfterCrash afterCrash) {
        return new ClaimRequest(identity, OwnerId.random(), "worker-1", ttl, afterCrash, RETENTION);
    }

    static ClaimRequest request(JobIdentity identity) {
        return request(identity, LONG, AfterCrash.RERUN);
    }

    static Lease claimed(RunLedger ledger, ClaimRequest request) {
        return lease(get(ledger.claim(request)));
    }

    static Lease claimed(RunLedger ledger, JobIdentity identity) {
        return claimed(ledger, request(identity));
    }

    static Lease lease(Claim answer) {
        return assertThat(answer)
                .asInstanceOf(type(Claim.Claimed.class))
                .actual()
                .lease();
    }

    /** A run that broke off after it had begun: its deadline has passed, and a clean-up's grace. */
    static Lease brokenOff(RunLedger ledger, JobIdentity identity, AfterCrash afterCrash) {
        for (Duration ttl = SHORT; ; ttl = ttl.multipliedBy(4)) {
            Lease lease = claimed(ledger, request(identity, ttl, afterCrash));
            if (afterCrash == AfterCrash.RERUN || get(ledger.begin(lease)) == Completion.NOTED) {
                letPass(ttl.multipliedBy(2));
                return lease;
            }
        }
    }

    static void letPass(Duration time) {
        Awaitility.await().pollDelay(time.plusMillis(20)).until(() -> true);
    }

    static <T> T get(CompletionStage<T> stage) {
        try {
            return stage.toCompletableFuture().get(1, TimeUnit.MINUTES);
        } catch (ExecutionException | InterruptedException | TimeoutException e) {
            throw new AssertionError("the ledger did not answer: " + e, e);
        }
    }

    static LedgerException failure(CompletionStage<?> stage) {
        try {
            Object answer = stage.toCompletableFuture().get(1, TimeUnit.MINUTES);
            throw new AssertionError("a failure was expected, but the answer was " + answer);
        } catch (ExecutionException e) {
            return assertThat(e.getCause())
                    .asInstanceOf(type(LedgerException.class))
                    .actual();
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError("the ledger did not answer", e);
        }
    }

    /** Does all at once, each on a thread of its own. */
    static <T> List<T> atOnce(List<Callable<T>> tasks) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(tasks.size());
        try {
            List<T> results = new ArrayList<>();
            for (Future<T> result : threads.invokeAll(tasks, 9, TimeUnit.MINUTES)) {
                results.add(result.get());
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }

    static HikariDataSource pool(EmbeddedDatabase database, int size, Duration patience) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.jdbcUrl());
        config.setUsername(database.user());
        config.setPassword(database.password());
        return pool(config, size, patience);
    }

    static HikariDataSource pool(DatabaseAddress database, int size, Duration patience) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.jdbcUrl());
        config.setUsername(database.user());
        config.setPassword(database.password());
        return pool(config, size, patience);
    }

    private static HikariDataSource pool(HikariConfig config, int size, Duration patience) {
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(patience.toMillis());
        // As short as can be where a test waits for it; a machine that is busy with something else is no fault of a
        // database.
        config.setValidationTimeout(Math.max(250, patience.toMillis() / 4));
        return new HikariDataSource(config);
    }

    static void execute(DataSource database, String sql) throws SQLException {
        try (Connection connection = database.getConnection()) {
            execute(connection, sql);
        }
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static long number(DataSource database, String sql) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            assertThat(row.next()).isTrue();
            return row.getLong(1);
        }
    }
}
