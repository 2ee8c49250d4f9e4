package io.hapax.postgres;

import static io.hapax.postgres.Attempts.SHORT;
import static io.hapax.postgres.Attempts.atOnce;
import static io.hapax.postgres.Attempts.brokenOff;
import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.failure;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.nextRun;
import static io.hapax.postgres.Attempts.number;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunState;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.OwnThread;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/** Each test in a database of its own, empty at first. */
@Isolated
@Tag("slow")
class MigrationTest {

    private DatabaseAddress address;
    private DataSource database;

    @BeforeEach
    void create() {
        String name = "migration_" + Long.toUnsignedString(OwnerId.random().hashCode(), 36) + "_" + System.nanoTime();
        address = EmbeddedDatabase.shared().createDatabase(name);
        database = address.dataSource();
    }

    @Test
    void four_workers_that_start_at_once_create_the_tables_once() throws Exception {
        Callable<PostgresRunLedger> open = () -> migrated().build();
        List<PostgresRunLedger> ledgers = atOnce(Collections.nCopies(4, open));
        try {
            ledgers.forEach(ledger -> claimed(ledger, freshPair()));
            assertThat(number(database, "SELECT count(*) FROM hapax_schema")).isEqualTo(1);
        } finally {
            ledgers.forEach(PostgresRunLedger::close);
        }
    }

    @Test
    void a_worker_waits_for_the_one_that_creates_the_tables_longer_than_runs_wait_for_answers() throws Exception {
        try (Connection other = database.getConnection()) {
            other.setAutoCommit(false);
            try (Statement sql = other.createStatement()) {
                sql.execute(Migration.ALONE);
            }
            CompletableFuture<Void> opened =
                    OwnThread.run(() -> migrated().answerTimeout(SHORT).build().close());
            await().until(() -> number(database, "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
            // The answer does not come for three times as long as runs would wait.
            Thread.sleep(3 * SHORT.toMillis());
            other.rollback();
            opened.get(60, TimeUnit.SECONDS);
        }
    }

    @Test
    void a_worker_waits_for_another_that_is_about_to_note_the_settings_longer_than_runs_wait_for_answers()
            throws Exception {
        try (PostgresRunLedger ledger = migrated().answerTimeout(SHORT).build();
                Connection other = database.getConnection()) {
            other.setAutoCommit(false);
            try (PreparedStatement note = other.prepareStatement(new Statements("").agree())) {
                Parameters.of(note).text("postgres-test").text("the same");
                note.executeUpdate();
            }
            CompletableFuture<Void> agreed = OwnThread.run(() -> ledger.agree("the same"));
            await().until(() -> number(database, "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0);
            // The answer does not come for three times as long as runs would wait.
            Thread.sleep(3 * SHORT.toMillis());
            other.commit();
            agreed.get(60, TimeUnit.SECONDS);
        }
    }

    @Test
    void tables_from_before_there_was_an_audit_are_told_as_such() throws SQLException {
        migrated().build().close();
        execute(database, "DROP TABLE hapax_audit");
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(() -> migrated().build())
                .withMessageContaining("hapax_audit")
                .withMessageContaining(Migration.FILE);
    }

    @Test
    void migrating_again_keeps_every_row_and_the_tokens_growing() {
        JobIdentity identity = freshPair();
        Lease done;
        try (PostgresRunLedger ledger = migrated().build()) {
            done = claimed(ledger, identity);
            get(ledger.complete(done));
        }
        try (PostgresRunLedger ledger = migrated().build()) {
            assertThat(get(ledger.claim(request(identity)))).isInstanceOf(Claim.Done.class);
            assertThat(claimed(ledger, freshPair()).token()).isGreaterThan(done.token());
        }
    }

    @Test
    void a_schema_is_created_and_used_whatever_the_search_path() throws SQLException {
        JobIdentity identity = freshPair();
        try (PostgresRunLedger ledger = migrated().schema("guard_1").build()) {
            Lease lease = claimed(ledger, identity);
            assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
            assertThat(completedIn(ledger, lease)).isEqualTo(Completion.NOTED);
            brokenOff(ledger, freshPair(), AfterCrash.ABANDON);
            assertThat(ledger.cleanUp()).isZero();
            ledger.agree("settings");
        }
        assertThat(number(database, "SELECT count(*) FROM guard_1.hapax_run")).isEqualTo(2);
        assertThat(number(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
                .isZero();
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(database)
                .answerTimeout(Attempts.PATIENCE)
                .namespace("postgres-test")
                .schema("guard_1")
                .build()) {
            assertThat(get(ledger.claim(request(identity)))).isInstanceOf(Claim.Done.class);
        }
    }

    @Test
    void the_file_works_by_itself_as_a_migration_tool_applies_it() throws Exception {
        try (var file = PostgresRunLedger.class.getResourceAsStream("/io/hapax/postgres/hapax-ledger-1.sql")) {
            execute(database, new String(file.readAllBytes(), StandardCharsets.UTF_8));
        }
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(database)
                .answerTimeout(Attempts.PATIENCE)
                .namespace("postgres-test")
                .build()) {
            claimed(ledger, freshPair());
        }
    }

    @Test
    void missing_tables_are_named_with_three_ways_to_mend_it() {
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(() -> PostgresRunLedger.builder(database)
                        .namespace("postgres-test")
                        .build())
                .withMessageContaining("the tables of the ledger are missing")
                .withMessageContaining("hapax-ledger-1.sql")
                .withMessageContaining("migrate(true)")
                .withMessageContaining("schema(...)");
    }

    @Test
    void tables_of_a_newer_version_are_left_alone() throws SQLException {
        migrated().build().close();
        execute(database, "INSERT INTO hapax_schema (version) VALUES (2)");
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(() -> migrated().build())
                .withMessage("the tables of the ledger are of version 2, this library needs 1. Update the library");
    }

    @Test
    void tables_of_no_version_are_named() throws SQLException {
        migrated().build().close();
        execute(database, "DELETE FROM hapax_schema");
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(() -> migrated().build())
                .withMessageContaining("are of version 0, this library needs 1");
    }

    @Test
    void a_migration_that_fails_half_way_leaves_nothing() throws SQLException {
        execute(database, "CREATE TABLE hapax_settings (mine text)");
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(() -> migrated().build())
                .withMessageContaining("the ledger cannot be opened")
                .withMessageContaining("\"hapax_settings\" already exists");
        assertThat(number(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
                .isEqualTo(1);
    }

    @Test
    void a_pool_without_auto_commit_and_serializable_by_default_works_and_stays_as_it_is() throws Exception {
        execute(
                database,
                "ALTER DATABASE " + address.database() + " SET default_transaction_isolation = 'serializable'");
        HikariConfig config = new HikariConfig();
        config.setDataSource(database);
        config.setMaximumPoolSize(4);
        config.setAutoCommit(false);
        config.setTransactionIsolation("TRANSACTION_SERIALIZABLE");
        JobIdentity identity = freshPair();
        try (HikariDataSource pool = new HikariDataSource(config);
                PostgresRunLedger ledger = PostgresRunLedger.builder(pool)
                        .answerTimeout(Attempts.PATIENCE)
                        .namespace("postgres-test")
                        .migrate(true)
                        .build()) {
            Lease broken = brokenOff(ledger, identity, AfterCrash.RERUN);
            Lease lease = claimed(ledger, identity);
            assertThat(lease.token()).isGreaterThan(broken.token());
            assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
            assertThat(get(ledger.complete(lease))).isEqualTo(Completion.NOTED);
            assertThat(ledger.cleanUp()).isZero();
            raceForOneLockKey(pool);
            for (int n = 0; n < 2; n++) {
                try (Connection connection = pool.getConnection()) {
                    assertThat(connection.getAutoCommit()).isFalse();
                    assertThat(connection.getTransactionIsolation()).isEqualTo(Connection.TRANSACTION_SERIALIZABLE);
                }
            }
        }
        assertThat(number(database, "SELECT count(*) FROM hapax_run WHERE state = 'DONE'"))
                .isEqualTo(1);
    }

    @Test
    void a_connection_goes_back_as_it_came_even_if_the_pool_does_not_see_to_it() throws Exception {
        migrated().build().close();
        try (Connection only = database.getConnection()) {
            only.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            only.setAutoCommit(false);
            only.setNetworkTimeout(Runnable::run, 7_000);
            DataSource lazy = new SingleConnectionDataSource(only, true);
            try (PostgresRunLedger ledger = PostgresRunLedger.builder(lazy)
                    .answerTimeout(Attempts.PATIENCE)
                    .namespace("postgres-test")
                    .connections(1)
                    .build()) {
                claimed(ledger, freshPair());
                failure(ledger.claim(
                        new ClaimRequest(freshPair(), OwnerId.random(), "nul \u0000", SHORT, AfterCrash.RERUN, SHORT)));
            }
            assertThat(only.getAutoCommit()).isFalse();
            assertThat(only.getTransactionIsolation()).isEqualTo(Connection.TRANSACTION_REPEATABLE_READ);
            assertThat(only.getNetworkTimeout()).isEqualTo(7_000);
        }
    }

    @Test
    void a_server_that_may_forget_commits_is_warned_about() throws SQLException {
        execute(database, "ALTER DATABASE " + address.database() + " SET synchronous_commit = off");
        try (Logs logs = Logs.of("io.hapax.postgres");
                PostgresRunLedger ledger = migrated().build()) {
            assertThat(ledger).isNotNull();
            // Others may write to this log as well.
            assertThat(logs.lines())
                    .filteredOn(line -> line.contains("synchronous_commit"))
                    .singleElement()
                    .asString()
                    .startsWith("WARN synchronous_commit is off");
        }
    }

    /** At SERIALIZABLE some of them would fail with SQLSTATE 40001. */
    private static void raceForOneLockKey(DataSource pool) throws Exception {
        JobIdentity identity = freshPair();
        Callable<Void> claiming = () -> {
            try (PostgresRunLedger ledger = PostgresRunLedger.builder(pool)
                    .answerTimeout(Attempts.PATIENCE)
                    .namespace("postgres-test")
                    .connections(1)
                    .build()) {
                for (int n = 0; n < 30; n++) {
                    if (get(ledger.claim(request(nextRun(identity)))) instanceof Claim.Claimed claimed) {
                        get(ledger.release(claimed.lease(), RunState.RELEASED));
                    }
                }
            }
            return null;
        };
        atOnce(Collections.nCopies(4, claiming));
    }

    private PostgresRunLedger.Builder migrated() {
        return PostgresRunLedger.builder(database)
                .namespace("postgres-test")
                .answerTimeout(Attempts.PATIENCE)
                .migrate(true);
    }

    private Completion completedIn(PostgresRunLedger ledger, Lease lease) throws SQLException {
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            Completion answer = ledger.completeIn(connection, lease);
            connection.commit();
            return answer;
        }
    }
}
