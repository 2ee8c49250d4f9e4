package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Which servers are refused at the start, and which are warned of. */
@Isolated
class ProbeTest {

    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @BeforeEach
    void listen() {
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        ((Logger) LoggerFactory.getLogger("io.hapax.redis")).addAppender(lines);
    }

    @AfterEach
    void stop() {
        ((Logger) LoggerFactory.getLogger("io.hapax.redis")).detachAppender(lines);
    }

    /** Clients of tests before this one may write there, too. */
    private List<String> warningsOf(EmbeddedRedis redis) {
        return lines.list.stream()
                .filter(line -> line.getLevel().isGreaterOrEqual(Level.WARN))
                .map(ILoggingEvent::getFormattedMessage)
                .filter(line -> line.contains("127.0.0.1:" + redis.port()))
                .toList();
    }

    private static Probe probe(String... fieldsAndValues) {
        Map<String, String> info = new HashMap<>(Map.of(
                "redis_version",
                "7.2.4",
                "run_id",
                "ab12",
                "maxmemory",
                "0",
                "role",
                "master",
                "cluster_enabled",
                "0"));
        for (int i = 0; i < fieldsAndValues.length; i += 2) {
            info.put(fieldsAndValues[i], fieldsAndValues[i + 1]);
        }
        return new Probe(0, info, Duration.ZERO);
    }

    private static List<Finding> findings(Probe probe) {
        return probe.findings(new Probe.Expectation(
                "host:1", false, 0, new FirstStart(null, WallClock.REAL), Duration.ofSeconds(67)));
    }

    private static Finding only(Probe probe) {
        List<Finding> all = findings(probe);
        assertThat(all).hasSize(1);
        return all.get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"6.2.14", "5.0", "", "unknown"})
    void an_old_server_is_refused(String version) {
        Finding finding = only(probe("redis_version", version));
        assertThat(finding.severity()).isEqualTo(Severity.ERROR);
        assertThat(finding.toString()).contains("host:1", "'" + version + "'", "7.0 or newer", "Upgrade");
    }

    @Test
    void people_are_told_what_the_start_of_a_worker_tells_of_an_old_server() {
        Probe.Expectation expected =
                new Probe.Expectation("host:1", false, 0, new FirstStart(null, WallClock.REAL), Duration.ofSeconds(67));
        Probe old = probe("redis_version", "6.2.14");
        assertThat(old.unfitForPeople(expected)).isEqualTo(only(old));
        assertThat(probe().unfitForPeople(expected)).isNull();
        assertThat(probe("redis_version", "").unfitForPeople(expected)).isNull();
        assertThat(String.valueOf(probe("cluster_enabled", "1").unfitForPeople(expected)))
                .contains("cannot tell what the Cluster's workers hold");
    }

    @ParameterizedTest
    @ValueSource(strings = {"7.0.15", "7.2.4", "8.2", "10.0.0"})
    void a_recent_server_is_accepted(String version) {
        assertThat(findings(probe("redis_version", version))).isEmpty();
    }

    @Test
    void a_server_that_hides_its_run_id_is_refused() {
        Finding finding = only(probe("run_id", ""));
        assertThat(finding.severity()).isEqualTo(Severity.ERROR);
        assertThat(finding.toString()).contains("host:1", "run_id");
    }

    @Test
    void a_clock_that_is_far_away_is_warned_of_in_either_direction() {
        for (long seconds : new long[] {-1, 1}) {
            Finding finding = only(new Probe(0, probe().info(), Duration.ofSeconds(seconds)));
            assertThat(finding.severity()).isEqualTo(Severity.WARNING);
            assertThat(finding.toString()).contains("1000 ms " + (seconds < 0 ? "behind" : "ahead of"), "NTP");
        }
        assertThat(findings(new Probe(0, probe().info(), Duration.ofMillis(400))))
                .isEmpty();
    }

    /** A master whose backlog is freed has its first identity again: see {@code server.lua}. */
    @Test
    void a_master_that_forgets_its_promotion_while_leases_may_live_is_warned_of() {
        String[] fine = {"connected_slaves", "1", "min_slaves_good_slaves", "1"};
        assertThat(findings(probe(fine))).isEmpty();
        for (String seconds : List.of("0", "67", "3600")) {
            assertThat(findings(probe(fine).with(Map.of("repl-backlog-ttl", seconds))))
                    .isEmpty();
        }
        Finding finding = only(probe(fine).with(Map.of("repl-backlog-ttl", "66")));
        assertThat(finding.severity()).isEqualTo(Severity.WARNING);
        assertThat(finding.toString()).contains("host:1", "66 s", "promoted", "at least 67 s", "repl-backlog-ttl 3600");
    }

    @Test
    void the_time_of_a_slow_call_is_not_taken_for_a_wrong_clock() {
        List<Object> answer = new ArrayList<>(List.of("5000000000"));
        Probe.FIELDS.forEach(field -> answer.add(""));
        assertThat(Probe.of(0, answer, 4_000_000, 6_000_000).clockAhead()).isZero();
        assertThat(Probe.of(0, answer, 4_000_000, 4_001_000).clockAhead()).isEqualTo(Duration.ofMillis(999_000));
        assertThat(Probe.of(0, answer, 5_002_000, 5_003_000).clockAhead()).isEqualTo(Duration.ofMillis(-2000));
    }

    @Test
    void a_server_that_may_evict_leases_is_warned_of_at_the_start() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")) {
            RedissonLeaseStore.builder()
                    .namespace("redis-test")
                    .url(redis.url())
                    .answerTimeout(Fixture.PATIENCE)
                    .firstStart(WallClock.now())
                    .build()
                    .close();
            assertThat(warningsOf(redis))
                    .singleElement()
                    .satisfies(line -> assertThat(line).contains("allkeys-lru", "must be noeviction"));
        }
    }

    @Test
    void a_bounded_server_that_never_evicts_is_fine() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--maxmemory", "100mb")) {
            for (String url : List.of(redis.url(), redis.url() + "/3")) {
                RedissonLeaseStore.builder()
                        .namespace("redis-test")
                        .url(url)
                        .answerTimeout(Fixture.PATIENCE)
                        .firstStart(WallClock.now())
                        .build()
                        .close();
            }
            assertThat(warningsOf(redis)).isEmpty();
        }
    }
}
