package io.hapax.postgres;

import static io.hapax.postgres.Attempts.SHORT;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.letPass;
import static io.hapax.postgres.Attempts.number;
import static io.hapax.postgres.LeaseFixture.granted;
import static io.hapax.postgres.LeaseFixture.held;
import static io.hapax.postgres.LeaseFixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Finding;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.lease.ReservationRequest;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.ds.PGSimpleDataSource;
import org.postgresql.jdbc.PreferQueryMode;
import org.postgresql.replication.LogSequenceNumber;
import org.postgresql.replication.PGReplicationStream;

/** Leases on a server of its own, which is frozen, killed and held up. */
@Tag("slow")
class LeaseFaultsTest {

    private static final Duration PATIENT = Duration.ofMinutes(1);

    /** An advisory lock. */
    private static final int SLOW = 4711;

    private static EmbeddedDatabase server;
    private HikariDataSource pool;
    private final String namespace = freshName("leases");
    private final List<PostgresLeaseStore> opened = new ArrayList<>();
    private PostgresLeaseStore store;

    @BeforeAll
    static void start() {
        server = EmbeddedDatabase.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void open() {
        pool = Attempts.pool(server, 6, Duration.ofSeconds(2));
        store = open(PATIENT);
    }

    private PostgresLeaseStore open(Duration answerTimeout) {
        PostgresLeaseStore another = PostgresLeaseStore.builder(pool)
                .namespace(namespace)
                .migrate(true)
                .answerTimeout(answerTimeout)
                .build();
        opened.add(another);
        return another;
    }

    @AfterEach
    void close() {
        opened.forEach(PostgresLeaseStore::close);
        pool.close();
    }

    private static void fails(CompletionStage<?> stage) {
        assertThatThrownBy(() -> stage.toCompletableFuture().get(40, TimeUnit.SECONDS))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("the lease store did not ");
    }

    @Test
    void a_session_that_keeps_a_key_locked_fails_requests_of_that_key_alone_and_no_process_waits_for_it()
            throws SQLException {
        PostgresLeaseStore blocked = open(Duration.ofSeconds(16));
        Lease lease = granted(blocked, freshPair());
        try (Connection session = server.dataSource().getConnection()) {
            session.setAutoCommit(false);
            execute(session, "SELECT 1 FROM hapax_lease WHERE namespace = '" + namespace + "' FOR UPDATE");
            CompletionStage<Boolean> stuck = blocked.release(lease, Ending.NOT_DONE);
            // Who asks meanwhile waits for that call.
            CompletionStage<Acquisition> free = blocked.acquire(request(freshPair()));
            assertThat(get(free)).isInstanceOf(Acquisition.Granted.class);
            fails(stuck);
            await().atMost(Duration.ofSeconds(40)).until(() -> waitingForLocks() == 0);
            session.rollback();
        }
        assertThat(get(blocked.release(lease, Ending.NOT_DONE))).isTrue();
    }

    private long waitingForLocks() throws SQLException {
        return number(pool, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
    }

    @Test
    void a_standby_that_is_not_waited_for_is_found() throws SQLException {
        assertThat(replication()).isEmpty();
        PGSimpleDataSource standby = (PGSimpleDataSource) server.dataSource();
        standby.setReplication("true");
        standby.setPreferQueryMode(PreferQueryMode.SIMPLE);
        standby.setAssumeMinServerVersion("12");
        try (Connection connection = standby.getConnection();
                PGReplicationStream stream = connection
                        .unwrap(PGConnection.class)
                        .getReplicationAPI()
                        .replicationStream()
                        .physical()
                        .withStartPosition(LogSequenceNumber.valueOf(
                                number(pool, "SELECT (pg_current_wal_lsn() - '0/0')::bigint")))
                        .start()) {
            assertThat(stream.isClosed()).isFalse();
            assertThat(replication())
                    .singleElement()
                    .satisfies(finding -> assertThat(finding.remedy()).contains("synchronous_standby_names"));
        }
    }

    private List<Finding> replication() {
        return PostgresLeaseStore.builder(pool).namespace(namespace).examine().stream()
                .filter(finding -> finding.problem().contains("replication is asynchronous"))
                .toList();
    }

    @Test
    void a_frozen_database_fails_every_request_and_all_works_again_once_it_is_thawed() {
        PostgresLeaseStore hasty = open(Duration.ofMillis(500));
        JobIdentity identity = freshPair();
        Lease lease = granted(store, identity);
        server.freeze();
        try {
            List<CompletionStage<?>> stages = List.of(
                    hasty.acquire(request(freshPair())),
                    hasty.release(lease, Ending.done(Duration.ofMinutes(1))),
                    hasty.withdraw(request(identity)),
                    hasty.admin().holder(identity),
                    hasty.board().summaries(),
                    hasty.reservations().orElseThrow().reserve(new ReservationRequest("n", "h", 1, SHORT)));
            CompletionStage<List<Renewal>> renewals = hasty.renew(List.of(lease));
            stages.forEach(LeaseFaultsTest::fails);
            assertThat(get(renewals)).singleElement().isInstanceOf(Renewal.Unknown.class);
            assertThat(get(hasty.admin().servers()))
                    .singleElement()
                    .satisfies(health -> assertThat(health.answers()).isFalse());
        } finally {
            server.thaw();
        }
        assertThat(get(store.admin().servers()))
                .singleElement()
                .satisfies(health -> assertThat(health.answers()).isTrue());
        granted(store, freshPair());
    }

    @Test
    void a_server_that_crashed_and_came_back_has_forgotten_nothing() {
        JobIdentity identity = freshPair();
        Lease lease = granted(store, identity);
        JobIdentity over = freshPair();
        assertThat(get(store.release(granted(store, over), Ending.done(Duration.ofHours(1)))))
                .isTrue();
        server.kill();
        server.restart();
        pool.getHikariPoolMXBean().softEvictConnections();
        await().atMost(Duration.ofSeconds(40))
                .ignoreExceptions()
                .until(() -> get(store.renew(List.of(lease))).get(0) instanceof Renewal.Renewed);

        assertThat(held(store, request(identity)).holder().token()).isEqualTo(lease.token());
        assertThat(get(store.acquire(request(over)))).isInstanceOf(Acquisition.Done.class);
        assertThat(get(store.release(lease, Ending.NOT_DONE))).isTrue();
        assertThat(granted(store, identity).token()).isGreaterThan(lease.token());
    }

    /** Holds up whoever asks for a key, as another process does for a moment. */
    private Connection atGateOf(JobIdentity identity) throws SQLException {
        Connection other = server.dataSource().getConnection();
        other.setAutoCommit(false);
        try (var gate = other.prepareStatement("SELECT pg_advisory_xact_lock(hashtextextended("
                + "concat_ws(E'\\x01', 'hapax lease', ?::text, false, ?::text), 0))")) {
            Parameters.of(gate)
                    .text(namespace)
                    .text(identity.lock().orElseThrow().value());
            gate.execute();
        }
        return other;
    }

    private static void waitsAtServer() throws SQLException {
        await().atMost(Duration.ofSeconds(40))
                .until(() -> number(server.dataSource(), "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
    }

    /** A server that takes its time, and is not waiting for a lock meanwhile: it gives up on those. */
    private void slowDown() throws SQLException {
        execute(server.dataSource(), String.format(Locale.ROOT, """
                CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                  WHILE NOT pg_try_advisory_xact_lock(%1$d) LOOP
                    PERFORM pg_sleep(0.01);
                  END LOOP;
                  RETURN NEW;
                END $$;
                CREATE TRIGGER slow BEFORE INSERT ON hapax_lease FOR EACH ROW WHEN (NEW.namespace = '%2$s')
                  EXECUTE FUNCTION slow()
                """, SLOW, namespace));
    }

    @Test
    void what_is_granted_after_its_asker_gave_up_is_given_back_by_a_withdrawal() throws Exception {
        PostgresLeaseStore hasty = open(Duration.ofSeconds(3));
        JobIdentity identity = freshPair();
        LeaseRequest given = request(identity);
        slowDown();
        try (Connection other = server.dataSource().getConnection()) {
            other.setAutoCommit(false);
            execute(other, "SELECT pg_advisory_xact_lock(" + SLOW + ")");
            CompletionStage<Acquisition> late = hasty.acquire(given);
            await().atMost(Duration.ofSeconds(40))
                    .until(() -> number(
                                    server.dataSource(),
                                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
                            > 0);
            fails(late);
            other.rollback();
        } finally {
            execute(server.dataSource(), "DROP TRIGGER slow ON hapax_lease");
        }
        await().atMost(Duration.ofSeconds(40))
                .until(() -> get(store.admin().holder(identity)).isPresent());
        get(hasty.withdraw(given));
        granted(store, identity);
    }

    @Test
    void those_who_ask_while_a_call_is_on_its_way_share_the_next_one() throws Exception {
        CountingDataSource counted = new CountingDataSource(pool);
        try (PostgresLeaseStore counting = PostgresLeaseStore.builder(counted.source())
                .namespace(namespace)
                .answerTimeout(PATIENT)
                .build()) {
            JobIdentity first = freshPair();
            Lease ended = granted(counting, freshPair());
            int before;
            List<CompletionStage<?>> stages = new ArrayList<>();
            try (Connection other = atGateOf(first)) {
                before = counted.count();
                stages.add(counting.acquire(request(first)));
                waitsAtServer();
                for (int n = 0; n < 50; n++) {
                    stages.add(counting.acquire(request(freshPair())));
                }
                stages.add(counting.release(ended, Ending.done(Duration.ofMinutes(1))));
                other.rollback();
            }
            stages.forEach(Attempts::get);
            assertThat(counted.count() - before).isEqualTo(2);
        }
    }

    /** The renewal was sent in time, and its transaction ends late. */
    @Test
    void whoever_finds_a_lease_lapsed_waits_for_a_renewal_that_is_on_its_way() throws Exception {
        JobIdentity identity = freshPair();
        Lease lease = granted(store, request(identity, SHORT));
        try (Connection renewing = server.dataSource().getConnection()) {
            renewing.setAutoCommit(false);
            execute(
                    renewing,
                    "UPDATE hapax_lease SET expires_at = clock_timestamp() + interval '1 min' WHERE owner = '"
                            + lease.owner() + "'");
            letPass(SHORT);
            CompletionStage<Acquisition> asked = store.acquire(request(identity));
            waitsAtServer();
            renewing.commit();
            assertThat(get(asked))
                    .isInstanceOfSatisfying(
                            Acquisition.Held.class,
                            answer -> assertThat(answer.holder().owner()).isEqualTo(lease.owner()));
        }
    }

    @Test
    void a_renewal_that_meets_a_locked_row_is_tried_again_and_holds_up_no_other() throws Exception {
        Lease locked = granted(store, freshPair());
        Lease free = granted(store, freshPair());
        try (Connection other = server.dataSource().getConnection()) {
            other.setAutoCommit(false);
            execute(other, "SELECT 1 FROM hapax_lease WHERE owner = '" + locked.owner() + "' FOR UPDATE");
            CompletableFuture<List<Renewal>> waits =
                    store.renew(List.of(locked)).toCompletableFuture();
            assertThat(get(store.renew(List.of(free)))).containsExactly(new Renewal.Renewed(false));
            assertThat(waits).isNotDone();
            other.rollback();
            assertThat(get(waits)).containsExactly(new Renewal.Renewed(false));
        }
    }

    @Test
    void requests_for_the_same_keys_in_any_order_do_not_block_each_other_for_ever() {
        PostgresLeaseStore another = open(PATIENT);
        List<JobIdentity> keys = new ArrayList<>();
        for (int n = 0; n < 40; n++) {
            keys.add(freshPair());
        }
        for (int round = 0; round < 10; round++) {
            List<CompletionStage<Acquisition>> all = new ArrayList<>();
            for (int n = 0; n < keys.size(); n++) {
                all.add(store.acquire(request(keys.get(n))));
                all.add(another.acquire(request(keys.get(keys.size() - 1 - n))));
            }
            List<Lease> won = all.stream()
                    .map(Attempts::get)
                    .filter(Acquisition.Granted.class::isInstance)
                    .map(answer -> ((Acquisition.Granted) answer).lease())
                    .toList();
            assertThat(won).hasSameSizeAs(keys);
            won.stream()
                    .map(lease -> store.release(lease, Ending.NOT_DONE))
                    .toList()
                    .forEach(Attempts::get);
        }
    }

    @Test
    void a_clock_that_was_set_back_prolongs_no_lease_beyond_its_ttl() throws SQLException {
        JobIdentity identity = freshPair();
        Lease lease = granted(store, request(identity, Duration.ofSeconds(2)));
        execute(
                server.dataSource(),
                "UPDATE hapax_lease SET expires_at = expires_at + interval '1 day' WHERE owner = '" + lease.owner()
                        + "'");
        assertThat(held(store, request(identity)).ttlLeft()).isLessThanOrEqualTo(Duration.ofSeconds(2));
        await().atMost(Duration.ofSeconds(40))
                .until(() -> get(store.acquire(request(identity))) instanceof Acquisition.Granted);
    }

    @Test
    void grants_and_renewals_are_durable_whatever_the_role_has_set() throws SQLException {
        try (Connection connection = server.dataSource().getConnection()) {
            execute(connection, "SET synchronous_commit = off");
            connection.setAutoCommit(false);
            Lease lease = ((Acquisition.Granted) exchanged(connection, request(freshPair()))).lease();
            assertThat(commitsDurably(connection)).isEqualTo("on");
            connection.commit();
            assertThat(commitsDurably(connection)).isEqualTo("off");
            assertThat(new LeaseRenewals(new LeaseStatements(""), namespace).renew(connection, List.of(lease)))
                    .containsExactly(new Renewal.Renewed(false));
            assertThat(commitsDurably(connection)).isEqualTo("on");
            connection.commit();
        }
    }

    private Acquisition exchanged(Connection connection, LeaseRequest request) throws SQLException {
        return new LeaseExchange(new LeaseStatements(""), namespace, Channel.of(namespace), PATIENT)
                .carryOut(connection, List.of(LeaseExchange.Ask.of(request)))
                .get(0)
                .acquisition();
    }

    private static String commitsDurably(Connection connection) throws SQLException {
        try (var sql = connection.createStatement();
                var row = sql.executeQuery("SHOW synchronous_commit")) {
            row.next();
            return row.getString(1);
        }
    }
}
