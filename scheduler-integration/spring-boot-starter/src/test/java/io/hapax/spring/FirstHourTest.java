package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a new user meets, in a process of its own: with the starter and what it brings, and without the test kit, the console, and
 * Netty's native transport, as its build would have them.
 */
@Tag("slow")
class FirstHourTest {

    private static final List<String> NOT_BROUGHT = List.of(
            "testkit", "hapax-console", "console/target", "native-epoll", "netty-transport-classes-epoll", "jobrunr");

    @TempDir
    private Path folder;

    private String started(String... settings) throws Exception {
        Path output = folder.resolve("output-" + UUID.randomUUID());
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-cp",
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> NOT_BROUGHT.stream().noneMatch(entry::contains))
                        .collect(Collectors.joining(File.pathSeparator)),
                FirstHourApplication.class.getName(),
                "--server.port=0",
                "--spring.main.banner-mode=off",
                // One that only knows the console, as a new application does; ours keeps quiet.
                "--logging.config=" + logging(),
                "--spring.autoconfigure.exclude=org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration,"
                        + "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration",
                "--management.endpoint.health.show-details=always"));
        command.addAll(Arrays.asList(settings));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS))
                    .as(() -> "the application ended: " + read(output))
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        return read(output);
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

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
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

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--hapax.redis.uri=redis://localhost | There is no setting hapax.redis.uri | Write hapax.redis.url",
                "--hapax.redis.url=redis://:p@ss#word@host | percent-encode | hapax.redis.url",
                "--hapax.redis.url=redis://127.0.0.1:1 | connection refused | hapax.redis.lazy=true",
            })
    void what_is_wrong_is_told_in_the_words_of_the_settings(String setting, String what, String mend) throws Exception {
        assertThat(started("--spring.application.name=first", setting))
                .contains("APPLICATION FAILED TO START", "Hapax cannot guard this application", what, mend)
                .doesNotContain("\tat ", "#word", "ExecutionException");
    }
}
