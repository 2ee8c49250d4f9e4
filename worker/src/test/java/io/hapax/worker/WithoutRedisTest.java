package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real workers that keep their leases in PostgreSQL; what they are told of Redis leads nowhere. */
@Tag("slow")
class WithoutRedisTest {

    private static final Pattern RUN = Pattern.compile("TICK (\\S+) running");

    @Test
    void two_workers_with_leases_in_postgres_run_each_occurrence_once(@TempDir Path folder) {
        DatabaseAddress database = EmbeddedDatabase.shared().createDatabase("without_redis_" + System.nanoTime());
        try (Replica one = replica("one", folder, database);
                Replica two = replica("two", folder, database)) {
            await().atMost(Duration.ofMinutes(3)).until(() -> one.isUp() && two.isUp());
            await().atMost(Duration.ofMinutes(3))
                    .until(() -> ticks(one, two).distinct().count() >= 4);
            assertThat(ticks(one, two).toList()).doesNotHaveDuplicates();
            for (Replica each : List.of(one, two)) {
                assertThat(WithoutDatabaseTest.exceptions(each)).isEmpty();
            }
        }
    }

    /** Without a ledger, so that it is the lease that keeps a second run away. */
    private static Replica replica(String name, Path folder, DatabaseAddress database) {
        return Replica.start(
                name,
                folder,
                List.of(
                        "--leases",
                        "postgres",
                        "--redis",
                        "redis://127.0.0.1:1",
                        "--namespace",
                        "without-redis",
                        "--ledger",
                        "off",
                        "--quartz-store",
                        "ram",
                        "--jobrunr",
                        "off"),
                Map.of(
                        "DATABASE_URL",
                        "postgres://" + database.user() + ":" + database.password() + "@" + database.host() + ":"
                                + database.port() + "/" + database.database(),
                        "HAPAX_LOG",
                        "DEBUG",
                        "JAVA_TOOL_OPTIONS",
                        "-Dlogback.configurationFile=logback.xml"));
    }

    private static Stream<String> ticks(Replica... replicas) {
        return Stream.of(replicas)
                .flatMap(each -> RUN.matcher(each.log()).results().map(found -> found.group(1)));
    }
}
