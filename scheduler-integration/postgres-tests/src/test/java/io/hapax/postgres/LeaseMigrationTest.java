package io.hapax.postgres;

import static io.hapax.postgres.Attempts.atOnce;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.number;
import static io.hapax.postgres.LeaseFixture.granted;
import static io.hapax.postgres.LeaseFixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The tables of leases, each test in a database of its own, empty at first. */
@Tag("slow")
class LeaseMigrationTest {

    private DatabaseAddress address;
    private DataSource database;

    @BeforeEach
    void create() {
        String name = "leases_" + Long.toUnsignedString(OwnerId.random().hashCode(), 36) + "_" + System.nanoTime();
        address = EmbeddedDatabase.shared().createDatabase(name);
        database = address.dataSource();
    }

    private PostgresLeaseStore.Builder builder(DataSource source) {
        return PostgresLeaseStore.builder(source).namespace("postgres-test").answerTimeout(Attempts.PATIENCE);
    }

    private static void works(PostgresLeaseStore store) {
        JobIdentity identity = freshPair();
        Lease lease = granted(store, identity);
        assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        assertThat(get(store.reservations()
                        .orElseThrow()
                        .reserve(new ReservationRequest("place-" + identity, "a", 1, Attempts.LONG))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(get(store.release(lease, Ending.done(Attempts.LONG)))).isTrue();
        assertThat(get(store.acquire(request(identity)))).isInstanceOf(Acquisition.Done.class);
        Lease taken = granted(store, freshPair());
        assertThat(get(store.admin().forceRelease(taken.identity()))).isPresent();
    }

    @Test
    void four_workers_that_start_at_once_create_the_tables_once() throws Exception {
        Callable<PostgresLeaseStore> open =
                () -> builder(database).migrate(true).build();
        List<PostgresLeaseStore> stores = atOnce(Collections.nCopies(4, open));
        try {
            stores.forEach(LeaseMigrationTest::works);
            assertThat(number(database, "SELECT count(*) FROM hapax_lease_schema"))
                    .isEqualTo(1);
        } finally {
            stores.forEach(PostgresLeaseStore::close);
        }
    }

    @Test
    void a_schema_is_created_and_used_whatever_the_search_path() throws SQLException {
        try (PostgresLeaseStore store =
                builder(database).schema("guard_1").migrate(true).build()) {
            works(store);
            assertThat(store.cleanUp()).isZero();
            store.agree("");
        }
        assertThat(number(database, "SELECT count(*) FROM guard_1.hapax_lease")).isEqualTo(2);
        assertThat(number(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
                .isZero();
    }

    @Test
    void the_file_works_by_itself_as_a_migration_tool_applies_it_with_and_without_the_ledger() throws Exception {
        for (List<Service> services : List.of(List.of(Service.LEASES), List.of(Service.LEDGER, Service.LEASES))) {
            create();
            for (Service service : services) {
                try (var file = PostgresLeaseStore.class.getResourceAsStream("/" + service.script())) {
                    execute(database, new String(file.readAllBytes(), StandardCharsets.UTF_8));
                }
            }
            try (PostgresLeaseStore store = builder(database).build()) {
                works(store);
            }
        }
    }

    @Test
    void missing_tables_are_named_with_three_ways_to_mend_it() {
        assertThatExceptionOfType(LeaseStoreException.class)
                .isThrownBy(() -> builder(database).build())
                .withMessageContaining("the tables of the lease store are missing")
                .withMessageContaining("hapax-leases-1.sql")
                .withMessageContaining("migrate(true)")
                .withMessageContaining("schema(...)");
    }

    @Test
    void operators_ask_and_an_examination_looks_and_neither_leaves_anything_behind() throws SQLException {
        assertThat(builder(database).examine())
                .anySatisfy(
                        finding -> assertThat(finding.problem()).contains("the tables of the lease store are missing"));
        assertThatExceptionOfType(LeaseStoreException.class)
                .isThrownBy(() -> builder(database).openForOperators())
                .withMessageContaining("the tables of the lease store are missing");
        builder(database).namespace("another").migrate(true).build().close();
        assertThat(builder(database).examine())
                .anySatisfy(finding -> assertThat(finding.problem())
                        .contains("no worker of namespace postgres-test has kept leases there yet; there are another"));
        try (PostgresLeaseStore operators = builder(database).openForOperators()) {
            assertThat(get(operators.admin().leases(10))).isEmpty();
            assertThatThrownBy(() -> get(operators.acquire(request(freshPair()))))
                    .hasStackTraceContaining("was opened for operators' questions and grants nothing");
        }
        assertThat(number(database, "SELECT count(*) FROM hapax_lease_settings WHERE namespace = 'postgres-test'"))
                .isZero();
        execute(database, "UPDATE hapax_lease_settings SET settings = 'format=0', namespace = 'postgres-test'");
        assertThat(builder(database).examine())
                .anySatisfy(finding ->
                        assertThat(finding.problem()).contains("There: format=0. Here: leases=postgres format=1"));
    }

    @Test
    void tables_of_a_newer_version_are_left_alone() throws SQLException {
        builder(database).migrate(true).build().close();
        execute(database, "INSERT INTO hapax_lease_schema (version) VALUES (2)");
        assertThatExceptionOfType(LeaseStoreException.class)
                .isThrownBy(() -> builder(database).migrate(true).build())
                .withMessage(
                        "the tables of the lease store are of version 2, this library needs 1. Update the library");
    }

    @Test
    void a_worker_with_other_settings_is_refused_and_both_are_named() throws SQLException {
        try (PostgresLeaseStore store = builder(database).migrate(true).build()) {
            assertThat(store.fingerprint()).isNotBlank();
            execute(database, "UPDATE hapax_lease_settings SET settings = 'leases=postgres format=9'");
            assertThatExceptionOfType(IllegalStateException.class)
                    .isThrownBy(() -> builder(database).build())
                    .withMessageContaining("leases=postgres format=9")
                    .withMessageContaining(store.fingerprint())
                    .withMessageContaining("hapax_lease_settings");
        }
    }

    @Test
    void the_owner_of_one_lease_at_a_time_is_found_in_a_pool_that_is_serializable_by_default() throws Exception {
        execute(
                database,
                "ALTER DATABASE " + address.database() + " SET default_transaction_isolation = 'serializable'");
        HikariConfig config = new HikariConfig();
        config.setDataSource(database);
        config.setMaximumPoolSize(6);
        config.setAutoCommit(false);
        config.setTransactionIsolation("TRANSACTION_SERIALIZABLE");
        JobIdentity identity = freshPair();
        try (HikariDataSource pool = new HikariDataSource(config)) {
            builder(pool).migrate(true).build().close();
            List<Callable<Long>> rivals = new ArrayList<>();
            for (int n = 0; n < 3; n++) {
                rivals.add(() -> grantsOf(pool, identity));
            }
            assertThat(atOnce(rivals).stream().mapToLong(Long::longValue).sum()).isPositive();
        }
    }

    /** At SERIALIZABLE some of them would fail with SQLSTATE 40001. */
    private long grantsOf(DataSource pool, JobIdentity identity) {
        long granted = 0;
        try (PostgresLeaseStore store = builder(pool).connections(1).build()) {
            for (int n = 0; n < 30; n++) {
                if (get(store.acquire(request(identity))) instanceof Acquisition.Granted won) {
                    granted++;
                    assertThat(get(store.renew(List.of(won.lease())))).containsExactly(new Renewal.Renewed(false));
                    assertThat(get(store.release(won.lease(), Ending.NOT_DONE))).isTrue();
                }
            }
        }
        return granted;
    }
}
