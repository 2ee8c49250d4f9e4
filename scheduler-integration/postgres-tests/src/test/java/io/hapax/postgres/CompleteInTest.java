package io.hapax.postgres;

import static io.hapax.postgres.Attempts.SHORT;
import static io.hapax.postgres.Attempts.brokenOff;
import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.letPass;
import static io.hapax.postgres.Attempts.number;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** The completion in the job's own transaction, at each isolation level. */
@ParameterizedClass
@ValueSource(
        ints = {
            Connection.TRANSACTION_READ_COMMITTED,
            Connection.TRANSACTION_REPEATABLE_READ,
            Connection.TRANSACTION_SERIALIZABLE
        })
class CompleteInTest {

    private static HikariDataSource pool;
    private static PostgresRunLedger ledger;
    private static PostgresRunLedger other;

    @Parameter
    int isolation;

    private final JobIdentity identity = freshPair();

    @BeforeAll
    static void open() throws SQLException {
        pool = Attempts.pool(EmbeddedDatabase.shared(), 8, Duration.ofSeconds(5));
        PostgresRunLedger.Builder builder = PostgresRunLedger.builder(pool)
                .namespace(freshName("complete-in"))
                .answerTimeout(Attempts.PATIENCE)
                .migrate(true);
        ledger = builder.build();
        other = builder.build();
        execute(pool, "CREATE TABLE IF NOT EXISTS complete_in_effect (run text)");
    }

    @AfterAll
    static void close() throws SQLException {
        ledger.close();
        other.close();
        execute(pool, "DROP TABLE complete_in_effect");
        pool.close();
    }

    @BeforeEach
    void empty() throws SQLException {
        execute(pool, "TRUNCATE complete_in_effect");
    }

    @Test
    void it_is_noted_once_and_for_all() throws SQLException {
        Lease lease = claimed(ledger, identity);
        assertThat(completed(lease)).isEqualTo(Completion.NOTED);
        assertThat(get(other.claim(request(identity)))).isInstanceOf(Claim.Done.class);
        assertThat(completed(lease)).as("repeated").isEqualTo(Completion.SUPERSEDED);
    }

    @Test
    void a_run_that_ended_otherwise_or_is_another_ones_cannot_complete() throws SQLException {
        Lease lease = claimed(ledger, identity);
        for (Lease stranger : List.of(
                changed(lease, OwnerId.random(), 0),
                changed(lease, lease.owner(), -1),
                changed(lease, lease.owner(), 1))) {
            assertThat(completed(stranger)).isEqualTo(Completion.SUPERSEDED);
        }
        get(ledger.release(lease, RunState.LOST));
        assertThat(completed(lease)).isEqualTo(Completion.SUPERSEDED);
        assertThat(get(ledger.entry(identity)).orElseThrow().state()).isEqualTo(RunState.LOST);
    }

    @Test
    void what_a_run_has_written_that_was_taken_over_meanwhile_rolls_back_and_the_successors_is_there_once()
            throws SQLException {
        Lease sleeper = claimed(ledger, request(identity, SHORT, AfterCrash.RERUN));
        try (Connection job = transaction(pool, isolation)) {
            // The snapshot is from before the takeover.
            execute(job, "INSERT INTO complete_in_effect VALUES ('sleeper')");
            letPass(SHORT);
            Lease taker = claimed(other, identity);
            try (Connection its = transaction(pool, isolation)) {
                execute(its, "INSERT INTO complete_in_effect VALUES ('taker')");
                assertThat(other.completeIn(its, taker)).isEqualTo(Completion.NOTED);
                its.commit();
            }
            assertThat(ledger.completeIn(job, sleeper)).isEqualTo(Completion.SUPERSEDED);
            job.rollback();
            assertThat(get(ledger.entry(identity)).orElseThrow().owner()).isEqualTo(taker.owner());
        }
        assertThat(number(pool, "SELECT count(*) FROM complete_in_effect WHERE run = 'sleeper'"))
                .isZero();
        assertThat(number(pool, "SELECT count(*) FROM complete_in_effect WHERE run = 'taker'"))
                .isEqualTo(1);
    }

    @Test
    void a_run_that_was_taken_over_is_refused_before_its_successor_has_completed_too() throws SQLException {
        Lease sleeper = brokenOff(ledger, identity, AfterCrash.RERUN);
        try (Connection job = transaction(pool, isolation)) {
            execute(job, "INSERT INTO complete_in_effect VALUES ('sleeper')");
            claimed(other, identity);
            assertThat(ledger.completeIn(job, sleeper)).isEqualTo(Completion.SUPERSEDED);
            job.rollback();
        }
        assertThat(number(pool, "SELECT count(*) FROM complete_in_effect")).isZero();
    }

    private Completion completed(Lease claim) throws SQLException {
        return completed(pool, isolation, ledger, claim);
    }

    /** In a transaction that has nothing else in it, and ends as the answer says. */
    static Completion completed(DataSource database, int isolation, RunLedger client, Lease claim) throws SQLException {
        try (Connection connection = transaction(database, isolation)) {
            Completion answer = client.completeIn(connection, claim);
            if (answer == Completion.NOTED) {
                connection.commit();
            } else {
                connection.rollback();
            }
            return answer;
        }
    }

    private static Connection transaction(DataSource database, int isolation) throws SQLException {
        Connection connection = database.getConnection();
        connection.setTransactionIsolation(isolation);
        connection.setAutoCommit(false);
        return connection;
    }

    private static Lease changed(Lease lease, OwnerId owner, int more) {
        FencingToken token = new FencingToken(lease.token().value() + more);
        return new Lease(lease.identity(), owner, token, lease.worker(), lease.ttl(), lease.since());
    }
}
