package io.hapax.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The commands about leases and the doctor, where leases are kept in PostgreSQL: there is no Redis where they are told of one. */
@Tag("slow")
class LeasesInPostgresCommandsTest {

    private static final String NAMESPACE = "shop";
    private static final DatabaseAddress DATABASE =
            EmbeddedDatabase.shared().createDatabase("leases_of_commands_" + System.nanoTime());

    private static PostgresLeaseStore store;
    private static JobGuard guard;

    @BeforeAll
    static void open() {
        store = PostgresLeaseStore.builder(DATABASE.dataSource())
                .namespace(NAMESPACE)
                .migrate(true)
                .answerTimeout(Duration.ofSeconds(30))
                .build();
        guard = JobGuard.builder(store)
                .worker("4711@host-2")
                .defaults(options -> options.withTtl(Duration.ofMinutes(5)))
                .build();
    }

    @AfterAll
    static void close() {
        guard.close();
        store.close();
    }

    private static GuardedRun admit(RunRequest request) throws InterruptedException {
        return ((Admission.Admitted) guard.admit(request)).run();
    }

    private static Answered hapax(String... arguments) {
        List<String> words = new ArrayList<>(List.of(arguments));
        words.addAll(List.of("--leases", "postgres", "--redis", "redis://127.0.0.1:1", "--namespace", NAMESPACE));
        words.addAll(List.of("--database", DATABASE.jdbcUrl() + "?user=" + DATABASE.user() + "&password=s3cret"));
        Answered told = Answered.by(words.toArray(String[]::new));
        for (int n = 0; n < 5 && told.isOfSlowMachine(); n++) {
            told = Answered.by(words.toArray(String[]::new));
        }
        return told;
    }

    private static long rows(String table) throws SQLException {
        try (Connection connection = DATABASE.dataSource().getConnection();
                Statement sql = connection.createStatement();
                ResultSet row = sql.executeQuery("SELECT count(*) FROM " + table)) {
            row.next();
            return row.getLong(1);
        }
    }

    @Test
    void leases_are_listed_shown_and_taken_away() throws Exception {
        try (GuardedRun run = admit(RunRequest.lock("invoice/42").once("nightly@2026-11-26"));
                GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
            assertThat(hapax("locks", "list").out())
                    .containsPattern("invoice/42 +lock +4711@host-2 .* \\d{16} +no")
                    .contains("run nightly@2026-11-26");
            JsonNode lock =
                    hapax("locks", "show", "invoice/42", "--json").json().get("lock");
            String owner = lock.get("owner").asText();
            assertThat(owner).isEqualTo(run.lease().orElseThrow().owner().value());

            Answered asked = hapax("locks", "release", "invoice/42");
            assertThat(asked.code()).isZero();
            assertThat(asked.prose()).contains("Would take lock key invoice/42 away from 4711@host-2");
            assertThat(rows("hapax_lease_audit")).isZero();

            Answered done = hapax("locks", "release", "invoice/42", "--owner", owner, "--reason", "gone", "--yes");
            assertThat(done.prose()).contains("Took lock key invoice/42 away").contains("gone");
            assertThat(rows("hapax_lease_audit")).isOne();
            Answered gone = hapax("locks", "show", "invoice/42");
            assertThat(gone.code()).isEqualTo(ExitCodes.NOTHING);
            assertThat(gone.prose())
                    .contains("Nobody holds lock key invoice/42")
                    .contains("gone");
        }
    }

    @Test
    void the_only_namespace_there_is_used_and_named_and_keys_are_paused() {
        DatabaseAddress own = EmbeddedDatabase.shared().createDatabase("pauses_of_commands_" + System.nanoTime());
        PostgresLeaseStore.builder(own.dataSource())
                .namespace(NAMESPACE)
                .migrate(true)
                .answerTimeout(Duration.ofSeconds(30))
                .build()
                .close();
        String[] at = {"--leases", "postgres", "--database", own.jdbcUrl() + "?user=" + own.user() + "&password=s3cret"
        };
        Answered paused = Answered.by(new String[] {"pause", "report", "--reason", "wrong sums", "--by", "ann"}, at);
        assertThat(paused.err()).isEqualTo("hapax: namespace shop, the only one there\n");
        assertThat(paused.prose()).contains("Paused lock key report in namespace shop", "Nobody holds it.");
        assertThat(Answered.by(new String[] {"locks", "list", "--paused"}, at).out())
                .containsPattern("report +lock +ann .* resumed +wrong sums");
        assertThat(Answered.by(new String[] {"resume", "report"}, at).code()).isZero();
        assertThat(Answered.by(new String[] {"resume", "report"}, at).code()).isEqualTo(ExitCodes.NOTHING);
    }

    @Test
    void the_doctor_looks_at_leases_and_changes_nothing() throws SQLException {
        Answered told = hapax("doctor", "--no-ledger");
        assertThat(told.out()).doesNotContain("s3cret");
        // The server of the tests does not wait for a disk.
        assertThat(told.code()).as(told.out()).isEqualTo(ExitCodes.WARNINGS_FOUND);
        assertThat(told.prose())
                .contains("WARNING fsync or full_page_writes is off")
                .contains("checked: PostgreSQL at " + DATABASE.host() + ":" + DATABASE.port() + "/")
                .contains("(leases): version, tables, rights of its role, durability, replication, pooler, clock")
                .contains("namespace shop: 0 errors, 1 warning, 0 notes");
        long settings = rows("hapax_lease_settings");
        JsonNode another = hapax("doctor", "--json").json();
        assertThat(another.get("checked").findValuesAsText("detail")).containsExactly("leases", "the ledger");
        assertThat(another.get("findings").findValuesAsText("problem"))
                .filteredOn(problem -> problem.startsWith("fsync"))
                .hasSize(1);
        assertThat(another.toString()).contains("the tables of the ledger are missing");
        assertThat(rows("hapax_lease_settings")).isEqualTo(settings);
    }

    @Test
    void a_database_that_nobody_named_and_a_store_that_is_none_are_wrong_usage() {
        Answered unnamed = Answered.by("locks", "list", "--leases", "postgres");
        assertThat(unnamed.code()).isEqualTo(ExitCodes.WRONG_USAGE);
        assertThat(unnamed.err()).contains("name the PostgreSQL that has the leases", "--database");
        Answered unknown = Answered.by("doctor", "--leases", "mysql");
        assertThat(unknown.code()).isEqualTo(ExitCodes.WRONG_USAGE);
        assertThat(unknown.err()).contains("--leases must be redis or postgres, was 'mysql'");
    }
}
