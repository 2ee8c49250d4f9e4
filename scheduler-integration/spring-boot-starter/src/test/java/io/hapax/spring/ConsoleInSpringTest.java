package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.console.Console;
import io.hapax.spring.test.InMemoryHapax;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** The console in a web application of Spring Boot. */
@Tag("slow")
class ConsoleInSpringTest {

    private static final String TOKEN = "a token of the operator";

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration(
            excludeName = {
                "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
                "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration",
                "org.jobrunr.spring.autoconfigure.JobRunrAutoConfiguration"
            })
    @Import(InMemoryHapax.Store.class)
    static class Application {}

    private final HttpClient client = HttpClient.newHttpClient();

    private static ConfigurableApplicationContext start(String... properties) {
        String[] all = Stream.concat(
                        Stream.of(
                                "server.port=0",
                                "server.address=127.0.0.1",
                                "server.shutdown=graceful",
                                "spring.lifecycle.timeout-per-shutdown-phase=60s",
                                "hapax.worker=me"),
                        Stream.of(properties))
                .toArray(String[]::new);
        SpringApplication spring = new SpringApplicationBuilder(Application.class)
                .bannerMode(org.springframework.boot.Banner.Mode.OFF)
                .logStartupInfo(false)
                .properties(all)
                .application();
        spring.setRegisterShutdownHook(false);
        return spring.run();
    }

    private static HttpRequest.Builder request(ConfigurableApplicationContext context, String path) {
        return HttpRequest.newBuilder(
                URI.create("http://localhost:" + context.getEnvironment().getProperty("local.server.port") + path));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private static HttpRequest.Builder release(ConfigurableApplicationContext context, GuardedRun run) {
        String body = String.format(
                Locale.ROOT, """
                {"lock": "invoice/7", "run": "", "owner": "%s", "token": "1", "confirm": "invoice/7", "actor": "ann",
                 "reason": "gone"}""", run.lease().orElseThrow().owner().value());
        return request(context, "/ops/hapax/api/release")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body));
    }

    private static GuardedRun begun(ConfigurableApplicationContext context) throws InterruptedException {
        return context.getBean(JobGuard.class)
                .admit(RunRequest.lock("invoice/7"))
                .fold(run -> run, refusal -> {
                    throw new AssertionError(refusal);
                });
    }

    @Test
    void there_is_no_page_unless_it_is_switched_on() throws Exception {
        try (ConfigurableApplicationContext context = start()) {
            assertThat(context.getBeansOfType(Console.class)).isEmpty();
            assertThat(send(request(context, "/hapax/").GET()).statusCode()).isEqualTo(404);
        }
    }

    @Test
    void without_a_credential_the_page_is_read_only() throws Exception {
        try (ConfigurableApplicationContext context =
                start("hapax.console.enabled=true", "hapax.console.path=/ops/hapax")) {
            assertThat(send(request(context, "/ops/hapax/").GET()).body()).contains("<title>Hapax</title>");
            // It reports a moment after its start.
            await().atMost(Duration.ofSeconds(40))
                    .untilAsserted(() -> assertThat(send(request(context, "/ops/hapax/api/fleet")
                                            .GET())
                                    .body())
                            .contains("\"name\":\"me\""));
            try (GuardedRun run = begun(context)) {
                HttpResponse<String> refused = send(release(context, run));
                assertThat(refused.statusCode()).isEqualTo(403);
                assertThat(refused.body()).contains("hapax.console.credential");
                assertThat(context.getBean(JobGuard.class)
                                .admin()
                                .holder(run.identity())
                                .join())
                        .isPresent();
            }
        }
    }

    @Test
    void with_a_credential_leases_are_taken_away_but_not_by_another_site() throws Exception {
        try (ConfigurableApplicationContext context = start(
                "hapax.console.enabled=true",
                "hapax.console.path=/ops/hapax",
                "hapax.console.credential=" + TOKEN,
                "server.servlet.context-path=/")) {
            assertThat(send(request(context, "/ops/hapax/api/fleet").GET()).statusCode())
                    .isEqualTo(401);
            try (GuardedRun run = begun(context)) {
                String bearer = "Bearer " + TOKEN;
                assertThat(send(release(context, run)
                                        .header("Authorization", bearer)
                                        .header("Origin", "https://evil.example"))
                                .statusCode())
                        .isEqualTo(403);
                assertThat(context.getBean(JobGuard.class)
                                .admin()
                                .holder(run.identity())
                                .join())
                        .isPresent();
                assertThat(send(release(context, run).header("Authorization", bearer))
                                .statusCode())
                        .isEqualTo(200);
                assertThat(context.getBean(JobGuard.class)
                                .admin()
                                .holder(run.identity())
                                .join())
                        .isEmpty();
            }
        }
    }

    @Test
    void somebody_who_watches_does_not_hold_up_the_end_of_the_application() throws Exception {
        ConfigurableApplicationContext context = start("hapax.console.enabled=true");
        try (InputStream stream = client.send(
                        request(context, "/hapax/api/stream").GET().build(), BodyHandlers.ofInputStream())
                .body()) {
            assertThat(stream.read()).isEqualTo('d');
            long began = System.nanoTime();
            context.close();
            // The web server would wait for a minute.
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(30));
        }
    }
}
