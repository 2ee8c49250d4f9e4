package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.time.DurationText;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Starts the packaged jar as {@code docker-compose.yml} says: by its command, with its environment and nothing else, and
 * asks it by its health check. Only addresses differ.
 */
@Tag("slow")
class PackagedWorkerIT {

    private static final String TOKEN = "a-token-for-tests";

    @TempDir
    private Path folder;

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final EmbeddedDatabase postgres = EmbeddedDatabase.start();
    private final int port = WebServerTest.freePort();

    @BeforeEach
    void createTheDatabaseOfTheComposeFile() throws SQLException {
        try (Connection connection = postgres.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE ROLE hapax LOGIN PASSWORD 'hapax'");
            statement.execute("CREATE DATABASE hapax OWNER hapax");
        }
    }

    @AfterEach
    void stop() {
        postgres.close();
        redis.close();
    }

    @Test
    void a_worker_of_the_compose_file_becomes_healthy_serves_its_pages_and_ends_in_time() throws Exception {
        ComposeFile file = ComposeFile.read(Map.of("HAPAX_CONSOLE_TOKEN", TOKEN));
        Path log = folder.resolve("worker.log");
        Process worker = process(local(file.command("worker-1")), file.environment("worker-1"))
                .redirectOutput(log.toFile())
                .start();
        try {
            await().atMost(Duration.ofMinutes(3))
                    .pollInterval(Duration.ofMillis(500))
                    .failFast(
                            "it has ended; its log:",
                            () -> assertThat(worker.isAlive())
                                    .as(Files.readString(log))
                                    .isTrue())
                    .until(() -> isHealthy(file.healthcheck("worker-1")));
            assertThat(get("/metrics").body()).contains("hapax_active", "hikaricp_connections");
            assertThat(get("/console/").statusCode()).isEqualTo(200);
            assertThat(get("/console/api/fleet").statusCode()).isEqualTo(401);
            // It reports a moment after its start.
            await().atMost(Duration.ofMinutes(1))
                    .untilAsserted(() -> assertThat(get("/console/api/fleet", "Authorization", "Bearer " + TOKEN)
                                    .body())
                            .contains("\"name\":\"worker-1\""));
            worker.destroy();
            Duration grace = DurationText.parse(
                    "stop_grace_period",
                    String.valueOf(file.services().get("worker-1").get("stop_grace_period")));
            assertThat(worker.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
            assertThat(worker.exitValue()).as(Files.readString(log)).isZero();
        } finally {
            worker.destroyForcibly();
        }
        assertThat(Files.readString(log)).contains("worker worker-1 is up").doesNotContain(" ERROR ", TOKEN);
    }

    private boolean isHealthy(List<String> check) throws IOException, InterruptedException {
        Process process = ChildProcess.start(process(local(check), Map.of()));
        process.getInputStream().readAllBytes();
        return process.waitFor() == 0;
    }

    /** A process that sees what one in a container would see. */
    private ProcessBuilder process(List<String> command, Map<String, String> environment) {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        String path = builder.environment().getOrDefault("PATH", "/usr/bin:/bin");
        builder.environment().clear();
        builder.environment().put("PATH", path);
        Map<String, String> here = new LinkedHashMap<>();
        environment.forEach((name, value) -> here.put(name, local(value)));
        builder.environment().putAll(here);
        return builder;
    }

    private List<String> local(List<String> command) {
        return command.stream()
                .map(word -> word.equals("java")
                        ? Path.of(System.getProperty("java.home"), "bin", "java")
                                .toString()
                        : local(word))
                .toList();
    }

    /** The same in this machine's words. */
    private String local(String text) {
        Path jar = Path.of("target", "hapax-worker.jar").toAbsolutePath();
        return text.replace("8080", Integer.toString(port))
                .replace("redis:6379", "127.0.0.1:" + redis.port())
                .replace("@postgres:5432", "@127.0.0.1:" + postgres.port())
                .replace("/app/hapax-worker.jar", jar.toString());
    }

    private HttpResponse<String> get(String path, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
