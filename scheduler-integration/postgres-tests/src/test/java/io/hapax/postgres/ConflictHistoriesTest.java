package io.hapax.postgres;

import static io.hapax.postgres.Attempts.freshName;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.JobGuard;
import io.hapax.lease.Lease;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.test.ForwardingRunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Random histories of transactions that conflict, with runs that are taken over, on PostgreSQL; and the hole that they must find.
 * {@code -Dhapax.test.seed=} begins with another seed.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConflictHistoriesTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int HISTORIES = 12;
    private static final int SEEDS_FOR_A_HOLE = 1_000;

    private final ManualTicker clock = new ManualTicker();
    private HikariDataSource pool;
    private PostgresRunLedger ledger;

    @BeforeAll
    void open() throws SQLException {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase(freshName("conflicts").toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "_"));
        pool = Attempts.pool(database, 8, Duration.ofSeconds(5));
        ledger = PostgresRunLedger.builder(pool)
                .namespace("conflicts")
                // Nothing here is about time-outs.
                .answerTimeout(Duration.ofSeconds(30))
                .migrate(true)
                .build();
        ConflictHistory.createTables(pool);
    }

    @AfterAll
    void close() {
        ledger.close();
        pool.close();
    }

    /** Each SQLSTATE 40001 is taken for a takeover. */
    private static final class EachConflictIsATakeover extends ForwardingRunLedger {
        EachConflictIsATakeover(RunLedger ledger) {
            super(ledger);
        }

        @Override
        public Completion completeIn(Connection connection, Lease claim) throws SQLException {
            try {
                return super.completeIn(connection, claim);
            } catch (SQLException conflict) {
                if ("40001".equals(conflict.getSQLState())) {
                    return Completion.SUPERSEDED;
                }
                throw conflict;
            }
        }
    }

    private JobGuard guard(RunLedger runs) {
        return JobGuard.builder(new InMemoryLeaseStore(clock))
                .ledger(runs)
                .ticker(clock)
                .defaults(options -> options.withTtl(Duration.ofMinutes(10)))
                .withoutLogging()
                .build();
    }

    @Test
    void a_conflict_is_no_takeover_and_a_takeover_is_one() throws Exception {
        int conflicts = 0;
        try (JobGuard guard = guard(ledger)) {
            for (long seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
                try (ConflictHistory history = new ConflictHistory(seed, pool, ledger, guard)) {
                    assertThat(history.play()).isEmpty();
                    conflicts += history.conflicts();
                }
            }
        }
        assertThat(conflicts).isGreaterThan(HISTORIES / 4);
    }

    @Test
    void a_ledger_that_takes_each_conflict_for_a_takeover_is_found() throws Exception {
        List<String> found = List.of();
        RunLedger hasty = new EachConflictIsATakeover(ledger);
        try (JobGuard guard = guard(hasty)) {
            for (long seed = FIRST_SEED; found.isEmpty() && seed < FIRST_SEED + SEEDS_FOR_A_HOLE; seed++) {
                // Other keys than the histories above have.
                try (ConflictHistory history = new ConflictHistory(-seed, pool, hasty, guard)) {
                    found = history.play();
                }
            }
        }
        assertThat(found).isNotEmpty();
    }
}
