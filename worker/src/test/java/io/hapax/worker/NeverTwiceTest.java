package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.hapax.testkit.EmbeddedRedis;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Four worker processes pay payments while processes are killed and frozen and Redis forgets everything. Each payment is
 * delivered to every process. What happened is read from the table that the payments were written to.
 */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
// Longer than the tests themselves give their payments, which takes minutes on a busy machine.
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class NeverTwiceTest {

    private static final Logger LOG = LoggerFactory.getLogger(NeverTwiceTest.class);
    private static final int WORKERS = 4;
    private static final int THREADS = 8;

    @TempDir
    private Path logs;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final String jdbcUrl = FleetTest.newDatabase();
    private final HikariDataSource database = DemoCommand.pool(jdbcUrl);
    private final List<Replica> fleet = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();
    private int started;

    @AfterEach
    void stop() {
        fleet.forEach(Replica::close);
        database.close();
        redis.close();
    }

    /** What became of the payments. */
    private record Tally(long payments, long effects, long twice, long lost, long doneRows, long otherTokens) {}

    @Test
    void ten_thousand_payments_take_effect_once_each_whatever_is_killed_frozen_or_forgotten() throws Exception {
        Tally tally = run("fenced", 10_000, 200, new Random(20261123));
        assertThat(tally).isEqualTo(new Tally(10_000, 10_000, 0, 0, 10_000, 0));
        assertThat(faults).hasSizeGreaterThan(20);
    }

    /** Shows that the faults bite and that the tally would see it. */
    @Test
    void without_the_ledger_the_same_faults_make_payments_twice() throws Exception {
        Tally tally = run("unfenced", 600, 650, new Random(20261123));
        assertThat(tally.twice()).isPositive();
        assertThat(tally.lost()).isZero();
    }

    private Tally run(String mode, int payments, int longestWork, Random random) throws Exception {
        execute("CREATE TABLE effect (payment int NOT NULL, token bigint NOT NULL, worker text NOT NULL)");
        for (int n = 0; n < WORKERS; n++) {
            start(mode, payments, longestWork);
        }
        // Eight JVMs may start at once, on two cores.
        await().atMost(Duration.ofMinutes(4)).until(this::notUp, List::isEmpty);
        fleet.forEach(worker -> worker.say("go"));
        long begun = System.nanoTime();
        // Without the ledger payments go on between the faults only.
        int pause = mode.equals("fenced") ? 350 : 500;
        while (fleet.stream().anyMatch(Replica::isAlive)) {
            fault(random, mode, payments, longestWork);
            Thread.sleep(pause + random.nextInt(3 * pause));
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .as("open after %s", faults)
                    .isLessThan(Duration.ofMinutes(15));
        }
        Tally tally = tally(mode.equals("fenced"), payments);
        LOG.info(
                "{}: {} s, {} faults {}, {}",
                mode,
                Duration.ofNanos(System.nanoTime() - begun).toSeconds(),
                faults.size(),
                faults,
                tally);
        return tally;
    }

    private List<String> notUp() {
        return fleet.stream()
                .filter(worker -> !worker.isUp())
                .map(Replica::name)
                .toList();
    }

    private void start(String mode, int payments, int longestWork) {
        String name = "w" + ++started;
        fleet.add(Replica.start(
                name,
                logs,
                PaymentWorker.class,
                List.of(
                        name,
                        redis.url(),
                        jdbcUrl,
                        mode,
                        Integer.toString(payments),
                        Integer.toString(longestWork),
                        Integer.toString(THREADS))));
    }

    /** One process may have finished when its turn comes; then the others go on undisturbed for a moment. */
    private void fault(Random random, String mode, int payments, int longestWork) throws InterruptedException {
        int victim = random.nextInt(WORKERS);
        Replica worker = fleet.get(victim);
        // Without the ledger few faults have to show it: what hurts most, in turns.
        int kind = mode.equals("fenced") ? random.nextInt(6) : faults.size() % 2 == 0 ? 1 : 4;
        switch (kind) {
            case 0 -> {
                if (worker.isAlive()) {
                    faults.add("kill " + worker.name());
                    worker.kill();
                    worker.awaitEnd(10);
                    start(mode, payments, longestWork);
                    fleet.set(victim, fleet.remove(fleet.size() - 1));
                    fleet.get(victim).say("go");
                }
            }
            case 1, 2, 3 -> {
                if (worker.isAlive()) {
                    pause(worker, 1_000 + random.nextInt(3_500));
                }
            }
            case 4 -> {
                faults.add("flush Redis");
                redis.command("FLUSHALL");
            }
            default -> {
                faults.add("restart Redis empty");
                redis.restartEmpty();
            }
        }
    }

    private void pause(Replica worker, long millis) throws InterruptedException {
        faults.add("freeze " + worker.name() + " " + millis + " ms");
        try {
            worker.freeze();
            Thread.sleep(millis);
            worker.thaw();
        } catch (IllegalStateException gone) {
            // It may have finished at this very moment.
            if (!worker.awaitEnd(5)) {
                throw gone;
            }
        }
    }

    private Tally tally(boolean fenced, int payments) throws SQLException {
        return new Tally(
                payments,
                number("SELECT count(*) FROM effect"),
                number("SELECT count(*) FROM (SELECT payment FROM effect GROUP BY payment HAVING count(*) > 1) twice"),
                number("SELECT count(*) FROM generate_series(0, " + (payments - 1) + ") p WHERE NOT EXISTS"
                        + " (SELECT 1 FROM effect WHERE payment = p)"),
                fenced ? number("SELECT count(*) FROM hapax_run WHERE state = 'DONE'") : payments,
                fenced
                        ? number("SELECT count(*) FROM hapax_run r LEFT JOIN effect e ON r.occurrence = 'payment/' ||"
                                + " e.payment AND r.fencing_token = e.token WHERE e.payment IS NULL")
                        : 0);
    }

    private long number(String query) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getLong(1);
        }
    }

    private void execute(String statement) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement sql = connection.createStatement()) {
            sql.execute(statement);
        }
    }
}
