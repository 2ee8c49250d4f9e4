package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a new user meets, on a class path of its own: with the starter and what it brings, and without test doubles, the console, and
 * Netty's native transport, as its build would have them.
 */
@Tag("slow")
class FirstHourTest {

    private static final List<String> NOT_BROUGHT = List.of(
            "testkit",
            "hapax-test-",
            "scheduler-integration/test/target",
            "hapax-console",
            "console/target",
            "native-epoll",
            "netty-transport-classes-epoll",
            "jobrunr");

    private static final SeparateApplication APPLICATION = new SeparateApplication(
            "io.hapax.spring.FirstHourApplication",
            entry -> NOT_BROUGHT.stream().noneMatch(entry::contains));

    @TempDir
    private Path folder;

    @AfterAll
    static void close() throws Exception {
        APPLICATION.close();
    }

    private String started(String... settings) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--spring.main.banner-mode=off",
                // One that only knows the console, as a new application does; ours keeps quiet.
                "--logging.config=" + logging(),
                "--spring.autoconfigure.exclude=org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration,"
                        + "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration",
                "--management.endpoint.health.show-details=always"));
        arguments.addAll(Arrays.asList(settings));
        return APPLICATION.run(arguments);
    }

    private Path logging() throws Exception {
        return Files.writeString(folder.resolve("logging.xml"), """
                <configuration>
                  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
                    <encoder><pattern>%level %logger %msg%n</pattern></encoder>
                  </appender>
                  <root level="INFO"><appender-ref ref="OUT"/></root>
                </configuration>
                """);
    }

    @Test
    void an_application_that_has_spring_data_redis_needs_nothing_but_a_name() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            assertThat(started(
                            "--spring.application.name=first-" + UUID.randomUUID(),
                            "--hapax.redis.first-start=" + WallClock.now(),
                            "--spring.data.redis.url=" + redis.url()))
                    .contains("sent to ann", "well ended")
                    .containsOnlyOnce("1 bean method (0 scheduled) as worker '")
                    .contains("leases in RedissonLeaseStore [namespace=first-", "no ledger; ttl PT30S")
                    .contains("\"hapax\":{", "\"store\":\"answers\"")
                    .doesNotContain("NoClassDefFoundError", "ERROR");
        }
    }

    @Test
    void a_longer_ttl_on_a_used_namespace_is_refused_with_a_setting_that_lets_it_in_beside_the_others()
            throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            String name = "--spring.application.name=first-" + UUID.randomUUID();
            String url = "--hapax.redis.url=" + redis.url();
            assertThat(started(name, url, "--hapax.redis.first-start=" + WallClock.now()))
                    .contains("sent to ann", "well ended");
            String refused = started(name, url, "--hapax.defaults.ttl=60s");
            assertThat(refused)
                    .contains("APPLICATION FAILED TO START", "longestTtl=60000ms", "hapax.redis.replace-settings=true")
                    .doesNotContain("\tat ", "well ended");
            String setting = "--hapax.redis.replace-settings=true";
            assertThat(started(name, url, "--hapax.defaults.ttl=60s", setting)).contains("well ended", "ttl PT1M");
            // Left on; and one with the ttl of before.
            assertThat(started(name, url, "--hapax.defaults.ttl=60s", setting)).contains("well ended");
            assertThat(started(name, url)).contains("well ended", "ttl PT30S").doesNotContain("ERROR");
        }
    }

    @Test
    void a_store_in_memory_without_the_module_for_tests_names_it() throws Exception {
        assertThat(started(
                        "--spring.application.name=first",
                        "--spring.main.sources=io.hapax.spring.test.InMemoryHapax$Store"))
                .contains("@InMemoryHapax keeps leases in a store of io.hapax:hapax-test")
                .doesNotContain("NoClassDefFoundError", "well ended");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--hapax.redis.uri=redis://localhost | There is no setting hapax.redis.uri | Write hapax.redis.url",
                "--hapax.default.ttl=60s | There is no setting hapax.default.ttl | Write hapax.defaults.ttl",
                "--hapax.ledger.enabled=true;--hapax.redis.url=redis://127.0.0.1:1;--hapax.redis.lazy=true | hapax.ledger.enabled | Set spring.datasource.url",
                "--hapax.console.enabled=true;--hapax.redis.url=redis://127.0.0.1:1;--hapax.redis.lazy=true | hapax.console.enabled | Add io.hapax:hapax-console",
                "--hapax.leases=redis | nothing says where to keep leases | Set hapax.redis.url=redis://localhost:6379",
                "--hapax.redis.url=redis://:p@ss#word@host | percent-encode | hapax.redis.url",
                "--hapax.redis.url=redis://127.0.0.1:1 | connection refused | hapax.redis.lazy=true",
            })
    void what_is_wrong_is_told_in_the_words_of_the_settings(String settings, String what, String mend)
            throws Exception {
        assertThat(started(("--spring.application.name=first;" + settings).split(";")))
                .contains("APPLICATION FAILED TO START", "Hapax cannot guard this application", what, mend)
                .doesNotContain("\tat ", "#word", "ExecutionException");
    }
}
