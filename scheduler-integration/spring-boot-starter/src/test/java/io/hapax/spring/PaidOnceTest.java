package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.postgres.PostgresRunLedger;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Applications that know nothing but {@code @Guarded} and {@code @Transactional} make payments, a quarter of which is delivered to
 * both of them, are killed, and roll back. What happened is read from the table that they have written to.
 */
@Tag("slow")
class PaidOnceTest {

    private static final Logger LOG = LoggerFactory.getLogger(PaidOnceTest.class);
    /** In CI a part of the ten thousand that {@code -Dhapax.test.payments=10000} makes. */
    private static final int PAYMENTS = Integer.getInteger("hapax.test.payments", 3000);

    private static final int PROCESSES = 2;
    private static final int KILLS = 3;

    @TempDir
    private Path logs;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final DatabaseAddress database = EmbeddedDatabase.shared()
            .createDatabase("paid_once_" + UUID.randomUUID().toString().replace('-', '_'));
    private final DataSource source = database.dataSource();
    private final JdbcTemplate jdbc = new JdbcTemplate(source);
    private final List<Process> processes = new ArrayList<>();
    private int started;

    @AfterEach
    void stop() {
        processes.forEach(Process::destroyForcibly);
        redis.close();
    }

    @Test
    void payments_are_booked_once_each_whatever_is_killed_and_rolled_back() throws Exception {
        long seed = Long.getLong("hapax.test.seed", 20261128L);
        LOG.info("seed {}", seed);
        Random random = new Random(seed);
        jdbc.execute("CREATE TABLE payment (id int NOT NULL)");
        jdbc.execute("CREATE INDEX payment_id ON payment (id)");
        PostgresRunLedger.builder(source)
                .namespace("paid-once")
                .migrate(true)
                .build()
                .close();
        for (int n = 0; n < PROCESSES; n++) {
            processes.add(start(n, random.nextLong()));
        }
        for (int kill = 1; kill <= KILLS; kill++) {
            int reached = PAYMENTS * kill / (KILLS + 1);
            await().atMost(Duration.ofMinutes(4)).until(() -> booked() >= reached);
            int victim = random.nextInt(PROCESSES);
            processes.get(victim).destroyForcibly().waitFor();
            processes.set(victim, start(victim, random.nextLong()));
            LOG.info("process {} was killed when {} payments were booked", victim, reached);
        }
        for (Process each : processes) {
            assertThat(each.waitFor(4, TimeUnit.MINUTES)).isTrue();
            assertThat(each.exitValue()).as(logs()).isZero();
        }
        assertThat(booked()).isEqualTo(PAYMENTS);
        assertThat(count("SELECT count(DISTINCT id) FROM payment")).isEqualTo(PAYMENTS);
        assertThat(count("SELECT count(*) FROM hapax_run WHERE state = 'DONE'")).isEqualTo(PAYMENTS);
        long again = count("SELECT count(*) FROM hapax_run WHERE attempt > 1");
        LOG.info("{} of {} payments were tried more than once", again, PAYMENTS);
        assertThat(again).isGreaterThan(PAYMENTS / 50);
    }

    private long booked() {
        return count("SELECT count(*) FROM payment");
    }

    private long count(String query) {
        Long count = jdbc.queryForObject(query, Long.class);
        return count == null ? 0 : count;
    }

    private Process start(int number, long seed) throws IOException {
        int own = PAYMENTS * 3 / 8;
        Path log = logs.resolve("process-" + ++started + ".log");
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx160m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:-UsePerfData",
                        "-cp",
                        System.getProperty("java.class.path"),
                        PayingProcess.class.getName(),
                        redis.url(),
                        database.jdbcUrl() + "?user=" + database.user() + "&password=" + database.password(),
                        Integer.toString(number * own),
                        Integer.toString(PAYMENTS - (1 - number) * own),
                        Long.toString(seed))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    private String logs() {
        StringBuilder all = new StringBuilder();
        for (int n = 1; n <= started; n++) {
            try {
                List<String> lines = Files.readAllLines(logs.resolve("process-" + n + ".log"));
                all.append('\n').append(String.join("\n", lines.subList(Math.max(0, lines.size() - 15), lines.size())));
            } catch (IOException unread) {
                all.append('\n').append(unread);
            }
        }
        return all.toString();
    }
}
