package io.hapax.postgres;

import static io.hapax.postgres.Attempts.atOnce;
import static io.hapax.postgres.Attempts.brokenOff;
import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.freshPair;
import static io.hapax.postgres.Attempts.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.Ending;
import io.hapax.lease.Finding;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunState;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Behind a PgBouncer in transaction pooling, a session is anybody's after each transaction: nothing may be set in it. */
@Tag("slow")
class PgBouncerTest {

    private static final String UNNAMED_STATEMENTS = "?prepareThreshold=0";

    @TempDir
    private Path folder;

    private DatabaseAddress database;

    @BeforeAll
    static void requirePgBouncer() {
        boolean isThere = PgBouncer.isThere();
        assertThat(isThere || System.getenv("HAPAX_TOOLS_REQUIRED") == null)
                .as("pgbouncer is here, as HAPAX_TOOLS_REQUIRED demands")
                .isTrue();
        assumeTrue(isThere, PgBouncer.MISSING);
    }

    @BeforeEach
    void create() {
        database = EmbeddedDatabase.shared()
                .createDatabase(freshName("bouncer").toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "_"));
    }

    @Test
    void a_ledger_works_from_its_migration_to_the_decision_of_a_person() throws Exception {
        try (PgBouncer bouncer = PgBouncer.before(database, 2, folder);
                HikariDataSource pool = bouncer.pool(6, UNNAMED_STATEMENTS);
                PostgresRunLedger ledger = PostgresRunLedger.builder(pool)
                        .answerTimeout(Attempts.PATIENCE)
                        .namespace("postgres-test")
                        .migrate(true)
                        .build()) {
            List<Callable<Completion>> many = new ArrayList<>();
            for (int n = 0; n < 30; n++) {
                many.add(() -> {
                    Lease run = claimed(ledger, freshPair());
                    assertThat(get(ledger.renew(List.of(run)))).containsExactly(new Renewal.Renewed(false));
                    return get(ledger.complete(run));
                });
            }
            assertThat(atOnce(many)).containsOnly(Completion.NOTED);

            JobIdentity identity = freshPair();
            Lease broken = brokenOff(ledger, identity, AfterCrash.RERUN);
            Lease again = claimed(ledger, identity);
            assertThat(again.token()).isGreaterThan(broken.token());
            try (Connection job = pool.getConnection()) {
                job.setAutoCommit(false);
                assertThat(ledger.completeIn(job, again)).isEqualTo(Completion.NOTED);
                job.commit();
                job.setAutoCommit(true);
            }
            Lease left = brokenOff(ledger, freshPair(), AfterCrash.ABANDON);
            assertThat(ledger.cleanUp()).isZero();
            assertThat(get(ledger.entries(LedgerQuery.in(10, RunState.ABANDONED))))
                    .extracting(entry -> entry.identity())
                    .containsExactly(left.identity());
            assertThat(get(ledger.resolve(
                            left.identity(), left.token(), RunState.DONE, new Intervention("ann", "it was sent"))))
                    .isTrue();
            assertThat(get(ledger.audit(10))).hasSize(1);
        }
    }

    /** The application keeps to SERIALIZABLE by the default of its database; the ledger needs READ COMMITTED. */
    @Test
    void leases_are_kept_and_who_waits_asks_again_as_no_session_can_listen() throws Exception {
        try (PgBouncer bouncer = PgBouncer.before(database, 2, folder);
                HikariDataSource pool = bouncer.pool(6, UNNAMED_STATEMENTS);
                Logs logs = Logs.of("io.hapax.postgres");
                PostgresLeaseStore store = PostgresLeaseStore.builder(pool)
                        .namespace("postgres-test")
                        .migrate(true)
                        .answerTimeout(Duration.ofSeconds(15))
                        .build()) {
            List<Callable<Boolean>> many = new ArrayList<>();
            for (int n = 0; n < 30; n++) {
                many.add(() -> {
                    Lease lease = LeaseFixture.granted(store, freshPair());
                    assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
                    return get(store.release(lease, Ending.done(Attempts.LONG)));
                });
            }
            assertThat(atOnce(many)).containsOnly(true);

            JobIdentity identity = freshPair();
            LeaseFixture.granted(store, identity);
            LeaseFixture.held(store, LeaseFixture.waiting(identity));
            for (int n = 0; n < 2; n++) {
                get(store.nextChance(identity, Attempts.SHORT));
                await().atMost(Duration.ofSeconds(40))
                        .until(() -> !store.wakeUps().isListening());
            }
            assertThat(logs.lines())
                    .filteredOn(line -> line.contains("nobody can be woken"))
                    .singleElement()
                    .asString()
                    .contains("a pooler, as PgBouncer, is in between");
            assertThat(listening()).isZero();
            assertThat(PostgresLeaseStore.builder(pool)
                            .namespace("postgres-test")
                            .examine())
                    .filteredOn(finding -> finding.problem().contains("no session can listen"))
                    .singleElement()
                    .satisfies(finding -> assertThat(finding.severity()).isEqualTo(Finding.Severity.NOTE));
        }
    }

    private long listening() throws SQLException {
        return Attempts.number(
                database.dataSource(), "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
    }

    @Test
    void the_ledger_sets_nothing_in_a_session_that_it_shares_with_others() throws Exception {
        execute(
                database.dataSource(),
                "ALTER DATABASE " + database.database() + " SET default_transaction_isolation = 'serializable'");
        try (PgBouncer bouncer = PgBouncer.before(database, 1, folder);
                HikariDataSource application = bouncer.pool(1, UNNAMED_STATEMENTS);
                HikariDataSource pool = bouncer.pool(2, UNNAMED_STATEMENTS);
                PostgresRunLedger ledger = PostgresRunLedger.builder(pool)
                        .answerTimeout(Attempts.PATIENCE)
                        .namespace("postgres-test")
                        .migrate(true)
                        .build()) {
            AtomicBoolean over = new AtomicBoolean();
            List<Callable<Set<String>>> both = List.of(
                    () -> {
                        try {
                            for (int n = 0; n < 150; n++) {
                                Lease run = claimed(ledger, freshPair());
                                assertThat(get(ledger.complete(run))).isEqualTo(Completion.NOTED);
                            }
                            Lease broken = brokenOff(ledger, freshPair(), AfterCrash.RERUN);
                            assertThat(claimed(ledger, broken.identity()).token())
                                    .isGreaterThan(broken.token());
                        } finally {
                            over.set(true);
                        }
                        return Set.of();
                    },
                    () -> levelsUntil(over, application));
            assertThat(atOnce(both).get(1)).containsExactly("serializable");
        }
    }

    private static Set<String> levelsUntil(AtomicBoolean over, HikariDataSource application) throws SQLException {
        Set<String> seen = new TreeSet<>();
        try (Connection connection = application.getConnection();
                Statement statement = connection.createStatement()) {
            // Once at least: the other one may be over before this one has its connection.
            do {
                try (ResultSet row = statement.executeQuery("SHOW transaction_isolation")) {
                    row.next();
                    seen.add(row.getString(1));
                }
            } while (!over.get());
        }
        return seen;
    }

    /**
     * A driver that names statements in the session finds them gone, or another's under the same name; maybe when the ledger is
     * opened, since its two connections share the session.
     */
    @Test
    void a_driver_that_keeps_statements_in_the_session_is_told_how_not_to() throws Exception {
        try (PgBouncer bouncer = PgBouncer.before(database, 1, folder);
                HikariDataSource application = bouncer.pool(1, UNNAMED_STATEMENTS);
                HikariDataSource pool = bouncer.pool(1, "?prepareThreshold=1")) {
            assertThatThrownBy(() -> {
                        try (PostgresRunLedger ledger = PostgresRunLedger.builder(pool)
                                .answerTimeout(Attempts.PATIENCE)
                                .namespace("postgres-test")
                                .migrate(true)
                                .build()) {
                            Lease unused = claimed(ledger, freshPair());
                            // As if the pooler had given the driver another session.
                            execute(application, "DEALLOCATE ALL");
                            Lease never = claimed(ledger, freshPair());
                        }
                    })
                    .hasMessageContaining("prepareThreshold=0");
        }
    }

    /**
     * The driver names a statement after its fifth use, long after the start; then it finds it gone, or, worse, another's under
     * that name.
     */
    @Test
    void a_driver_with_its_own_settings_is_told_at_the_start() throws Exception {
        try (PgBouncer bouncer = PgBouncer.before(database, 2, folder);
                HikariDataSource pool = bouncer.pool(3, "")) {
            assertThatThrownBy(() -> PostgresRunLedger.builder(pool)
                            .answerTimeout(Attempts.PATIENCE)
                            .namespace("postgres-test")
                            .migrate(true)
                            .build()
                            .close())
                    .isInstanceOf(LedgerException.class)
                    .hasMessageContaining("prepareThreshold=0");
            assertThat(PostgresRunLedger.builder(pool)
                            .answerTimeout(Attempts.PATIENCE)
                            .namespace("postgres-test")
                            .examine(""))
                    .anyMatch(finding -> finding.remedy().contains("prepareThreshold=0"));
        }
    }

    @Test
    void nothing_is_left_in_a_session_by_the_tables_of_a_schema_renewals_or_a_look_at_the_ledger() throws Exception {
        try (PgBouncer bouncer = PgBouncer.before(database, 1, folder);
                HikariDataSource application = bouncer.pool(1, UNNAMED_STATEMENTS);
                HikariDataSource pool = bouncer.pool(3, UNNAMED_STATEMENTS)) {
            String before = settings(application);
            PostgresRunLedger.Builder builder = PostgresRunLedger.builder(pool)
                    .answerTimeout(Attempts.PATIENCE)
                    .namespace("postgres-test")
                    .schema("ledger")
                    .migrate(true);
            try (PostgresRunLedger ledger = builder.build()) {
                Lease run = claimed(ledger, freshPair());
                assertThat(get(ledger.renew(List.of(run)))).containsExactly(new Renewal.Renewed(false));
                ledger.agree("settings of a test");
                assertThat(get(ledger.complete(run))).isEqualTo(Completion.NOTED);
                assertThat(ledger.cleanUp()).isZero();
                assertThat(builder.examine("settings of a test"))
                        .noneMatch(finding -> finding.severity() == Finding.Severity.ERROR);
            }
            assertThat(settings(application)).isEqualTo(before);
            assertThat(Attempts.number(application, "SELECT count(*) FROM pg_prepared_statements"))
                    .isZero();
            assertThat(Attempts.number(
                            application,
                            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"))
                    .isZero();
        }
    }

    /** What a session has of its own, and what the next one who gets it would have. */
    private static String settings(HikariDataSource application) throws SQLException {
        try (Connection connection = application.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT string_agg(name || '=' || setting, ' ' ORDER BY name)"
                        + " FROM pg_settings WHERE source = 'session' OR name IN ('search_path',"
                        + " 'default_transaction_isolation', 'statement_timeout', 'lock_timeout')")) {
            row.next();
            return row.getString(1);
        }
    }
}
