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

import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunState;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Under a role that has exactly the rights that the package documentation lists, and creates nothing. */
class RightsTest {

    private static final String ROLE = "hapax_rights_test";

    private DataSource owner;
    private DataSource app;

    @BeforeEach
    void create() throws SQLException {
        DatabaseAddress address = EmbeddedDatabase.shared().createDatabase("rights_" + System.nanoTime());
        owner = address.dataSource();
        PostgresRunLedger.builder(owner).migrate(true).build().close();
        execute(owner, "CREATE ROLE " + ROLE + " LOGIN PASSWORD 'secret'");
        execute(owner, "GRANT USAGE ON SCHEMA public TO " + ROLE);
        execute(owner, "GRANT SELECT, INSERT, UPDATE, DELETE ON hapax_run, hapax_renewal TO " + ROLE);
        execute(owner, "GRANT SELECT, INSERT ON hapax_settings, hapax_audit TO " + ROLE);
        execute(owner, "GRANT SELECT ON hapax_schema TO " + ROLE);
        execute(owner, "GRANT USAGE ON SEQUENCE hapax_fence TO " + ROLE);
        app = new DatabaseAddress(address.host(), address.port(), address.database(), ROLE, "secret").dataSource();
    }

    @AfterEach
    void drop() throws SQLException {
        execute(owner, "DROP OWNED BY " + ROLE);
        execute(owner, "DROP ROLE " + ROLE);
    }

    @Test
    void the_documented_rights_are_enough_for_everything() throws SQLException {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(app).build()) {
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
    void a_role_for_completions_only_needs_to_see_and_change_runs() throws SQLException {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(app).build()) {
            Lease lease = claimed(ledger, freshPair());
            execute(owner, "REVOKE INSERT, DELETE ON hapax_run FROM " + ROLE);
            execute(owner, "REVOKE ALL ON hapax_renewal, hapax_settings, hapax_schema FROM " + ROLE);
            try (Connection connection = app.getConnection()) {
                connection.setAutoCommit(false);
                assertThat(ledger.completeIn(connection, lease)).isEqualTo(Completion.NOTED);
                connection.commit();
            }
        }
    }

    @Test
    void a_missing_right_is_named_and_where_the_rights_are_listed() throws SQLException {
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(app).build()) {
            execute(owner, "REVOKE USAGE ON SEQUENCE hapax_fence FROM " + ROLE);
            assertThat(failure(ledger.claim(request(freshPair()))))
                    .hasMessageContaining("no permission (ERROR: permission denied for sequence hapax_fence)")
                    .hasMessageContaining("package documentation of io.hapax.postgres");
        }
    }

    @Test
    void without_the_right_to_delete_the_clean_up_says_so_and_runs_go_on() throws SQLException {
        execute(owner, "REVOKE DELETE ON hapax_run, hapax_renewal FROM " + ROLE);
        try (PostgresRunLedger ledger = PostgresRunLedger.builder(app).build()) {
            assertThatExceptionOfType(SQLException.class)
                    .isThrownBy(ledger::cleanUp)
                    .withMessageContaining("permission denied");
            assertThat(get(ledger.complete(claimed(ledger, freshPair())))).isEqualTo(Completion.NOTED);
        }
    }

    @Test
    void migrating_needs_no_right_to_create_once_the_tables_are_there() {
        PostgresRunLedger.builder(app).migrate(true).build().close();
        PostgresRunLedger.builder(app).schema("public").migrate(true).build().close();
    }

    @Test
    void migrating_needs_no_right_to_create_schemas_if_the_schema_is_there() throws SQLException {
        execute(owner, "CREATE SCHEMA own AUTHORIZATION " + ROLE);
        PostgresRunLedger.builder(app).schema("own").migrate(true).build().close();
    }

    @Test
    void migrating_without_the_right_to_create_says_so() throws SQLException {
        assertThatExceptionOfType(LedgerException.class)
                .isThrownBy(() -> PostgresRunLedger.builder(app)
                        .schema("elsewhere")
                        .migrate(true)
                        .build())
                .withMessageContaining("the ledger cannot be opened: no permission");
    }
}
