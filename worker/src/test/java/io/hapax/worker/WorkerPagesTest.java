package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a worker serves: health, metrics, console. */
@Tag("slow")
class WorkerPagesTest {

    private static final String TOKEN = "a-token-for-tests";

    /** A worker reports to the console a moment after its start, and Redis may answer late on a busy machine. */
    private static ConditionFactory eventually() {
        return await().atMost(Duration.ofMinutes(1));
    }

    @Test
    void a_worker_serves_its_health_its_metrics_and_the_console_of_the_fleet() throws Exception {
        try (RunningWorker worker = RunningWorker.start(Map.of())) {
            eventually()
                    .untilAsserted(() -> assertThat(worker.get("/health").body())
                            .isEqualTo("{\"status\":\"UP\",\"worker\":\"one\",\"activeRuns\":0}\n"));
            HttpResponse<String> metrics = worker.get("/metrics");
            assertThat(metrics.headers().firstValue("Content-Type"))
                    .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain;version=0.0.4"));
            assertThat(metrics.body()).contains("hapax_active 0.0", "jvm_memory_used_bytes", "hikaricp_connections");
            assertThat(worker.get("/").headers().firstValue("Location")).hasValue("/console/");
            assertThat(worker.get("/console/").headers().firstValue("Content-Security-Policy"))
                    .isPresent();
            eventually()
                    .untilAsserted(() ->
                            assertThat(worker.get("/console/api/fleet").body()).contains("\"name\":\"one\""));
        }
    }

    @Test
    void the_console_asks_for_the_token_of_the_environment() throws Exception {
        try (RunningWorker worker = RunningWorker.start(Map.of("HAPAX_CONSOLE_TOKEN", TOKEN))) {
            assertThat(worker.get("/console/api/fleet").statusCode()).isEqualTo(401);
            eventually()
                    .untilAsserted(() -> assertThat(worker.get("/console/api/fleet", "Authorization", "Bearer " + TOKEN)
                                    .statusCode())
                            .isEqualTo(200));
            assertThat(worker.get("/health").body()).doesNotContain(TOKEN);
            assertThat(worker.get("/metrics").body()).doesNotContain(TOKEN);
        }
    }

    @Test
    void a_worker_without_a_web_server_is_on_the_pages_of_the_others() throws Exception {
        try (RunningWorker one = RunningWorker.start(Map.of());
                RunningWorker two = RunningWorker.start(
                        Map.of("REDIS_URL", one.redisUrl(), "HTTP_PORT", "0", "HAPAX_WORKER", "two"))) {
            eventually()
                    .untilAsserted(
                            () -> assertThat(one.get("/console/api/fleet").body())
                                    .contains("\"name\":\"one\"", "\"name\":\"two\""));
            assertThatIOException().isThrownBy(() -> two.get("/health"));
        }
    }

    @Test
    void an_unguarded_worker_has_no_console_but_health_and_metrics() throws Exception {
        try (RunningWorker worker = RunningWorker.start(Map.of(), "--guard", "off")) {
            assertThat(worker.get("/health").statusCode()).isEqualTo(200);
            assertThat(worker.get("/").headers().firstValue("Location")).hasValue("/health");
            assertThat(worker.get("/console/").statusCode()).isEqualTo(404);
            assertThat(worker.get("/metrics").body()).contains("jvm_threads").doesNotContain("hapax_");
        }
    }

    @Test
    void a_worker_ends_at_once_although_somebody_watches_its_console() throws Exception {
        Duration longest = Duration.ofSeconds(5);
        Duration took = timeToEndWhileWatched();
        // A busy machine may stand still once; a worker that waits for the watcher does so each time.
        for (int attempt = 1; attempt < 4 && took.compareTo(longest) >= 0; attempt++) {
            took = timeToEndWhileWatched();
        }
        assertThat(took).isLessThan(longest);
    }

    private static Duration timeToEndWhileWatched() throws Exception {
        RunningWorker worker = RunningWorker.start(Map.of());
        try (InputStream watched = watch(worker)) {
            assertThat(watched.read()).isEqualTo('d');
            long asked = System.nanoTime();
            worker.close();
            Duration took = Duration.ofNanos(System.nanoTime() - asked);
            assertThat(isOver(watched)).isTrue();
            return took;
        }
    }

    /** By its end, or by the end of the connection. */
    private static boolean isOver(InputStream stream) {
        try {
            return stream.readAllBytes().length > 0;
        } catch (IOException closed) {
            return true;
        }
    }

    private static InputStream watch(RunningWorker worker) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + worker.port() + "/console/api/stream");
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofInputStream())
                .body();
    }

    @Test
    void a_worker_whose_port_is_taken_says_so_before_any_job_runs() throws Exception {
        try (ServerSocket taken = new ServerSocket(0)) {
            String port = Integer.toString(taken.getLocalPort());
            assertThatIllegalStateException()
                    .isThrownBy(() -> RunningWorker.start(Map.of("HTTP_PORT", port), "--http-bind", "0.0.0.0"))
                    .withMessageStartingWith("port " + port + " of 0.0.0.0 cannot be used for /health");
        }
    }

    @Test
    void hashed_keys_are_another_agreement_of_the_fleet() throws Exception {
        try (RunningWorker worker = RunningWorker.start(Map.of("HAPAX_HASH_KEYS", "sixteen characters"))) {
            eventually()
                    .untilAsserted(() ->
                            assertThat(worker.get("/console/api/fleet").body()).contains("keys=hmac/"));
        }
    }
}
