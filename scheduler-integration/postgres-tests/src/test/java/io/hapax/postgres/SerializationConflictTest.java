package io.hapax.postgres;

import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.number;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.RunRequest;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Lease;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * SQLSTATE 40001 comes with a takeover, and also with ordinary conflicts of the application, which repeats its transaction
 * then. The workers' clock stands still, as that of a process that is paused does.
 */
class SerializationConflictTest {

    private final ManualTicker clock = new ManualTicker();
    private final HikariDataSource pool = Attempts.pool(EmbeddedDatabase.shared(), 6, Duration.ofSeconds(5));
    private final PostgresRunLedger ledger = PostgresRunLedger.builder(pool)
            .namespace(freshName("conflicts"))
            // As long as the default ttl allows.
            .answerTimeout(Duration.ofSeconds(6))
            .migrate(true)
            .build();
    private final JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(clock))
            .ledger(ledger)
            .ticker(clock)
            .build();
    private final RunRequest request = RunRequest.lock(freshName("lock"))
            .once(freshName("run"))
            .tune(options -> options.withAfterCrash(AfterCrash.ABANDON));

    @BeforeEach
    void create() throws SQLException {
        execute(pool, "CREATE TABLE doctor (name text PRIMARY KEY, on_call boolean)");
        execute(pool, "INSERT INTO doctor VALUES ('ann', true), ('bob', true)");
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
        ledger.close();
        execute(pool, "DROP TABLE doctor");
        pool.close();
    }

    private GuardedRun admitted() throws InterruptedException {
        return guard.admit(request).fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        });
    }

    private Connection transaction(int isolation) throws SQLException {
        Connection connection = pool.getConnection();
        connection.setTransactionIsolation(isolation);
        connection.setAutoCommit(false);
        return connection;
    }

    private RunState state() {
        return get(ledger.entry(request.identity())).orElseThrow().state();
    }

    /** Each of the two reads what the other one writes. */
    private static void leave(Connection connection, String name) throws SQLException {
        execute(connection, "SELECT count(*) FROM doctor WHERE on_call");
        execute(connection, "UPDATE doctor SET on_call = false WHERE name = '" + name + "'");
    }

    /** A colleague, who reads what the job writes, commits first. */
    private void outrun(Connection job) throws SQLException {
        leave(job, "ann");
        try (Connection colleague = transaction(Connection.TRANSACTION_SERIALIZABLE)) {
            leave(colleague, "bob");
            colleague.commit();
        }
    }

    private static void assertConflict(GuardedRun run, Connection job) throws SQLException {
        assertThatExceptionOfType(SQLException.class)
                .isThrownBy(() -> run.completeIn(job))
                .satisfies(conflict -> assertThat(conflict.getSQLState()).isEqualTo("40001"));
        job.rollback();
    }

    @Test
    void a_conflict_on_rows_of_the_application_is_the_applications_to_repeat() throws Exception {
        GuardedRun run = admitted();
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            try (Connection job = transaction(Connection.TRANSACTION_SERIALIZABLE)) {
                outrun(job);
                assertConflict(run, job);

                assertThat(run.lost()).isEmpty();
                assertThat(run.isHeld()).isTrue();
                leave(job, "ann");
                run.completeIn(job);
                job.commit();
            }
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        assertThat(state()).isEqualTo(RunState.DONE);
        assertThat(number(pool, "SELECT count(*) FROM doctor WHERE on_call")).isZero();
    }

    @Test
    void a_job_that_does_not_repeat_a_conflicting_transaction_has_failed_and_waits_for_nobody() throws Exception {
        assertThatExceptionOfType(SQLException.class)
                .isThrownBy(() -> guard.run(request, run -> {
                    try (Connection job = transaction(Connection.TRANSACTION_SERIALIZABLE)) {
                        outrun(job);
                        run.completeIn(job);
                        job.commit();
                    }
                    return null;
                }));
        assertThat(state()).isEqualTo(RunState.FAILED);
        admitted().close();
    }

    @Test
    void a_conflict_while_no_connection_is_free_to_look_at_the_row_is_the_applications_to_repeat() throws Exception {
        try (HikariDataSource only = Attempts.pool(EmbeddedDatabase.shared(), 1, Duration.ofSeconds(5));
                PostgresRunLedger poor = PostgresRunLedger.builder(only)
                        .namespace(freshName("poor"))
                        .answerTimeout(Duration.ofSeconds(2))
                        .build();
                JobGuard narrow = JobGuard.builder(new InMemoryLeaseStore(clock))
                        .ledger(poor)
                        .ticker(clock)
                        .build()) {
            // The answer timeout is waited for, so it is short: a busy machine may be late at first.
            GuardedRun run = Awaitility.await()
                    .pollInSameThread()
                    .until(
                            () -> narrow.admit(request).fold(admitted -> admitted, refusal -> null),
                            admitted -> admitted != null);
            try (Connection job = only.getConnection()) {
                job.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
                job.setAutoCommit(false);
                outrun(job);
                assertConflict(run, job);
                run.completeIn(job);
                job.commit();
            }
            assertThat(run.complete()).isIn(RunOutcome.COMPLETED, RunOutcome.UNCONFIRMED);
            Awaitility.await()
                    .ignoreExceptionsInstanceOf(AssertionError.class)
                    .until(() ->
                            get(poor.entry(request.identity())).orElseThrow().state() == RunState.DONE);
        }
    }

    @Test
    void a_takeover_after_the_snapshot_of_the_transaction_is_a_loss() throws Exception {
        for (int isolation : new int[] {Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE}) {
            GuardedRun run = admitted();
            Lease taker;
            try (run;
                    GuardedRun.Scope scope = run.enter();
                    Connection job = transaction(isolation)) {
                leave(job, "ann");
                get(ledger.release(run.lease().orElseThrow(), RunState.LOST));
                taker = claimed(ledger, request.identity());
                assertThatExceptionOfType(LeaseLostException.class)
                        .isThrownBy(() -> run.completeIn(job))
                        .satisfies(loss -> assertThat(loss.reason()).isEqualTo(LossReason.SUPERSEDED));
                assertThat(Thread.interrupted()).isTrue();
                job.rollback();
            }
            assertThat(state()).isEqualTo(RunState.RUNNING);
            get(ledger.release(taker, RunState.RELEASED));
        }
    }
}
