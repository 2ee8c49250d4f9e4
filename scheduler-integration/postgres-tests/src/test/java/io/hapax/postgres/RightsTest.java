package io.hapax.postgres;

import static io.hapax.postgres.Attempts.brokenOff;
import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.failure;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.hapax.lease.Finding;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Under roles that have exactly the rights that docs/security.md lists, and create nothing. */
@Tag("slow")
class RightsTest {

    private DocumentedGrants grants;
    private String role;
    private DataSource owner;
    private DataSource app;

    @BeforeEach
    void create() throws SQLException {
        grants = DocumentedGrants.of("hapax");
        role = grants.role();
        owner = grants.owner();
        app = grants.asRole().dataSource();
    }

    @AfterEach
    void drop() throws SQLException {
        grants.close();
    }

    @Test
    void the_documented_rights_are_enough_for_everything() throws SQLException {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(app)
                .answerTimeout(Attempts.PATIENCE)
                .namespace("postgres-test")
                .build()) {
            ledger.agree("settings");
            ledger.agree("settings");
            JobIdentity identity = freshPair();
            Lease broken = brokenOff(ledger, identity, AfterCrash.RERUN);
            Lease lease = claimed(ledger, identity);
            assertThat(get(ledger.claim(request(identity)))).isInstanceOf(Claim.Held.class);
            assertThat(get(ledger.complete(broken))).isEqualTo(Completion.SUPERSEDED);
            assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
            assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
            try (Connection connection = app.getConnection()) {
                connection.setAutoCommit(false);
                assertThat(ledger.completeIn(connection, lease)).isEqualTo(Completion.NOTED);
                connection.commit();
            }
            assertThat(get(ledger.release(claimed(ledger, freshPair()), RunState.FAILED)))
                    .isEqualTo(Completion.NOTED);
            JobIdentity once = freshPair();
            brokenOff(ledger, once, AfterCrash.ABANDON);
            execute(app, "UPDATE hapax_run SET forget_at = now() - interval '1 s' WHERE state = 'DONE'");
            execute(app, "UPDATE hapax_renewal SET deadline = now() - interval '2 h'");
            assertThat(ledger.cleanUp()).isEqualTo(1);
            assertThat(get(ledger.resolve(once, RunState.RELEASED))).isTrue();
        }
        assertThat(Attempts.number(owner, "SELECT count(*) FROM hapax_renewal")).isZero();
    }

    @Test
    void a_table_with_a_fence_needs_no_right_of_the_ledger() throws SQLException {
        execute(owner, "CREATE TABLE account (id text PRIMARY KEY, balance bigint, fence bigint NOT NULL DEFAULT 0)");
        execute(owner, "INSERT INTO account (id, balance) VALUES ('a', 100)");
        execute(owner, "GRANT SELECT, UPDATE ON account TO " + role);
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(app)
                        .answerTimeout(Attempts.PATIENCE)
                        .namespace("postgres-test")
                        .build();
                Connection connection = app.getConnection()) {
            connection.setAutoCommit(false);
            Lease lease = claimed(ledger, freshPair());
            FencedTable accounts = FencedTable.of("account");
            accounts.raise(connection, "a", lease.token());
            accounts.update(connection, "a", lease.token(), "balance = balance - ?", 30);
            assertThat(ledger.completeIn(connection, lease)).isEqualTo(Completion.NOTED);
            connection.commit();
        }
        assertThat(Attempts.number(owner, "SELECT balance FROM account")).isEqualTo(70);
    }

    @Test
    void an_examination_finds_all_rights_there_and_names_each_that_is_taken_away() throws SQLException {
        assertThat(errors()).isEmpty();
        for (String grant : DocumentedGrants.statements("hapax")) {
            String what = grant.substring("GRANT ".length(), grant.indexOf(" TO "));
            execute(owner, "REVOKE " + what + " FROM " + role);
            assertThat(errors())
                    .as(what)
                    .isNotEmpty()
                    .allMatch(
                            error -> error.contains("docs/security.md") || error.contains("GRANT USAGE ON the SCHEMA"));
            execute(owner, "GRANT " + what + " TO " + role);
        }
        assertThat(errors()).isEmpty();
    }

    @Test
    void an_examination_of_leases_finds_all_rights_there_and_names_each_that_is_taken_away() throws SQLException {
        try (DocumentedGrants leases = DocumentedGrants.of("hapax_leases")) {
            assertThat(rightsOfLeases(leases)).isEmpty();
            for (String grant : DocumentedGrants.statements("hapax_leases")) {
                String what = grant.substring("GRANT ".length(), grant.indexOf(" TO "));
                execute(leases.owner(), "REVOKE " + what + " FROM " + leases.role());
                assertThat(rightsOfLeases(leases)).as(what).isNotEmpty();
                execute(leases.owner(), "GRANT " + what + " TO " + leases.role());
            }
            execute(leases.owner(), "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC");
            assertThat(rightsOfLeases(leases))
                    .singleElement()
                    .asString()
                    .contains("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO " + leases.role());
        }
    }

    private static List<String> rightsOfLeases(DocumentedGrants leases) {
        return PostgresLeaseStore.builder(leases.asRole().dataSource()).namespace("postgres-test").examine().stream()
                .map(Finding::toString)
                .filter(finding ->
                        finding.contains("docs/security.md") || finding.contains("GRANT USAGE ON the SCHEMA"))
                .toList();
    }

    @Test
    void rights_that_no_claim_needs_are_missed_and_said_to_be_done_without() throws SQLException {
        execute(owner, "REVOKE DELETE ON hapax_run, hapax_renewal FROM " + role);
        execute(owner, "REVOKE ALL ON hapax_audit FROM " + role);
        assertThat(errors()).isEmpty();
        assertThat(found(Finding.Severity.WARNING))
                .anyMatch(warning -> warning.contains("lacks a right: DELETE ON hapax_run, so ")
                        && warning.contains("GRANT DELETE ON hapax_run TO " + role))
                .anyMatch(warning -> warning.contains("SELECT, INSERT ON hapax_audit, so "));
    }

    @Test
    void settings_and_abandoned_occurrences_are_looked_at_also_where_a_right_is_missing() throws SQLException {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(owner)
                .answerTimeout(Attempts.PATIENCE)
                .namespace("postgres-test")
                .build()) {
            ledger.agree("buckets=1");
            brokenOff(ledger, freshPair(), AfterCrash.ABANDON);
            assertThat(ledger.cleanUp()).isZero();
        }
        execute(owner, "REVOKE ALL ON hapax_fence FROM " + role);
        execute(owner, "REVOKE ALL ON hapax_schema FROM " + role);
        List<Finding> findings =
                PostgresRunLedger.builder(app).namespace("postgres-test").examine("buckets=64");
        assertThat(findings)
                .extracting(Finding::problem)
                .anyMatch(problem -> problem.contains("SELECT, INSERT, UPDATE ON hapax_fence"))
                .anyMatch(problem -> problem.contains("SELECT ON hapax_schema"))
                .anyMatch(problem -> problem.contains("buckets=64"))
                .anyMatch(problem -> problem.contains("1 occurrence is abandoned"));
        execute(owner, "REVOKE ALL ON hapax_settings FROM " + role);
        assertThat(PostgresRunLedger.builder(app).namespace("postgres-test").examine("buckets=64"))
                .extracting(Finding::problem)
                .anyMatch(problem -> problem.contains("SELECT, INSERT ON hapax_settings"))
                .anyMatch(problem -> problem.contains("1 occurrence is abandoned"));
    }

    @Test
    void an_entry_of_the_audit_that_was_written_by_hand_does_not_hide_the_others() throws SQLException {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(owner)
                .answerTimeout(Attempts.PATIENCE)
                .namespace("postgres-test")
                .build()) {
            execute(
                    owner,
                    "INSERT INTO hapax_audit (namespace, action, occurrence, actor, reason, worker, owner)"
                            + " VALUES ('postgres-test', 'NOTE', 'r', ' ', E'by\\nhand', 'w', 'o')");
            assertThat(get(ledger.audit(10)))
                    .singleElement()
                    .satisfies(entry -> assertThat(entry.why()).isEqualTo(new Intervention("unknown", "by hand")));
        }
    }

    private List<String> errors() {
        return found(Finding.Severity.ERROR);
    }

    private List<String> found(Finding.Severity severity) {
        return PostgresRunLedger.builder(app).namespace("postgres-test").examine("").stream()
                .filter(finding -> finding.severity() == severity)
                .map(Finding::toString)
                .toList();
    }

    @Test
    void nothing_else_is_allowed() throws SQLException {
        for (String statement : List.of(
                "DELETE FROM hapax_audit",
                "UPDATE hapax_audit SET actor = 'somebody else'",
                "DELETE FROM hapax_settings",
                "UPDATE hapax_settings SET fingerprint = ''",
                "INSERT INTO hapax_schema (version) VALUES (2)",
                "TRUNCATE hapax_run",
                "DROP TABLE hapax_run",
                "DELETE FROM hapax_fence",
                "CREATE TABLE mine (id int)",
                "CREATE SCHEMA mine")) {
            assertThatExceptionOfType(SQLException.class)
                    .as(statement)
                    .isThrownBy(() -> execute(app, statement))
                    .satisfies(refused -> assertThat(refused.getSQLState()).isEqualTo("42501"));
        }
    }

    @Test
    void the_package_documentation_has_the_same_grants() throws IOException {
        assertThat(Files.readString(Path.of("../postgres/src/main/java/io/hapax/postgres/package-info.java")))
                .contains(DocumentedGrants.statements("hapax"));
    }

    @Test
    void a_reader_sees_occurrences_and_audit_and_changes_nothing() throws SQLException {
        try (DocumentedGrants reading = DocumentedGrants.of("hapax_reader");
                PostgresRunLedger writer = PostgresRunLedger.builder(reading.owner())
                        .answerTimeout(Attempts.PATIENCE)
                        .namespace("postgres-test")
                        .build();
                PostgresRunLedger reader = PostgresRunLedger.builder(
                                reading.asRole().dataSource())
                        .answerTimeout(Attempts.PATIENCE)
                        .namespace("postgres-test")
                        .cleanUpEvery(Duration.ZERO)
                        .build()) {
            JobIdentity once = freshPair();
            brokenOff(writer, once, AfterCrash.ABANDON);
            assertThat(writer.cleanUp()).isZero();
            assertThat(get(reader.entries(LedgerQuery.in(10, RunState.ABANDONED))))
                    .singleElement()
                    .satisfies(entry -> assertThat(entry.identity()).isEqualTo(once));
            assertThat(get(reader.entry(once))).isPresent();
            assertThat(failure(reader.resolve(once, RunState.DONE))).hasMessageContaining("no permission");
            assertThat(failure(reader.claim(request(freshPair())))).hasMessageContaining("no permission");
            assertThat(get(writer.resolve(once, null, RunState.DONE, new Intervention("ann", "it was sent"))))
                    .isTrue();
            assertThat(get(reader.audit(10)))
                    .singleElement()
                    .satisfies(entry -> assertThat(entry.why().actor()).isEqualTo("ann"));
        }
    }

    @Test
    void a_role_for_completions_only_needs_to_see_and_change_runs() throws SQLException {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(app)
                .answerTimeout(Attempts.PATIENCE)
                .namespace("postgres-test")
                .build()) {
            Lease lease = claimed(ledger, freshPair());
            execute(owner, "REVOKE INSERT, DELETE ON hapax_run FROM " + role);
            execute(owner, "REVOKE ALL ON hapax_renewal, hapax_settings, hapax_schema FROM " + role);
            try (Connection connection = app.getConnection()) {
                connection.setAutoCommit(false);
                assertThat(ledger.completeIn(connection, lease)).isEqualTo(Completion.NOTED);
                connection.commit();
            }
        }
    }

    @Test
    void a_missing_right_is_named_and_where_the_rights_are_listed() throws SQLException {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(app)
                .answerTimeout(Attempts.PATIENCE)
                .namespace("postgres-test")
                .build()) {
            execute(owner, "REVOKE ALL ON hapax_fence FROM " + role);
            assertThat(failure(ledger.claim(request(freshPair()))))
                    .hasMessageContaining("no permission (ERROR: permission denied for table hapax_fence)")
                    .hasMessageContaining("package documentation of io.hapax.postgres");
        }
    }

    @Test
    void without_the_right_to_delete_the_clean_up_says_so_and_runs_go_on() throws SQLException {
        execute(owner, "REVOKE DELETE ON hapax_run, hapax_renewal FROM " + role);
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(app)
                .answerTimeout(Attempts.PATIENCE)
                .namespace("postgres-test")
                .build()) {
            assertThatExceptionOfType(SQLException.class)
                    .isThrownBy(ledger::cleanUp)
                    .withMessageContaining("permission denied");
            assertThat(get(ledger.complete(claimed(ledger, freshPair())))).isEqualTo(Completion.NOTED);
        }
    }

    @Test
    void migrating_needs_no_right_to_create_once_the_tables_are_there() {
        PostgresRunLedger.builder(app)
                .namespace("postgres-test")
                .migrate(true)
                .build()
                .close();
        PostgresRunLedger.builder(app)
                .namespace("postgres-test")
                .schema("public")
                .migrate(true)
                .build()
                .close();
    }

    @Test
    void migrating_needs_no_right_to_create_schemas_if_the_schema_is_there() throws SQLException {
        execute(owner, "CREATE SCHEMA own AUTHORIZATION " + role);
        PostgresRunLedger.builder(app)
                .namespace("postgres-test")
                .schema("own")
                .migrate(true)
                .build()
                .close();
    }

    @Test
    void migrating_without_the_right_to_create_says_so() throws SQLException {
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(() -> PostgresRunLedger.builder(app)
                        .namespace("postgres-test")
                        .schema("elsewhere")
                        .migrate(true)
                        .build())
                .withMessageContaining("the ledger cannot be opened: no permission");
    }
}
