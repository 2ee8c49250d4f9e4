package io.hapax.postgres;

import static io.hapax.postgres.Attempts.LONG;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.number;
import static io.hapax.postgres.LeaseFixture.granted;
import static io.hapax.postgres.LeaseFixture.held;
import static io.hapax.postgres.LeaseFixture.request;
import static io.hapax.postgres.LeaseFixture.waiting;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.lease.ReservationRequest;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.FleetBoard.News;
import io.hapax.ops.FleetBoard.Position;
import io.hapax.ops.LeaseAdmin;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the clean-up of leases forgets, and what it must not. */
@Tag("slow")
class LeaseCleanUpTest {

    private static final Intervention WHY = new Intervention("ann", "a test");

    private final String namespace = freshName("cleaned");
    private HikariDataSource pool;
    private PostgresLeaseStore store;

    @BeforeEach
    void open() {
        pool = Attempts.pool(EmbeddedDatabase.shared(), 4, Duration.ofSeconds(5));
        store = PostgresLeaseStore.builder(pool)
                .namespace(namespace)
                .migrate(true)
                .answerTimeout(Duration.ofSeconds(15))
                .cleanUpEvery(Duration.ZERO)
                .build();
    }

    @AfterEach
    void close() {
        store.close();
        pool.close();
    }

    private void change(String update) throws SQLException {
        execute(pool, update + " WHERE namespace = '" + namespace + "'");
    }

    private long rows(String table) throws SQLException {
        return number(pool, "SELECT count(*) FROM " + table + " WHERE namespace = '" + namespace + "'");
    }

    @Test
    void leases_that_are_over_are_forgotten_and_tokens_grow_all_the_same() throws SQLException {
        JobIdentity identity = freshPair();
        Lease given = granted(store, identity);
        assertThat(get(store.release(given, Ending.NOT_DONE))).isTrue();
        granted(store, request(freshPair(), Attempts.SHORT));
        long ahead = given.token().value() + Duration.ofDays(1).toNanos() / 1000;
        change("UPDATE hapax_lease SET since = since - interval '3 h', expires_at = expires_at - interval '3 h',"
                + " fencing_token = " + ahead);
        assertThat(store.cleanUp()).isEqualTo(2);
        assertThat(rows("hapax_lease")).isZero();
        assertThat(granted(store, identity).token().value()).isGreaterThan(ahead);
    }

    @Test
    void a_lease_that_is_old_and_alive_stays_and_so_does_one_that_has_just_ended() throws SQLException {
        Lease alive = granted(store, freshPair());
        change("UPDATE hapax_lease SET since = since - interval '3 h'");
        Lease ended = granted(store, freshPair());
        assertThat(get(store.release(ended, Ending.NOT_DONE))).isTrue();
        assertThat(store.cleanUp()).isZero();
        assertThat(get(store.renew(List.of(alive)))).containsExactly(new Renewal.Renewed(false));
        assertThat(rows("hapax_lease")).isEqualTo(2);
    }

    @Test
    void markers_places_pauses_flags_and_reports_are_forgotten_when_their_time_is_over() throws SQLException {
        JobIdentity over = freshPair();
        assertThat(get(store.release(granted(store, over), Ending.done(LONG)))).isTrue();
        JobIdentity awaited = freshPair();
        granted(store, awaited);
        held(store, waiting(awaited));
        get(store.admin().pause(freshPair(), LONG, WHY));
        get(store.reservations().orElseThrow().reserve(new ReservationRequest("place", "a", 1, LONG)));
        get(store.board().post(FleetBoard.Posting.of("worker", "report", LONG)));
        List<String> tables = List.of(
                "hapax_lease_done", "hapax_lease_wait", "hapax_lease_pause", "hapax_place", "hapax_lease_report");
        assertThat(store.cleanUp()).isZero();
        for (String table : tables) {
            assertThat(rows(table)).as(table).isEqualTo(1);
            String end = table.equals("hapax_lease_done") ? "forget_at" : "until";
            change("UPDATE " + table + " SET " + end + " = " + end + " - interval '1 h'");
        }
        assertThat(store.cleanUp()).isZero();
        for (String table : tables) {
            assertThat(rows(table)).as(table).isZero();
        }
        assertThat(get(store.acquire(request(over)))).isInstanceOf(Acquisition.Granted.class);
    }

    @Test
    void changes_of_reports_are_forgotten_when_nobody_reads_them_or_their_worker_is_gone() throws SQLException {
        for (String worker : List.of("read", "unread", "gone")) {
            put(worker, new Position(worker, 0), "all of it");
            put(worker, new Position(worker, 1), "what has changed");
        }
        get(store.board().post(FleetBoard.Posting.of("unread", "summary", LONG)));
        change("UPDATE hapax_lease_report SET until = until - CASE WHEN worker = 'gone' THEN interval '1 h'"
                + " ELSE interval '0' END");
        store.cleanUp();
        assertThat(rows("hapax_lease_report")).isEqualTo(2);
        assertThat(rows("hapax_lease_report_change")).isEqualTo(2);
        assertThat(news("read", null))
                .isEqualTo(new News("read", 0, List.of("all of it", "what has changed"), null, 7));
    }

    /** As a clean-up may leave it that overtakes a worker. */
    @Test
    void a_change_that_is_not_there_is_a_gap_and_whoever_lacks_it_asks_for_all() throws SQLException {
        for (int number = 0; number < 5; number++) {
            put("worker", new Position("a", number), "change " + number);
        }
        execute(pool, "DELETE FROM hapax_lease_report_change WHERE number = 3 AND namespace = '" + namespace + "'");
        assertThat(news("worker", new Position("a", 3)).changes()).containsExactly("change 4");
        assertThat(news("worker", new Position("a", 1)).changes()).containsExactly("change 2");
        assertThat(news("worker", new Position("a", 2))).isEqualTo(new News("a", 5, List.of(), "summary", 7));
        assertThat(put("worker", new Position("a", 4), null).isAskedForAll()).isFalse();
        change("DELETE FROM hapax_lease_report_change");
        assertThat(news("worker", null)).isEqualTo(new News("a", 5, List.of(), "summary", 7));
        assertThat(put("worker", new Position("a", 4), null).isAskedForAll()).isTrue();
    }

    /** Else it would be asked again for what it has just put up. */
    @Test
    void a_worker_that_starts_an_edition_while_a_reader_asks_for_one_is_not_asked_for_another() throws Exception {
        for (int number = 0; number <= FleetBoard.CHANGES_KEPT; number++) {
            put("worker", new Position("a", number), "change " + number);
        }
        CompletableFuture<?> reads;
        try (Connection worker = pool.getConnection();
                Statement statement = worker.createStatement()) {
            worker.setAutoCommit(false);
            statement.executeUpdate("UPDATE hapax_lease_report SET edition = 'b', newest = 0, asked = false"
                    + " WHERE worker = 'worker' AND namespace = '" + namespace + "'");
            reads = store.board().news(Map.of(), LONG).toCompletableFuture();
            await().until(() -> number(
                            pool,
                            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                    + " AND query LIKE 'UPDATE %lease_report%asked = true%'")
                    > 0);
            worker.commit();
            worker.setAutoCommit(true);
        }
        get(reads);
        assertThat(put("worker", new Position("b", 0), null).isAskedForAll()).isFalse();
    }

    private FleetBoard.Answer put(String worker, Position at, @Nullable String change) {
        return get(store.board().post(new FleetBoard.Posting(worker, LONG, "summary", at, change, 7)));
    }

    private News news(String worker, @Nullable Position known) {
        Map<String, Position> all = known == null ? Map.of() : Map.of(worker, known);
        return Objects.requireNonNull(get(store.board().news(all, LONG)).get(worker));
    }

    @Test
    void of_the_history_the_newest_runs_of_each_job_stay_and_the_audit_stays_as_it_is() throws SQLException {
        for (String job : List.of("often", "seldom")) {
            int runs = job.equals("often") ? LeaseAdmin.HISTORY_LENGTH + 7 : 3;
            for (int n = 0; n < runs; n++) {
                get(store.release(granted(store, freshPair()), Ending.NOT_DONE.inHistoryOf(job)));
            }
        }
        get(store.admin().forceRelease(freshPair(), WHY));
        List<?> before = get(store.admin().history("often", LeaseAdmin.HISTORY_LENGTH));
        assertThat(store.cleanUp()).isZero();
        assertThat(rows("hapax_lease_history")).isEqualTo(LeaseAdmin.HISTORY_LENGTH + 3);
        assertThat(get(store.admin().history("often", LeaseAdmin.HISTORY_LENGTH)))
                .isEqualTo(before);
        change("UPDATE hapax_lease_history SET ended_at = ended_at - interval '91 days'");
        store.cleanUp();
        assertThat(rows("hapax_lease_history")).isZero();
        assertThat(rows("hapax_lease_audit")).isEqualTo(1);
    }
}
