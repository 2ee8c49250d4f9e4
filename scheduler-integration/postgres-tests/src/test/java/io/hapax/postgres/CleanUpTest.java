package io.hapax.postgres;

import static io.hapax.postgres.Attempts.SHORT;
import static io.hapax.postgres.Attempts.brokenOff;
import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.freshRun;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.letPass;
import static io.hapax.postgres.Attempts.nextRun;
import static io.hapax.postgres.Attempts.number;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunState;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class CleanUpTest {

    private static final int ONE_ROUND = CleanUp.BATCH * CleanUp.MOST_BATCHES;

    private static HikariDataSource database;

    private final String namespace = freshName("clean-up");
    private PostgresRunLedger ledger;

    /** In a schema of its own: what the planner prefers depends on the rows of other tests in the same table, too. */
    @BeforeAll
    static void connect() throws SQLException {
        HikariConfig config = new HikariConfig();
        try (HikariDataSource first = Attempts.pool(EmbeddedDatabase.shared(), 1, Duration.ofSeconds(5))) {
            execute(first, "CREATE SCHEMA IF NOT EXISTS clean_up");
            first.copyStateTo(config);
        }
        config.setSchema("clean_up");
        config.setMaximumPoolSize(8);
        database = new HikariDataSource(config);
    }

    @AfterAll
    static void disconnect() {
        database.close();
    }

    @BeforeEach
    void open() {
        ledger = open(Duration.ZERO);
    }

    private PostgresRunLedger open(Duration every) {
        return PostgresRunLedger.builder(database)
                .answerTimeout(Attempts.PATIENCE)
                .namespace(namespace)
                .migrate(true)
                .cleanUpEvery(every)
                .build();
    }

    @AfterEach
    void close() throws SQLException {
        ledger.close();
        execute(database, "DELETE FROM hapax_run WHERE namespace = '" + namespace + "'");
    }

    @Test
    void what_has_completed_is_remembered_for_its_retention_and_then_forgotten() throws SQLException {
        JobIdentity identity = freshPair();
        get(ledger.complete(claimed(ledger, identity)));
        assertThat(ledger.cleanUp()).isZero();
        assertThat(get(ledger.claim(request(identity)))).isInstanceOf(Claim.Done.class);
        retentionIsOver();
        assertThat(ledger.cleanUp()).isEqualTo(1);
        assertThat(get(ledger.entry(identity))).isEmpty();
    }

    @Test
    void one_round_is_bounded_and_the_next_ones_forget_the_rest() throws SQLException {
        finished(ONE_ROUND + 7);
        assertThat(ledger.cleanUp()).isEqualTo(ONE_ROUND);
        assertThat(ledger.cleanUp()).isEqualTo(7);
        assertThat(ledger.cleanUp()).isZero();
    }

    @Test
    void a_clean_up_that_is_behind_does_not_wait_for_its_next_turn() throws SQLException {
        finished(ONE_ROUND + 7);
        // Its first turn comes after half a second to one and a half, and a second one of its own would be as far away.
        try (PostgresRunLedger cleaning = open(Duration.ofSeconds(1))) {
            Awaitility.await().until(() -> rows() == 0);
        }
    }

    @Test
    void renewals_of_the_past_are_forgotten_and_those_of_today_are_kept() throws SQLException {
        execute(database, String.format(Locale.ROOT, """
                INSERT INTO hapax_renewal (namespace, owner, renewed_at, deadline)
                SELECT '%s', 'owner-' || n, now() - interval '3 h', now() - interval '2 h' FROM generate_series(1, 1234) n
                """, namespace));
        Lease live = claimed(ledger, freshPair());
        get(ledger.renew(List.of(live)));
        ledger.cleanUp();
        assertThat(number(database, "SELECT count(*) FROM hapax_renewal WHERE namespace = '" + namespace + "'"))
                .isEqualTo(1);
    }

    @Test
    void a_run_that_is_alive_is_never_forgotten() throws SQLException {
        Lease live = claimed(ledger, request(freshPair(), SHORT, AfterCrash.RERUN));
        letPass(SHORT);
        Lease renewed =
                new Lease(live.identity(), live.owner(), live.token(), live.worker(), Attempts.LONG, live.since());
        assertThat(get(ledger.renew(List.of(renewed)))).containsExactly(new Renewal.Renewed(false));
        retentionIsOver();
        assertThat(ledger.cleanUp()).isZero();
        assertThat(get(ledger.complete(live))).isEqualTo(Completion.NOTED);
    }

    @Test
    void a_run_that_broke_off_and_that_nobody_asks_for_is_forgotten_in_the_end() throws SQLException {
        brokenOff(ledger, freshPair(), AfterCrash.RERUN);
        assertThat(ledger.cleanUp()).as("within its retention").isZero();
        retentionIsOver();
        assertThat(ledger.cleanUp()).isEqualTo(1);
    }

    @Test
    void a_run_that_broke_off_and_must_not_be_repeated_is_abandoned_with_a_line_in_the_log() throws SQLException {
        JobIdentity identity = freshPair();
        brokenOff(ledger, identity, AfterCrash.ABANDON);
        Lease live = claimed(ledger, request(freshPair(), Attempts.LONG, AfterCrash.ABANDON));
        get(ledger.begin(live));
        try (Logs logs = Logs.of("io.hapax.postgres")) {
            ledger.cleanUp();
            // Others may write to this log as well.
            assertThat(logs.lines())
                    .filteredOn(line -> Stream.of(identity, live.identity())
                            .anyMatch(run -> line.contains(run.runKey().value())))
                    .singleElement()
                    .asString()
                    .startsWith(
                            "WARN ABANDONED: the run of '" + identity.runKey().value() + "' on worker worker-1")
                    .contains("resolve it as DONE or RELEASED");
        }
        assertThat(get(ledger.entry(identity)).orElseThrow().state()).isEqualTo(RunState.ABANDONED);
        assertThat(get(ledger.entry(live.identity())).orElseThrow().state()).isEqualTo(RunState.RUNNING);
    }

    @Test
    void a_run_whose_deadline_has_just_passed_is_given_one_more_ttl_before_the_clean_up_abandons_it()
            throws SQLException {
        JobIdentity identity = freshPair();
        Lease late = claimed(ledger, request(identity, Attempts.LONG, AfterCrash.ABANDON));
        get(ledger.begin(late));
        past(identity, 90);
        ledger.cleanUp();
        assertThat(get(ledger.entry(identity)).orElseThrow().state()).isEqualTo(RunState.RUNNING);
        assertThat(get(ledger.renew(List.of(late)))).containsExactly(new Renewal.Renewed(false));
        past(identity, 130);
        execute(
                database,
                "UPDATE hapax_renewal SET renewed_at = now() - interval '90 s', deadline = now() - interval '30 s'"
                        + " WHERE owner = '" + late.owner() + "'");
        ledger.cleanUp();
        assertThat(get(ledger.entry(identity)).orElseThrow().state()).isEqualTo(RunState.RUNNING);
        execute(database, "DELETE FROM hapax_renewal WHERE owner = '" + late.owner() + "'");
        ledger.cleanUp();
        assertThat(get(ledger.entry(identity)).orElseThrow().state()).isEqualTo(RunState.ABANDONED);
    }

    /** As if it had been claimed some seconds ago, for a minute. */
    private void past(JobIdentity identity, int seconds) throws SQLException {
        execute(
                database,
                String.format(
                        Locale.ROOT,
                        "UPDATE hapax_run SET started_at = now() - interval '%1$d s',"
                                + " deadline = now() - interval '%1$d s' + interval '60 s' WHERE occurrence = '%2$s'",
                        seconds,
                        identity.runKey().value()));
    }

    @Test
    void what_never_began_is_not_abandoned_and_is_forgotten_in_the_end() throws SQLException {
        JobIdentity identity = freshPair();
        claimed(ledger, request(identity, SHORT, AfterCrash.ABANDON));
        letPass(SHORT.multipliedBy(2));
        assertThat(ledger.cleanUp()).isZero();
        assertThat(get(ledger.entry(identity)).orElseThrow().state()).isEqualTo(RunState.RUNNING);
        retentionIsOver();
        assertThat(ledger.cleanUp()).isEqualTo(1);
    }

    @Test
    void the_highest_token_of_what_was_forgotten_is_kept() throws SQLException {
        Lease first = claimed(ledger, freshPair());
        long hour = Duration.ofHours(1).toNanos() / 1000;
        Lease ahead = claimed(
                ledger,
                request(freshPair()).withSeen(new FencingToken(first.token().value() + hour)));
        get(ledger.complete(first));
        get(ledger.complete(ahead));
        retentionIsOver();
        assertThat(ledger.cleanUp()).isEqualTo(2);
        assertThat(claimed(ledger, nextRun(ahead.identity())).token()).isGreaterThan(ahead.token());
    }

    @Test
    void what_is_abandoned_waits_for_a_person() throws SQLException {
        JobIdentity identity = freshPair();
        brokenOff(ledger, identity, AfterCrash.ABANDON);
        ledger.cleanUp();
        retentionIsOver();
        assertThat(ledger.cleanUp()).isZero();
        assertThat(get(ledger.claim(request(identity)))).isInstanceOf(Claim.Abandoned.class);
    }

    @Test
    void locked_rows_are_left_for_the_next_time() throws SQLException {
        finished(10);
        try (Connection other = database.getConnection()) {
            other.setAutoCommit(false);
            execute(
                    other,
                    "SELECT 1 FROM hapax_run WHERE namespace = '" + namespace
                            + "' AND occurrence IN ('occurrence-3', 'occurrence-4') FOR UPDATE");
            assertThat(ledger.cleanUp()).isEqualTo(8);
            other.rollback();
        }
        assertThat(ledger.cleanUp()).isEqualTo(2);
    }

    @Test
    void other_namespaces_are_left_alone() throws SQLException {
        finished(5);
        try (PostgresRunLedger other = PostgresRunLedger.builder(database)
                .answerTimeout(Attempts.PATIENCE)
                .namespace(freshName("other"))
                .build()) {
            assertThat(other.cleanUp()).isZero();
        }
    }

    @Test
    void rows_are_found_by_the_indexes_for_it() throws SQLException {
        finished(2_000);
        execute(
                database,
                "UPDATE hapax_run SET forget_at = now() + interval '1 day' WHERE namespace = '" + namespace
                        + "' AND occurrence <> 'occurrence-1'");
        claimed(ledger, request(freshRun(), Attempts.LONG, AfterCrash.ABANDON));
        execute(database, "ANALYZE hapax_run");
        Statements statements = new Statements("");
        assertThat(plan(statements.forgettable()))
                .contains("Index Cond: (forget_at < statement_timestamp())")
                .doesNotContain("Seq Scan on hapax_run");
        assertThat(plan(statements.abandonable())).contains("hapax_run_abandon");
    }

    /** Whoever looks at what waits for a person must not read all that is done. */
    @Test
    void abandoned_occurrences_are_found_by_an_index() throws SQLException {
        finished(2_000);
        execute(database, "ANALYZE hapax_run");
        assertThat(plan(
                        new Statements("").entries(Set.of(RunState.ABANDONED)),
                        parameters -> parameters
                                .text(namespace)
                                .text("")
                                .text("")
                                .number(0)
                                .number(100)))
                .contains("hapax_run_abandoned")
                .doesNotContain("Seq Scan on hapax_run");
    }

    private String plan(String statement) throws SQLException {
        return plan(statement, parameters -> parameters.text(namespace).number(CleanUp.BATCH));
    }

    private interface Filling {
        Parameters fill(Parameters parameters) throws SQLException;
    }

    private String plan(String statement, Filling filling) throws SQLException {
        StringBuilder plan = new StringBuilder();
        try (Connection connection = database.getConnection();
                PreparedStatement explain = connection.prepareStatement("EXPLAIN " + statement)) {
            Parameters unused = filling.fill(Parameters.of(explain));
            try (ResultSet rows = explain.executeQuery()) {
                while (rows.next()) {
                    plan.append(rows.getString(1)).append('\n');
                }
            }
        }
        return plan.toString();
    }

    private void finished(int count) throws SQLException {
        execute(database, String.format(Locale.ROOT, """
                INSERT INTO hapax_run (namespace, occurrence, repeats, state, owner, fencing_token, attempt, worker,
                  after_crash, retention_ms, started_at, deadline, finished_at, forget_at)
                SELECT '%s', 'occurrence-' || n, false, 'DONE', 'owner-' || n, n, 1, 'worker-1', 'RERUN', 1000,
                  now() - interval '1 h', now() - interval '1 h', now() - interval '1 h', now() - interval '1 h'
                FROM generate_series(1, %d) n
                """, namespace, count));
    }

    private void retentionIsOver() throws SQLException {
        execute(
                database,
                "UPDATE hapax_run SET forget_at = now() - interval '1 s' WHERE namespace = '" + namespace + "'");
    }

    private long rows() throws SQLException {
        return number(database, "SELECT count(*) FROM hapax_run WHERE namespace = '" + namespace + "'");
    }
}
