package io.hapax.postgres;

import static io.hapax.postgres.Attempts.freshName;
import static io.hapax.postgres.Attempts.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunState;
import io.hapax.testkit.EmbeddedDatabase;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Random histories of everything that a ledger does, in sessions that are somebody else's after each transaction: nothing is left in
 * one. {@code -Dhapax.test.seed=} begins with another seed.
 */
@Tag("slow")
class SharedSessionsTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int HISTORIES = 4;
    private static final int SEEDS_FOR_A_HOLE = 1_000;
    private static final int STEPS = 12;

    /** What a ledger might set where it has a connection. */
    private enum Mutant {
        NONE(""),
        ISOLATION("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"),
        TIMEOUT("SET lock_timeout = 1000"),
        LOCK("SELECT pg_advisory_lock(4711)"),
        STATEMENT("PREPARE kept AS SELECT 1");

        private final String sql;

        Mutant(String sql) {
            this.sql = sql;
        }

        DataSource on(DataSource sessions, Random random) {
            return (DataSource) Proxy.newProxyInstance(
                    DataSource.class.getClassLoader(),
                    new Class<?>[] {DataSource.class},
                    (proxy, method, arguments) -> {
                        try {
                            Object result = method.invoke(sessions, arguments);
                            if (result instanceof Connection connection && this != NONE && random.nextInt(4) == 0) {
                                Attempts.execute(connection, sql);
                            }
                            return result;
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }
    }

    @BeforeAll
    static void migrate() {
        PostgresRunLedger.builder(database())
                .namespace("sessions")
                .migrate(true)
                .build()
                .close();
    }

    @AfterAll
    static void forget() throws SQLException {
        Attempts.execute(database(), "DELETE FROM hapax_run WHERE namespace LIKE 'sessions%'");
    }

    private static DataSource database() {
        PGSimpleDataSource source = new PGSimpleDataSource();
        EmbeddedDatabase shared = EmbeddedDatabase.shared();
        source.setUrl(shared.jdbcUrl());
        source.setUser(shared.user());
        source.setPassword(shared.password());
        // As it has to be behind such a pooler.
        source.setPrepareThreshold(0);
        return source;
    }

    /** What one history left in sessions. */
    private static List<String> left(long seed, Mutant mutant) throws SQLException {
        // The first numbers of a Random with a small seed are all alike.
        Random random = new Random(new SplittableRandom(seed).nextLong());
        try (SharedSessions sessions = new SharedSessions(database())) {
            try (PostgresRunLedger ledger = PostgresRunLedger.builder(mutant.on(sessions.source(), random))
                    .namespace(freshName("sessions"))
                    // Nothing here is about time-outs.
                    .answerTimeout(Duration.ofSeconds(20))
                    .build()) {
                List<Lease> claims = new ArrayList<>();
                for (int n = 0; n < STEPS && sessions.left().isEmpty(); n++) {
                    act(ledger, claims, random, sessions.source());
                }
            } catch (RuntimeException failure) {
                // What was left in a session may be in the way of whoever has it next.
                if (sessions.left().isEmpty()) {
                    throw failure;
                }
            }
            return List.copyOf(sessions.left());
        }
    }

    private static void act(PostgresRunLedger ledger, List<Lease> claims, Random random, DataSource application)
            throws SQLException {
        if (claims.isEmpty() || random.nextInt(3) == 0) {
            JobIdentity identity = random.nextBoolean() ? Attempts.freshPair() : Attempts.freshRun();
            AfterCrash afterCrash = random.nextBoolean() ? AfterCrash.ABANDON : AfterCrash.RERUN;
            Claim answer = get(ledger.claim(Attempts.request(identity, Attempts.LONG, afterCrash)));
            if (answer instanceof Claim.Claimed mine) {
                claims.add(mine.lease());
            }
            return;
        }
        Lease claim = claims.get(random.nextInt(claims.size()));
        switch (random.nextInt(10)) {
            case 0 -> get(ledger.begin(claim));
            case 1 -> get(ledger.renew(List.copyOf(claims)));
            case 2 -> get(ledger.complete(claim));
            case 3 -> get(ledger.release(claim, RunState.ABANDONED));
            case 4 -> get(ledger.entry(claim.identity()));
            case 5 -> get(ledger.entries(LedgerQuery.in(10, RunState.values())));
            case 6 ->
                get(ledger.resolve(
                        claim.identity(), claim.token(), RunState.DONE, new Intervention("ann", "it was sent")));
            case 7 -> get(ledger.audit(10));
            case 8 -> ledger.cleanUp();
            default -> completeIn(ledger, claim, application);
        }
    }

    private static void completeIn(PostgresRunLedger ledger, Lease claim, DataSource application) throws SQLException {
        try (Connection job = application.getConnection()) {
            job.setAutoCommit(false);
            if (ledger.completeIn(job, claim) == Completion.NOTED) {
                job.commit();
            }
        }
    }

    @Test
    void nothing_is_left_in_a_session_whatever_a_ledger_does() throws SQLException {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
            assertThat(left(seed, Mutant.NONE)).as("seed %d", seed).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void each_hole_is_found(Mutant hole) throws SQLException {
        List<String> found = List.of();
        for (long seed = FIRST_SEED; found.isEmpty() && seed < FIRST_SEED + SEEDS_FOR_A_HOLE; seed++) {
            found = left(seed, hole);
        }
        assertThat(found).isNotEmpty();
    }
}
