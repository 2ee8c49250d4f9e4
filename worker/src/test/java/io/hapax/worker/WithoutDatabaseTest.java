package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real workers for whom nobody has named a PostgreSQL. */
@Tag("slow")
class WithoutDatabaseTest {

    private static final Pattern RUN = Pattern.compile("TICK (\\S+) running");
    /** A line that belongs to the one before. */
    private static final Pattern OF_A_TRACE = Pattern.compile("^(\\s|Caused by: |\\w+(\\.[\\w$]+)+(:|$))");
    /** No method that is named after one. */
    private static final Pattern EXCEPTION = Pattern.compile("(?m)^(?!\\s+at ).*Exception");

    private static final Pattern LATE_ANSWER =
            Pattern.compile("(?i)timeout|timed out|no answer|canceling statement|JedisConnectionException");

    @Test
    void two_workers_with_jobs_in_memory_run_each_occurrence_once_and_say_what_they_lack(@TempDir Path folder) {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                Replica one = replica("one", folder, redis.url());
                Replica two = replica("two", folder, redis.url())) {
            await().atMost(Duration.ofMinutes(3)).until(() -> one.isUp() && two.isUp());
            await().atMost(Duration.ofMinutes(3))
                    .until(() -> ticks(one, two).distinct().count() >= 6 && refusals(one, two) >= 4);
            List<String> ticks = ticks(one, two).toList();
            assertThat(ticks).doesNotHaveDuplicates();
            for (Replica each : List.of(one, two)) {
                assertThat(each.log())
                        .containsOnlyOnce(
                                "no PostgreSQL was named (--database or DATABASE_URL): Quartz and JobRunr keep their jobs"
                                        + " in memory, and there is no ledger");
                assertThat(exceptions(each)).isEmpty();
            }
        }
    }

    /**
     * As where a database is set for other tests: an empty variable names nothing. With the log of the packaged jar, in which
     * DEBUG can be asked for.
     */
    private static Replica replica(String name, Path folder, String redis) {
        return Replica.start(
                name,
                folder,
                List.of(
                        "--redis",
                        redis,
                        "--namespace",
                        "in-memory",
                        "--first-start",
                        WallClock.now().toString()),
                Map.of(
                        "DATABASE_URL",
                        "",
                        "HAPAX_LOG",
                        "DEBUG",
                        "JAVA_TOOL_OPTIONS",
                        "-Dlogback.configurationFile=logback.xml"));
    }

    /** What the log has of exceptions, with their traces; those of late answers aside, as on a machine that stands still for a moment. */
    static List<String> exceptions(Replica replica) {
        List<String> entries = new ArrayList<>();
        replica.log().lines().forEach(line -> {
            if (!entries.isEmpty() && OF_A_TRACE.matcher(line).find()) {
                entries.set(entries.size() - 1, entries.get(entries.size() - 1) + "\n" + line);
            } else {
                entries.add(line);
            }
        });
        return entries.stream()
                .filter(entry -> EXCEPTION.matcher(entry).find())
                .filter(entry -> !LATE_ANSWER.matcher(entry).find())
                .toList();
    }

    private static Stream<String> ticks(Replica... replicas) {
        return Stream.of(replicas)
                .flatMap(each -> RUN.matcher(each.log()).results().map(found -> found.group(1)));
    }

    /** Firings that the other one has run: each keeps the whole schedule itself. */
    private static long refusals(Replica... replicas) {
        return Stream.of(replicas)
                .flatMap(each -> each.log().lines())
                .filter(line -> line.contains("not run job=sample.tick "))
                .count();
    }
}
