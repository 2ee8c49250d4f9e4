package io.hapax.postgres;

import static io.hapax.postgres.Attempts.SHORT;
import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.failure;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.letPass;
import static io.hapax.postgres.Attempts.nextRun;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunState;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The job's own transaction, open for long after it has completed the run. */
class OpenTransactionTest {

    private static HikariDataSource pool;
    private static PostgresRunLedger ledger;
    private static PostgresRunLedger other;

    private final JobIdentity identity = freshPair();
    private Connection job;

    @BeforeAll
    static void open() {
        pool = Attempts.pool(EmbeddedDatabase.shared(), 8, Duration.ofSeconds(5));
        ledger = ledger(Attempts.PATIENCE);
        other = ledger(Attempts.PATIENCE);
    }

    private static PostgresRunLedger ledger(Duration answerTimeout) {
        return PostgresRunLedger.builder(pool)
                .namespace("open-transactions")
                .migrate(true)
                .answerTimeout(answerTimeout)
                .build();
    }

    @AfterAll
    static void close() {
        ledger.close();
        other.close();
        pool.close();
    }

    @BeforeEach
    void begin() throws SQLException {
        job = pool.getConnection();
        job.setAutoCommit(false);
    }

    @AfterEach
    void end() throws SQLException {
        job.rollback();
        job.close();
    }

    @Test
    void while_it_is_open_other_runs_are_claimed_renewed_and_completed_without_delay() throws SQLException {
        // A statement that waited for the locked row would be given up after thirty seconds.
        try (PostgresRunLedger patient = ledger(Duration.ofSeconds(30))) {
            Lease lease = claimed(patient, identity);
            List<Lease> others = new ArrayList<>();
            for (int n = 0; n < 20; n++) {
                others.add(claimed(patient, freshPair()));
            }
            assertThat(patient.completeIn(job, lease)).isEqualTo(Completion.NOTED);

            long begin = System.nanoTime();
            for (int round = 0; round < 3; round++) {
                // These concern the locked row, and go in the same batches as the others or before them.
                patient.complete(lease);
                patient.claim(request(identity));
                List<Lease> mine = new ArrayList<>(others);
                mine.add(lease);
                assertThat(get(patient.renew(mine))).hasSize(21).containsOnly(new Renewal.Renewed(false));
                others.add(claimed(patient, freshPair()));
                assertThat(get(patient.complete(others.remove(0)))).isEqualTo(Completion.NOTED);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(25));
            job.commit();
            assertThat(get(patient.claim(request(identity)))).isInstanceOf(Claim.Done.class);
        }
    }

    @Test
    void while_it_is_open_its_occurrence_and_its_lock_key_are_held() throws SQLException {
        Lease lease = claimed(ledger, identity);
        ledger.completeIn(job, lease);

        assertThat(held(get(other.claim(request(identity)))).sameRun()).isTrue();
        assertThat(held(get(other.claim(request(nextRun(identity))))).sameRun()).isFalse();
        job.commit();
        assertThat(get(other.claim(request(identity)))).isInstanceOf(Claim.Done.class);
        claimed(other, nextRun(identity));
    }

    @Test
    void while_it_is_open_its_own_renewal_works_and_does_not_break_it() throws SQLException {
        job.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        Lease lease = claimed(ledger, identity);
        execute(job, "SELECT count(*) FROM hapax_run");
        assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        assertThat(ledger.completeIn(job, lease)).isEqualTo(Completion.NOTED);
        assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        job.commit();
        assertThat(get(ledger.renew(List.of(lease)))).singleElement().isInstanceOf(Renewal.Gone.class);
    }

    @Test
    void a_takeover_while_it_is_open_answers_held_even_after_the_deadline() throws SQLException {
        Lease lease = claimed(ledger, request(identity, SHORT, AfterCrash.RERUN));
        ledger.completeIn(job, lease);
        letPass(SHORT);
        assertThat(held(get(other.claim(request(identity)))).ttlLeft()).isEqualTo(Duration.ZERO);
        assertThat(held(get(other.claim(request(nextRun(identity))))).sameRun()).isFalse();
        job.commit();
        assertThat(get(other.claim(request(identity)))).isInstanceOf(Claim.Done.class);
    }

    @Test
    void an_occurrence_whose_transaction_rolled_back_after_its_deadline_is_taken_over() throws SQLException {
        Lease lease = claimed(ledger, request(identity, SHORT, AfterCrash.RERUN));
        ledger.completeIn(job, lease);
        letPass(SHORT);
        job.rollback();
        assertThat(claimed(other, identity).token()).isGreaterThan(lease.token());
        assertThat(ledger.completeIn(job, lease)).isEqualTo(Completion.SUPERSEDED);
    }

    @Test
    void ending_it_otherwise_while_it_is_open_fails_in_time_and_changes_nothing() throws SQLException {
        Lease lease = claimed(ledger, identity);
        ledger.completeIn(job, lease);
        try (PostgresRunLedger hasty = ledger(Duration.ofSeconds(1))) {
            assertThat(failure(hasty.release(lease, RunState.FAILED)))
                    .hasMessageContaining("the ledger did not end a run within 1000 ms");
        }
        job.commit();
        assertThat(get(ledger.entry(identity)).orElseThrow().state()).isEqualTo(RunState.DONE);
    }

    @Test
    void a_connection_in_auto_commit_mode_is_refused() throws SQLException {
        Lease lease = claimed(ledger, identity);
        try (Connection plain = pool.getConnection()) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> ledger.completeIn(plain, lease))
                    .withMessageContaining("completeIn needs a transaction")
                    .withMessageContaining("setAutoCommit(false)");
        }
        assertThat(get(ledger.entry(identity)).orElseThrow().state()).isEqualTo(RunState.RUNNING);
    }

    private static Claim.Held held(Claim answer) {
        return assertThat(answer).asInstanceOf(type(Claim.Held.class)).actual();
    }
}
