package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.hapax.testkit.FreePort;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real Prometheus with our configuration, which scrapes a real worker; only the target differs. */
@Tag("slow")
class PrometheusTest {

    /** What fires, as it should, where a machine stands still for seconds. */
    private static final Set<String> OF_A_SLOW_MACHINE = Set.of("HapaxUnconfirmed", "HapaxRenewalMarginSmall");

    @TempDir
    private Path folder;

    private final int port = FreePort.next();

    @BeforeAll
    static void find() throws Exception {
        assertThat(Tool.of("install the Debian package prometheus", List.of(List.of("prometheus")), "--version"))
                .isNotNull();
    }

    @Test
    void prometheus_keeps_the_names_of_jobs_and_evaluates_every_rule() throws Exception {
        try (RunningWorker worker = RunningWorker.start(Map.of("QUARTZ_STORE", "ram"))) {
            Process prometheus = start(worker.port());
            try {
                await().atMost(Duration.ofMinutes(3))
                        // Refused connections, then "Service Unavailable" while it starts.
                        .ignoreExceptionsInstanceOf(IOException.class)
                        .pollInterval(Duration.ofMillis(250))
                        .untilAsserted(() ->
                                assertThat(labels("hapax_runs_total", "job")).contains("sample.tick"));
                // Of a scrape that was late once, a moment has nothing.
                await().atMost(Duration.ofMinutes(3)).untilAsserted(() -> {
                    assertThat(labels("up", "job")).containsExactly("hapax-worker");
                    assertThat(labels("hapax_active", "instance")).containsExactly("127.0.0.1:" + worker.port());
                    assertThat(labels("job:hapax_runs:increase1h", "job")).contains("sample.tick");
                    assertThat(rules().findValuesAsText("health")).hasSize(20).containsOnly("ok");
                    assertThat(rules().findValuesAsText("state")).contains("inactive");
                    assertThat(firing()).isSubsetOf(OF_A_SLOW_MACHINE);
                });
            } finally {
                prometheus.destroyForcibly().waitFor();
            }
        }
    }

    private Process start(int worker) throws IOException {
        String config = Files.readString(Path.of("observability", "prometheus.yml"));
        String here = config.replaceAll("targets: \\[.*]", "targets: [\"127.0.0.1:" + worker + "\"]")
                .replaceAll("interval: 5s", "interval: 1s");
        assertThat(here).contains("127.0.0.1:" + worker, "interval: 1s");
        Path file = Files.writeString(folder.resolve("prometheus.yml"), here);
        Files.copy(Path.of("observability", "alerts.yml"), folder.resolve("alerts.yml"));
        return new ProcessBuilder(
                        "prometheus",
                        "--config.file=" + file,
                        "--storage.tsdb.path=" + folder.resolve("data"),
                        "--web.listen-address=127.0.0.1:" + port)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("prometheus.log").toFile())
                .start();
    }

    private List<String> labels(String query, String label) throws IOException, InterruptedException {
        return get("/api/v1/query?query=" + URLEncoder.encode(query, StandardCharsets.UTF_8))
                .findValues("metric")
                .stream()
                .map(metric -> metric.path(label).asText())
                .distinct()
                .toList();
    }

    private Set<String> firing() throws IOException, InterruptedException {
        Set<String> names = new TreeSet<>();
        for (JsonNode group : rules().at("/data/groups")) {
            for (JsonNode rule : group.path("rules")) {
                if (rule.path("state").asText().equals("firing")) {
                    names.add(rule.path("name").asText());
                }
            }
        }
        return names;
    }

    private JsonNode rules() throws IOException, InterruptedException {
        return get("/api/v1/rules");
    }

    private JsonNode get(String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + port + path);
        HttpResponse<String> answer = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
        return new ObjectMapper().readTree(answer.body());
    }
}
