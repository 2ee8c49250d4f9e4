package io.hapax.postgres;

import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.LedgerException;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Renewals have a connection that jobs cannot take, from whatever source. */
class RenewalConnectionTest {

    private final DatabaseAddress address = EmbeddedDatabase.shared().createDatabase("renewals_" + System.nanoTime());
    private final List<AutoCloseable> opened = new ArrayList<>();

    private HikariDataSource pool(int size) {
        HikariDataSource pool = Attempts.pool(address, size, Duration.ofSeconds(3));
        opened.add(0, pool);
        return pool;
    }

    /** A source that hides what it is. */
    private static DataSource hidden(DataSource source) {
        return new CountingDataSource(source).source();
    }

    private PostgresRunLedger ledger(PostgresRunLedger.Builder builder) {
        PostgresRunLedger ledger = builder.namespace(freshName("renewals"))
                .migrate(true)
                .answerTimeout(Attempts.PATIENCE)
                .build();
        opened.add(0, ledger);
        return ledger;
    }

    private static void renews(PostgresRunLedger ledger, Lease lease) {
        assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened) {
            each.close();
        }
    }

    @Test
    void beside_a_hikari_pool_there_is_one_connection_more_until_the_ledger_is_closed() throws Exception {
        HikariDataSource pool = pool(1);
        PostgresRunLedger ledger = ledger(PostgresRunLedger.builder(pool).namespace("postgres-test"));
        Lease lease = claimed(ledger, freshPair());
        try (Connection job = pool.getConnection()) {
            assertThat(job.isValid(1)).isTrue();
            renews(ledger, lease);
            renews(ledger, lease);
        }
        ledger.close();
        String connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = '" + address.database()
                + "' AND pid <> pg_backend_pid()";
        Awaitility.await().until(() -> Attempts.number(address.dataSource(), connections) == 1);
    }

    @Test
    void of_another_source_one_connection_is_kept_and_another_one_is_opened_if_it_breaks() throws Exception {
        HikariDataSource pool = pool(3);
        PostgresRunLedger ledger =
                ledger(PostgresRunLedger.builder(hidden(pool)).namespace("postgres-test"));
        Lease lease = claimed(ledger, freshPair());
        // The one of the claim may be given back a moment after its answer.
        Awaitility.await().until(() -> pool.getHikariPoolMXBean().getActiveConnections() == 1);
        try (Connection job = pool.getConnection();
                Connection neighbour = pool.getConnection()) {
            assertThat(job.isValid(1)).isTrue();
            renews(ledger, lease);
            execute(
                    neighbour,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                            + " AND query LIKE '%INTO hapax_renewal%' AND pid <> pg_backend_pid()");
            renews(ledger, lease);
        }
        ledger.close();
        Awaitility.await().until(() -> pool.getHikariPoolMXBean().getActiveConnections() == 0);
    }

    @Test
    void a_source_that_has_one_connection_only_is_shared_with_a_warning() {
        HikariDataSource pool = pool(1);
        try (Logs logs = Logs.of("io.hapax.postgres")) {
            PostgresRunLedger ledger =
                    ledger(PostgresRunLedger.builder(hidden(pool)).namespace("postgres-test"));
            assertThat(ofThePool(logs))
                    .singleElement()
                    .asString()
                    .startsWith("WARN the pool of the ledger has a single free connection")
                    .contains("renewals(...)");
            renews(ledger, claimed(ledger, freshPair()));
        }
    }

    @Test
    void a_hikari_pool_that_is_too_small_is_warned_about() {
        try (Logs logs = Logs.of("io.hapax.postgres")) {
            PostgresRunLedger unused = ledger(PostgresRunLedger.builder(pool(2)).namespace("postgres-test"));
            assertThat(ofThePool(logs))
                    .singleElement()
                    .asString()
                    .startsWith(
                            "WARN the pool of the ledger has 2 connections, and the ledger works with up to 2 at once");
        }
        try (Logs logs = Logs.of("io.hapax.postgres")) {
            PostgresRunLedger unused = ledger(PostgresRunLedger.builder(pool(3)).namespace("postgres-test"));
            assertThat(ofThePool(logs)).isEmpty();
        }
    }

    /** Others may write to this log as well. */
    private static List<String> ofThePool(Logs logs) {
        return logs.lines().stream().filter(line -> line.contains(" pool ")).toList();
    }

    @Test
    void where_the_server_has_no_connection_left_for_it_that_is_said_and_renewals_share() throws Exception {
        HikariDataSource pool = pool(2);
        PostgresRunLedger.builder(pool)
                .namespace("postgres-test")
                .migrate(true)
                .build()
                .close();
        execute(pool, "CREATE ROLE limited_" + address.database() + " LOGIN PASSWORD 'secret' CONNECTION LIMIT 2");
        execute(pool, "GRANT ALL ON ALL TABLES IN SCHEMA public TO limited_" + address.database());
        DatabaseAddress limited = new DatabaseAddress(
                address.host(), address.port(), address.database(), "limited_" + address.database(), "secret");
        try (HikariDataSource jobs = Attempts.pool(limited, 2, Duration.ofSeconds(2));
                Connection first = jobs.getConnection();
                Logs logs = Logs.of("io.hapax.postgres")) {
            assertThat(first.isValid(1)).isTrue();
            try (PostgresRunLedger ledger = PostgresRunLedger.builder(jobs)
                    .namespace("postgres-test")
                    .connections(1)
                    .answerTimeout(Duration.ofSeconds(3))
                    .build()) {
                assertThat(logs.lines())
                        .singleElement()
                        .asString()
                        .startsWith("WARN renewals of claims have no connection of their own beside the pool: ");
                renews(ledger, claimed(ledger, freshPair()));
            }
        }
    }

    @Test
    void connections_that_were_set_aside_are_used() throws Exception {
        HikariDataSource jobs = pool(2);
        CountingDataSource aside = new CountingDataSource(pool(1));
        PostgresRunLedger ledger = ledger(PostgresRunLedger.builder(hidden(jobs))
                .namespace("postgres-test")
                .renewals(aside.source()));
        Lease lease = claimed(ledger, freshPair());
        int before = aside.count();
        try (Connection job = jobs.getConnection();
                Connection neighbour = jobs.getConnection()) {
            assertThat(job.isValid(1) && neighbour.isValid(1)).isTrue();
            renews(ledger, lease);
        }
        assertThat(aside.count()).isEqualTo(before + 1);
    }

    @Test
    void connections_to_another_database_are_refused() {
        DataSource elsewhere = EmbeddedDatabase.shared()
                .createDatabase("elsewhere_" + System.nanoTime())
                .dataSource();
        PostgresRunLedger.builder(elsewhere)
                .namespace("postgres-test")
                .migrate(true)
                .build()
                .close();
        PostgresRunLedger.Builder builder = PostgresRunLedger.builder(pool(2))
                .namespace("postgres-test")
                .migrate(true)
                .renewals(elsewhere);
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(builder::build)
                .withMessageContaining("setting renewals: it leads to another database");
    }
}
