package io.hapax.postgres;

import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.Finding;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Servers that speak PostgreSQL's language, and have its functions for advisory locks, but do not lock. Here a schema before
 * {@code pg_catalog} gives a real PostgreSQL the functions of others.
 */
class AdvisoryLocksTest {

    private DatabaseAddress database;

    @BeforeEach
    void create() throws Exception {
        database = EmbeddedDatabase.shared()
                .createDatabase(freshName("alike").toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "_"));
        execute(database.dataSource(), "CREATE SCHEMA lookalike");
        execute(
                database.dataSource(),
                "ALTER DATABASE " + database.database() + " SET search_path = lookalike, pg_catalog, public");
    }

    private void function(String signature, String returns, String body) throws Exception {
        execute(
                database.dataSource(),
                "CREATE FUNCTION lookalike." + signature + " RETURNS " + returns + " LANGUAGE plpgsql AS $$ BEGIN "
                        + body + " END $$");
    }

    private PostgresRunLedger.Builder builder(HikariDataSource pool) {
        return PostgresRunLedger.builder(pool)
                .namespace("postgres-test")
                .schema("ledger")
                .answerTimeout(Attempts.PATIENCE)
                .migrate(true);
    }

    /** Of a single connection no second one is to be had, which takes all of the patience. */
    private HikariDataSource pool(int size) {
        return Attempts.pool(database, size, Duration.ofSeconds(size == 1 ? 2 : 10));
    }

    private void assertRefused(String reason) {
        try (HikariDataSource pool = pool(3)) {
            assertThatThrownBy(() -> builder(pool).build().close())
                    .isInstanceOf(LedgerException.class)
                    .hasMessageContaining(reason)
                    .hasMessageContaining("Use PostgreSQL");
            List<Finding> findings = builder(pool).examine("");
            assertThat(findings).first().satisfies(worst -> {
                assertThat(worst.severity()).isEqualTo(Finding.Severity.ERROR);
                assertThat(worst.problem()).contains(reason);
            });
        }
    }

    private void assertWorks(int connections) {
        try (HikariDataSource pool = pool(connections);
                PostgresRunLedger ledger = builder(pool).build()) {
            assertThat(get(ledger.complete(claimed(ledger, freshPair())))).isEqualTo(Completion.NOTED);
            assertThat(builder(pool).examine(""))
                    .noneMatch(finding -> finding.problem().contains("advisory locks"));
        }
    }

    /** As CockroachDB before 2026. */
    @Test
    void a_server_whose_advisory_locks_do_nothing_is_refused() throws Exception {
        function("pg_advisory_xact_lock(bigint)", "void", "");
        function("pg_try_advisory_xact_lock(bigint)", "boolean", "RETURN true;");
        assertRefused("advisory locks do nothing on this server");
    }

    /** Not to know is no reason to go on. */
    @Test
    void a_server_whose_advisory_locks_cannot_be_looked_at_for_want_of_connections_is_refused() throws Exception {
        function("pg_advisory_xact_lock(bigint)", "void", "");
        function("pg_try_advisory_xact_lock(bigint)", "boolean", "RETURN true;");
        try (HikariDataSource pool = pool(1)) {
            assertThatThrownBy(() -> builder(pool).build().close())
                    .isInstanceOf(LedgerException.class)
                    .hasMessageContaining("advisory locks");
        }
    }

    /** As YugabyteDB by default. */
    @Test
    void a_server_that_refuses_advisory_locks_is_refused_with_the_reason() throws Exception {
        function(
                "pg_advisory_xact_lock(bigint)",
                "void",
                "RAISE EXCEPTION 'advisory locks are not yet implemented' USING ERRCODE = '0A000';");
        assertRefused("advisory locks are not to be had on this server");
    }

    /** As YugabyteDB with a flag that makes applications start. */
    @Test
    void a_server_that_is_told_to_be_silent_about_missing_advisory_locks_is_refused() throws Exception {
        function(
                "current_setting(name text, missing_ok boolean)",
                "text",
                "RETURN CASE name WHEN 'yb_silence_advisory_locks_not_supported_error' THEN 'on'"
                        + " ELSE pg_catalog.current_setting(name, missing_ok) END;");
        assertRefused("yb_silence_advisory_locks_not_supported_error");
    }

    /** As CockroachDB since 2026. */
    @Test
    void a_server_that_locks_but_does_not_list_its_locks_works() throws Exception {
        execute(
                database.dataSource(),
                "CREATE VIEW lookalike.pg_locks AS SELECT * FROM pg_catalog.pg_locks WHERE false");
        assertWorks(3);
    }

    @Test
    void a_postgresql_works_with_a_single_connection_too() {
        assertWorks(1);
    }
}
