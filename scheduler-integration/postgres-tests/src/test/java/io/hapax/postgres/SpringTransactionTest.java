package io.hapax.postgres;

import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.number;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.RunRequest;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.DefaultTransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * A job's writes with Spring, and its completion in the same transaction. The workers' clock stands still, as that of a
 * process that is paused does.
 */
class SpringTransactionTest {

    private final ManualTicker clock = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(clock);
    private final HikariDataSource pool = Attempts.pool(EmbeddedDatabase.shared(), 4, Duration.ofSeconds(5));
    private final PostgresRunLedger ledger = PostgresRunLedger.builder(pool)
            .namespace(freshName("spring"))
            // As long as the default ttl allows.
            .answerTimeout(Duration.ofSeconds(6))
            .migrate(true)
            .build();
    private final JobGuard guard =
            JobGuard.builder(store).ledger(ledger).ticker(clock).build();
    private final JobGuard other =
            JobGuard.builder(store.otherClient()).ledger(ledger).ticker(clock).build();
    private final JdbcTemplate jdbc = new JdbcTemplate(pool);
    private final TransactionTemplate transaction = new TransactionTemplate(new JdbcTransactionManager(pool));
    private final RunRequest request = RunRequest.lock(freshName("lock")).once(freshName("run"));

    @BeforeEach
    void create() {
        jdbc.execute("CREATE TABLE spring_effect (run text)");
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
        other.close();
        ledger.close();
        execute(pool, "DROP TABLE spring_effect");
        pool.close();
    }

    @Test
    void what_a_run_writes_is_there_once_when_it_completes() throws Exception {
        GuardedRun run = admitted(guard);
        transaction.executeWithoutResult(status -> writeAndComplete(run, "first"));
        assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        assertThat(effects()).isEqualTo(1);
        assertThat(state()).isEqualTo(RunState.DONE);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                TransactionDefinition.ISOLATION_READ_COMMITTED,
                TransactionDefinition.ISOLATION_REPEATABLE_READ,
                TransactionDefinition.ISOLATION_SERIALIZABLE
            })
    void what_a_run_that_was_taken_over_writes_is_rolled_back(int isolation) throws Exception {
        transaction.setIsolationLevel(isolation);
        GuardedRun sleeper = admitted(guard);
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(() -> transaction.executeWithoutResult(status -> {
                    jdbc.update("INSERT INTO spring_effect VALUES ('sleeper')");
                    GuardedRun taker = takeOver();
                    new TransactionTemplate(new JdbcTransactionManager(pool), nested())
                            .executeWithoutResult(inner -> writeAndComplete(taker, "taker"));
                    assertThat(taker.complete()).isEqualTo(RunOutcome.COMPLETED);
                    complete(sleeper);
                }))
                .satisfies(loss -> assertThat(loss.reason()).isEqualTo(LossReason.SUPERSEDED));
        assertThat(sleeper.complete()).isEqualTo(RunOutcome.LOST);
        assertThat(jdbc.queryForList("SELECT run FROM spring_effect", String.class))
                .containsExactly("taker");
    }

    @Test
    void a_job_that_fails_after_completing_in_its_transaction_has_done_nothing() throws Exception {
        GuardedRun run = admitted(guard);
        assertThatIllegalStateException()
                .isThrownBy(() -> transaction.executeWithoutResult(status -> {
                    writeAndComplete(run, "first");
                    throw new IllegalStateException("after all");
                }));
        assertThat(run.fail(new IllegalStateException("after all"))).isEqualTo(RunOutcome.FAILED);
        assertThat(effects()).isZero();
        assertThat(state()).isEqualTo(RunState.FAILED);
        GuardedRun again = admitted(other);
        transaction.executeWithoutResult(status -> writeAndComplete(again, "second"));
        again.complete();
        assertThat(effects()).isEqualTo(1);
    }

    @Test
    void outside_of_a_transaction_it_is_refused_since_springs_connection_commits_by_itself() throws Exception {
        GuardedRun run = admitted(guard);
        assertThatIllegalStateException()
                .isThrownBy(() -> complete(run))
                .withMessageContaining("completeIn needs a transaction")
                .withMessageContaining("start one with your framework");
        run.close();
    }

    private void writeAndComplete(GuardedRun run, String text) {
        jdbc.update("INSERT INTO spring_effect VALUES (?)", text);
        complete(run);
    }

    private void complete(GuardedRun run) {
        var connection = DataSourceUtils.getConnection(pool);
        try {
            run.completeIn(connection);
        } catch (SQLException e) {
            throw new AssertionError(e);
        } finally {
            DataSourceUtils.releaseConnection(connection, pool);
        }
    }

    private static TransactionDefinition nested() {
        return new DefaultTransactionDefinition(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
    }

    /** The sleeper's deadline passes in the ledger, and the lease store has forgotten it. */
    private GuardedRun takeOver() {
        try {
            execute(
                    EmbeddedDatabase.shared().dataSource(),
                    "UPDATE hapax_run SET deadline = now() - interval '1 s' WHERE occurrence = '"
                            + request.identity().runKey().value() + "'");
            store.forgetEverything();
            return admitted(other);
        } catch (SQLException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private GuardedRun admitted(JobGuard by) throws InterruptedException {
        return by.admit(request).fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        });
    }

    private RunState state() {
        return get(ledger.entry(request.identity())).orElseThrow().state();
    }

    private long effects() throws SQLException {
        return number(pool, "SELECT count(*) FROM spring_effect");
    }
}
