package io.hapax.postgres;

import static io.hapax.postgres.Attempts.execute;
import static io.hapax.postgres.Attempts.freshName;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.WhenUnavailable;
import io.hapax.event.RunOutcome;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.FaultyRunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * One order of fencing tokens, whichever level grants them: random histories of runs with and without the ledger, of its
 * outages, its late roll-out, forgotten occurrences and clocks that are set. Each run shows its token to storage of the
 * application, in the order in which the runs are admitted; none is refused. {@code -Dhapax.test.seed=…} repeats them.
 */
@Tag("slow")
class TokenOrderTest {

    private static final String SEED = "hapax.test.seed";
    private static final int HISTORIES = 25;
    private static final int STEPS = 40;
    /** That of the in-memory store when it starts. */
    private static final Instant EPOCH = Instant.parse("2026-01-01T00:00:00Z");

    private static HikariDataSource database;

    private enum Step {
        /** A worker without the ledger: one that has not been rolled out yet, or is of another application. */
        RUN_WITHOUT_LEDGER,
        RUN,
        /** It fails open. */
        RUN_WHILE_LEDGER_IS_AWAY,
        /** The claim is its lease. */
        RUN_WHILE_STORE_IS_AWAY,
        SET_CLOCK_OF_STORE,
        SET_CLOCK_OF_LEDGER,
        FORGET
    }

    /** What may happen together without two clocks that agree. */
    private enum World {
        /** Every run brings a lease: clocks do not matter. */
        EVERY_RUN_HAS_A_LEASE(
                false,
                Step.RUN_WITHOUT_LEDGER,
                Step.RUN,
                Step.RUN,
                Step.RUN_WHILE_LEDGER_IS_AWAY,
                Step.SET_CLOCK_OF_STORE,
                Step.SET_CLOCK_OF_LEDGER,
                Step.FORGET),
        /** Every run has a claim: clocks do not matter. */
        EVERY_RUN_HAS_A_CLAIM(
                false,
                Step.RUN,
                Step.RUN,
                Step.RUN_WHILE_STORE_IS_AWAY,
                Step.SET_CLOCK_OF_STORE,
                Step.SET_CLOCK_OF_LEDGER,
                Step.FORGET),
        /** Some have no lease, some no claim: both clocks agree. */
        CLOCKS_AGREE(
                true,
                Step.RUN_WITHOUT_LEDGER,
                Step.RUN,
                Step.RUN_WHILE_LEDGER_IS_AWAY,
                Step.RUN_WHILE_STORE_IS_AWAY,
                Step.SET_CLOCK_OF_STORE);

        private final boolean together;
        private final List<Step> steps;

        World(boolean together, Step... steps) {
            this.together = together;
            this.steps = List.of(steps);
        }
    }

    @BeforeAll
    static void open() throws SQLException {
        DatabaseAddress address = EmbeddedDatabase.shared().createDatabase("tokens_" + System.nanoTime());
        try (HikariDataSource plain = Attempts.pool(address, 1, Duration.ofSeconds(5))) {
            execute(plain, "CREATE SCHEMA moved");
            execute(plain, "CREATE TABLE moved.clock (at timestamptz, ahead interval)");
            execute(plain, "INSERT INTO moved.clock VALUES (NULL, '0')");
            execute(plain, """
                CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
                'SELECT coalesce(at, pg_catalog.clock_timestamp()) + ahead FROM moved.clock'
                """);
        }
        HikariConfig config = new HikariConfig();
        config.setDataSource(address.dataSource());
        config.setMaximumPoolSize(6);
        // What is not named with its schema is found in the first of these.
        config.setConnectionInitSql("SET search_path TO public, moved, pg_catalog");
        database = new HikariDataSource(config);
        PostgresRunLedger.builder(database)
                .namespace("postgres-test")
                .migrate(true)
                .build()
                .close();
        execute(database, "CREATE TABLE account (id text PRIMARY KEY, fence bigint NOT NULL DEFAULT 0)");
    }

    @AfterAll
    static void close() {
        database.close();
    }

    @ParameterizedTest
    @EnumSource
    void tokens_in_the_order_of_their_grants_are_never_stale(World world) throws Exception {
        long seed = Long.getLong(SEED, new SplittableRandom().nextLong());
        SplittableRandom random = new SplittableRandom(seed);
        for (int n = 1; n <= HISTORIES; n++) {
            List<String> happened = new ArrayList<>();
            try (History history = new History(world, random.split(), happened)) {
                history.happen();
            } catch (Exception | AssertionError e) {
                throw new AssertionError(
                        "history " + n + " fails after " + happened + ". Repeat it with -D" + SEED + "=" + seed, e);
            }
        }
    }

    /** Two workers of one store, one with a ledger. */
    private static final class History implements AutoCloseable {

        private final World world;
        private final SplittableRandom random;
        private final List<String> happened;
        private final String namespace = freshName("tokens");
        private final List<String> keys = List.of(freshName("a"), freshName("b"));
        private final ManualTicker clock = new ManualTicker();
        private final InMemoryLeaseStore memory = new InMemoryLeaseStore(clock);
        private final FaultyLeaseStore store = new FaultyLeaseStore(memory.otherClient());
        private final FaultyRunLedger ledger;
        private final PostgresRunLedger real;
        private final JobGuard without = JobGuard.builder(memory).ticker(clock).build();
        private final JobGuard with;
        private Duration elapsed = Duration.ZERO;
        private int runs;

        History(World world, SplittableRandom random, List<String> happened) throws SQLException {
            this.world = world;
            this.random = random;
            this.happened = happened;
            execute(database, "UPDATE moved.clock SET at = NULL, ahead = '0'");
            this.real = PostgresRunLedger.builder(database)
                    .namespace(namespace)
                    .cleanUpEvery(Duration.ZERO)
                    .answerTimeout(Duration.ofSeconds(5))
                    .build();
            this.ledger = new FaultyRunLedger(real);
            this.with = JobGuard.builder(store).ledger(ledger).ticker(clock).build();
            for (String key : keys) {
                execute(database, "INSERT INTO account (id) VALUES ('" + key + "')");
            }
        }

        void happen() throws Exception {
            for (int n = 0; n < STEPS; n++) {
                passTime(Duration.ofMillis(1 + random.nextInt(50)));
                Step step = world.steps.get(random.nextInt(world.steps.size()));
                happened.add(step.name());
                happen(step);
            }
        }

        private void happen(Step step) throws Exception {
            switch (step) {
                case RUN_WITHOUT_LEDGER -> run(without);
                case RUN -> run(with);
                case RUN_WHILE_LEDGER_IS_AWAY -> {
                    ledger.down();
                    run(with);
                    ledger.healthy();
                }
                case RUN_WHILE_STORE_IS_AWAY -> {
                    store.failEverything();
                    run(with);
                    store.healthy();
                }
                case SET_CLOCK_OF_STORE -> passTime(Duration.ofMinutes(random.nextInt(300)));
                case SET_CLOCK_OF_LEDGER ->
                    execute(
                            database,
                            "UPDATE moved.clock SET ahead = make_interval(mins => " + random.nextInt(-300, 300) + ")");
                case FORGET -> {
                    execute(
                            database,
                            "UPDATE hapax_run SET forget_at = now() - interval '1 s' WHERE namespace = '" + namespace
                                    + "'");
                    real.cleanUp();
                }
            }
        }

        private void passTime(Duration time) throws SQLException {
            clock.advance(time);
            elapsed = elapsed.plus(time);
            if (world.together) {
                execute(database, "UPDATE moved.clock SET at = '" + EPOCH.plus(elapsed) + "'");
            }
        }

        private void run(JobGuard guard) throws Exception {
            String key = keys.get(random.nextInt(keys.size()));
            RunRequest request = (random.nextBoolean()
                            ? RunRequest.lock(key)
                            : RunRequest.lock(key).once(namespace + ++runs))
                    .tune(options -> options.withWhenUnavailable(WhenUnavailable.FAIL_OPEN));
            GuardedRun run = guard.admit(request).fold(admitted -> admitted, refusal -> {
                throw new AssertionError(refusal);
            });
            happened.add(key.charAt(0) + "=" + run.fencingToken());
            try (run;
                    GuardedRun.Scope scope = run.enter();
                    Connection connection = database.getConnection()) {
                FencedTable.of("account").raise(connection, key, run.fencingToken());
                assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
            }
        }

        @Override
        public void close() {
            ledger.healthy();
            store.healthy();
            with.close();
            without.close();
            real.close();
        }
    }
}
