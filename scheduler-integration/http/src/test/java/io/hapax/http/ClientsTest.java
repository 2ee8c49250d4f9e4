package io.hapax.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.hapax.Admission;
import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.RunRequest;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.HttpMethod;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.http.client.reactive.JdkClientHttpConnector;
import org.springframework.web.client.RestClient;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** Each client sends the headers of the run whose code calls it, and nothing for a run that has lost its lease. */
class ClientsTest {

    private static final Duration LONGEST = Duration.ofSeconds(40);

    private static final HttpClient PLAIN = HttpClient.newHttpClient();
    private static final RunHeaders HEADERS = RunHeaders.of("shop");
    private static final RestClient REST = RestClient.builder()
            .requestFactory(new JdkClientHttpRequestFactory(PLAIN))
            .requestInterceptor(new RestClientRunHeaders(HEADERS))
            .build();
    private static final WebClient WEB = WebClient.builder()
            .clientConnector(new JdkClientHttpConnector(PLAIN))
            .filter(new WebClientRunHeaders(HEADERS))
            .build();
    private static final HttpClient OURS = HEADERS.client(PLAIN);

    private static Receiver receiver;

    private final ManualTicker ticker = new ManualTicker();
    private final JobGuard guard =
            JobGuard.builder(new InMemoryLeaseStore(ticker)).ticker(ticker).build();

    /** Sends a request, with an idempotency key of its own if there is one. */
    interface Client {
        int send(String method, URI address, Optional<String> ownKey) throws Exception;
    }

    enum Clients implements Client {
        REST_CLIENT {
            @Override
            public int send(String method, URI address, Optional<String> ownKey) {
                var request = REST.method(HttpMethod.valueOf(method)).uri(address);
                ownKey.ifPresent(key -> request.header(RunHeaders.IDEMPOTENCY_KEY, key));
                return request.retrieve().toBodilessEntity().getStatusCode().value();
            }
        },
        WEB_CLIENT {
            @Override
            public int send(String method, URI address, Optional<String> ownKey) {
                var request = WEB.method(HttpMethod.valueOf(method)).uri(address);
                ownKey.ifPresent(key -> request.header(RunHeaders.IDEMPOTENCY_KEY, key));
                var answer = request.retrieve().toBodilessEntity().block();
                return answer == null ? 0 : answer.getStatusCode().value();
            }
        },
        JAVA {
            @Override
            public int send(String method, URI address, Optional<String> ownKey) throws Exception {
                return OURS.send(request(method, address, ownKey), HttpResponse.BodyHandlers.discarding())
                        .statusCode();
            }
        },
        JAVA_ASYNC {
            @Override
            public int send(String method, URI address, Optional<String> ownKey) {
                return OURS.sendAsync(request(method, address, ownKey), HttpResponse.BodyHandlers.discarding())
                        .join()
                        .statusCode();
            }
        };

        static HttpRequest request(String method, URI address, Optional<String> ownKey) {
            HttpRequest.Builder builder =
                    HttpRequest.newBuilder(address).method(method, HttpRequest.BodyPublishers.noBody());
            ownKey.ifPresent(key -> builder.header(RunHeaders.IDEMPOTENCY_KEY, key));
            return builder.build();
        }
    }

    static Stream<Clients> clients() {
        return Stream.of(Clients.values());
    }

    @BeforeAll
    static void start() throws Exception {
        receiver = new Receiver(FencingFilter.of(Fence.inMemory(Duration.ofDays(1))));
    }

    @AfterAll
    static void stop() throws Exception {
        receiver.close();
    }

    @AfterEach
    void close() {
        boolean unused = Thread.interrupted();
        guard.close();
        receiver.passed();
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return ((Admission.Admitted) guard.admit(request)).run();
    }

    private static int send(Client client, String method) throws Exception {
        return client.send(method, receiver.address(), Optional.empty());
    }

    @ParameterizedTest
    @MethodSource("clients")
    void a_request_of_a_run_has_its_run_key_and_its_fencing_token(Client client) throws Exception {
        try (GuardedRun run = admitted(RunRequest.lock("invoice " + client).once("invoice " + client + "@2026-11"));
                GuardedRun.Scope scope = run.enter()) {
            assertThat(send(client, "POST")).isEqualTo(200);
            assertThat(receiver.passed())
                    .containsExactly(Map.of(
                            "Idempotency-Key", "invoice%20" + client + "@2026-11",
                            "Fencing-Token", run.fencingToken().toString(),
                            "Fencing-Key", "shop/invoice%20" + client));
        }
    }

    @ParameterizedTest
    @MethodSource("clients")
    void a_request_that_is_safe_has_the_token_alone(Client client) throws Exception {
        try (GuardedRun run = admitted(RunRequest.lock("read-" + client).once("read-" + client + "@1"));
                GuardedRun.Scope scope = run.enter()) {
            assertThat(send(client, "GET")).isEqualTo(200);
            assertThat(receiver.passed())
                    .containsExactly(Map.of(
                            "Fencing-Token", run.fencingToken().toString(), "Fencing-Key", "shop/read-" + client));
        }
    }

    @ParameterizedTest
    @MethodSource("clients")
    void a_run_without_a_run_key_has_nothing_to_be_idempotent_by(Client client) throws Exception {
        try (GuardedRun run = admitted(RunRequest.lock("plain-" + client));
                GuardedRun.Scope scope = run.enter()) {
            assertThat(send(client, "POST")).isEqualTo(200);
            assertThat(receiver.passed())
                    .singleElement()
                    .satisfies(headers -> assertThat(headers).containsOnlyKeys("Fencing-Token", "Fencing-Key"));
            assertThat(RunHeaders.idempotencyKey(run, "capture")).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("clients")
    void a_key_that_the_job_has_set_stays(Client client) throws Exception {
        try (GuardedRun run = admitted(RunRequest.occurrence("order-" + client));
                GuardedRun.Scope scope = run.enter()) {
            assertThat(client.send("POST", receiver.address(), RunHeaders.idempotencyKey(run, "capture")))
                    .isEqualTo(200);
            assertThat(receiver.passed())
                    .singleElement()
                    .satisfies(headers ->
                            assertThat(headers).containsEntry("Idempotency-Key", "order-" + client + "/capture"));
        }
    }

    @ParameterizedTest
    @MethodSource("clients")
    void outside_of_a_run_and_after_its_end_nothing_is_added(Client client) throws Exception {
        assertThat(send(client, "POST")).isEqualTo(200);
        assertThat(receiver.passed()).containsExactly(Map.of());
        GuardedRun run = admitted(RunRequest.lock("over-" + client));
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            run.complete();
            assertThat(send(client, "POST")).isEqualTo(200);
            assertThat(receiver.passed()).containsExactly(Map.of());
        }
    }

    /** Waits for the interrupt of this thread, which another one sends, as no wait could that an interrupt ends. */
    private static boolean takesInterrupt() {
        long start = System.nanoTime();
        while (!Thread.currentThread().isInterrupted() && System.nanoTime() - start < LONGEST.toNanos()) {
            Thread.onSpinWait();
        }
        return Thread.interrupted();
    }

    @ParameterizedTest
    @MethodSource("clients")
    void a_run_that_has_lost_its_lease_sends_nothing(Client client) throws Exception {
        RunRequest request = RunRequest.lock("lost-" + client).tune(all -> all.withMaxHold(Duration.ofSeconds(1)));
        try (GuardedRun run = admitted(request);
                GuardedRun.Scope scope = run.enter()) {
            ticker.advance(Duration.ofSeconds(1));
            assertThat(run.lost()).isPresent();
            assertThat(takesInterrupt()).isTrue();
            assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> send(client, "POST"));
            assertThat(receiver.passed()).isEmpty();
        }
    }

    @Test
    void a_run_may_travel_in_the_context_of_a_subscriber() throws Exception {
        try (GuardedRun run = admitted(RunRequest.lock("reactive"));
                GuardedRun.Scope scope = run.enter()) {
            Mono<Void> sent = WEB.post()
                    .uri(receiver.address())
                    .retrieve()
                    .toBodilessEntity()
                    .then()
                    .subscribeOn(Schedulers.boundedElastic());
            sent.block();
            assertThat(receiver.passed()).containsExactly(Map.of());
            sent.contextWrite(Context.of(GuardedRun.class, CurrentRun.get())).block();
            assertThat(receiver.passed())
                    .singleElement()
                    .satisfies(headers -> assertThat(headers).containsEntry("Fencing-Key", "shop/reactive"));
        }
    }

    @Test
    void the_request_of_a_run_that_was_taken_over_is_refused() throws Exception {
        HttpRequest late;
        HttpRequest request = Clients.request("POST", receiver.address(), Optional.empty());
        try (GuardedRun frozen = admitted(RunRequest.lock("taken over"));
                GuardedRun.Scope scope = frozen.enter()) {
            late = HEADERS.add(request, frozen);
        }
        try (GuardedRun next = admitted(RunRequest.lock("taken over"));
                GuardedRun.Scope scope = next.enter()) {
            assertThat(send(Clients.JAVA, "POST")).isEqualTo(200);
            assertThat(send(Clients.JAVA, "POST")).isEqualTo(200);
        }
        assertThat(receiver.passed()).hasSize(2);
        HttpResponse<String> answer = PLAIN.send(late, HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(409);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.body()).contains("\"type\":\"urn:hapax:problem:stale-fencing-token\"", "shop/taken%20over");
        assertThat(receiver.passed()).isEmpty();
    }

    /** One text for two requests would have a receiver drop one of them, or refuse a run for the token of another key. */
    @Test
    void no_two_keys_are_sent_as_one() throws Exception {
        try (GuardedRun whole = admitted(RunRequest.occurrence("order/1"));
                GuardedRun part = admitted(RunRequest.occurrence("order"))) {
            assertThat(List.of(
                            HEADERS.missing(whole, "POST", name -> false).get(RunHeaders.IDEMPOTENCY_KEY),
                            RunHeaders.idempotencyKey(part, "1").orElseThrow(),
                            RunHeaders.idempotencyKey(whole, "2").orElseThrow(),
                            RunHeaders.idempotencyKey(part, "1/2").orElseThrow()))
                    .doesNotHaveDuplicates();
        }
        try (GuardedRun lock = admitted(RunRequest.lock("rooms #1"));
                GuardedRun slot = admitted(RunRequest.lock("rooms").tune(all -> all.withConcurrency(2)));
                GuardedRun run = admitted(RunRequest.occurrence("rooms #1"));
                GuardedRun outer = admitted(RunRequest.lock("eu/rooms #1"))) {
            assertThat(slot.lease().orElseThrow().identity().leaseName()).isEqualTo("rooms #1");
            assertThat(List.of(
                            fencingKey("shop", lock),
                            fencingKey("shop", slot),
                            fencingKey("shop", run),
                            fencingKey("shop", outer),
                            fencingKey("shop/eu", lock)))
                    .doesNotHaveDuplicates()
                    .allMatch(HeaderText::isKey);
        }
    }

    private static String fencingKey(String sender, GuardedRun run) {
        return String.valueOf(
                RunHeaders.of(sender).missing(run, "GET", name -> false).get(RunHeaders.FENCING_KEY));
    }

    @Test
    void keys_that_no_header_can_have_are_encoded_and_long_ones_are_digests() {
        assertThat(HeaderText.of("Rechnung \"ä\\%, 1")).isEqualTo("Rechnung%20%22%C3%A4%5C%25%2C%201");
        String longest = "k".repeat(255);
        assertThat(HeaderText.of(longest)).isEqualTo(longest);
        assertThat(HeaderText.of(longest + "k"))
                .startsWith("%sha256:")
                .hasSize(72)
                .isNotEqualTo(HeaderText.of(longest + "l"))
                .isNotEqualTo(HeaderText.of("%sha256:" + "0".repeat(64)));
        assertThat(List.of(longest, "Rechnung%20%22", HeaderText.of(longest + "k")))
                .allMatch(HeaderText::isKey);
        assertThat(List.of("", "a b", "a\"b", "ä", longest + "k", "a\\b")).noneMatch(HeaderText::isKey);
    }
}
