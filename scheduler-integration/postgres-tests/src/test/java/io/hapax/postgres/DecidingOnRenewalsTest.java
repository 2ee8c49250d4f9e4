package io.hapax.postgres;

import static io.hapax.postgres.Attempts.claimed;
import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshRun;
import static io.hapax.postgres.Attempts.get;
import static io.hapax.postgres.Attempts.number;
import static io.hapax.postgres.Attempts.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Completion;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.OwnThread;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A claim is renewed at the very moment at which the clean-up looks at it. A view in place of the table of renewals holds
 * the clean-up's statement up, after it has taken its snapshot.
 */
class DecidingOnRenewalsTest {

    private static final int HELD_UP = 170_017;

    private DataSource database;
    private HikariDataSource pool;
    private PostgresRunLedger ledger;

    @BeforeEach
    void open() {
        String name = "deciding_" + System.nanoTime();
        var address = EmbeddedDatabase.shared().createDatabase(name);
        database = address.dataSource();
        pool = Attempts.pool(address, 6, Duration.ofSeconds(5));
        ledger = PostgresRunLedger.builder(pool)
                .namespace("postgres-test")
                .migrate(true)
                .cleanUpEvery(Duration.ZERO)
                .answerTimeout(Duration.ofSeconds(20))
                .build();
    }

    @AfterEach
    void close() {
        ledger.close();
        pool.close();
    }

    /** Statements that have a text in them wait where they look at renewals. */
    private void holdUp(String text) throws SQLException {
        execute(database, "ALTER TABLE hapax_renewal RENAME TO renewal_table");
        execute(database, String.format(Locale.ROOT, """
            CREATE FUNCTION looked_at() RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
            BEGIN
              IF strpos(current_query(), '%s') > 0 THEN PERFORM pg_advisory_xact_lock_shared(%d); END IF;
              RETURN true;
            END $$
            """, text.replace("'", "''"), HELD_UP));
        execute(database, "CREATE VIEW hapax_renewal AS SELECT * FROM renewal_table WHERE looked_at()");
    }

    /** Renewed once, and past its deadline since. */
    private Lease expired(JobIdentity identity, AfterCrash afterCrash) throws SQLException {
        Lease lease = claimed(ledger, request(identity, Attempts.LONG, afterCrash));
        get(ledger.begin(lease));
        assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        execute(
                database,
                "UPDATE hapax_run SET started_at = now() - interval '1 h 1 s', forget_at = now() -"
                        + " interval '1 s', deadline = now() - interval '1 h'");
        execute(
                database,
                "UPDATE hapax_renewal SET renewed_at = now() - interval '31 min',"
                        + " deadline = now() - interval '30 min'");
        return lease;
    }

    /** Renews while a clean-up is deciding; then lets that go on. */
    private void renewedMeanwhile(Lease lease) throws Exception {
        CompletableFuture<Integer> cleaning;
        try (Connection holding = database.getConnection()) {
            holding.setAutoCommit(false);
            execute(holding, "SELECT pg_advisory_xact_lock(" + HELD_UP + ")");
            cleaning = OwnThread.supply(() -> {
                try {
                    return ledger.cleanUp();
                } catch (SQLException e) {
                    throw new AssertionError(e);
                }
            });
            Awaitility.await()
                    .until(() -> number(
                                    database,
                                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
                                            + " AND objid = " + HELD_UP)
                            > 0);
            assertThat(get(ledger.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
            holding.commit();
        }
        assertThat(cleaning.get(1, TimeUnit.MINUTES)).isZero();
    }

    @Test
    void it_is_not_abandoned() throws Exception {
        JobIdentity identity = freshRun();
        Lease lease = expired(identity, AfterCrash.ABANDON);
        holdUp("'ABANDON'");
        renewedMeanwhile(lease);
        assertThat(get(ledger.complete(lease))).isEqualTo(Completion.NOTED);
    }

    @Test
    void it_is_not_forgotten() throws Exception {
        JobIdentity identity = freshRun();
        Lease lease = expired(identity, AfterCrash.RERUN);
        holdUp("forget_at <");
        renewedMeanwhile(lease);
        assertThat(get(ledger.complete(lease))).isEqualTo(Completion.NOTED);
    }
}
