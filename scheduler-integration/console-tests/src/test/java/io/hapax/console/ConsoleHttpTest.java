package io.hapax.console;

import static io.hapax.console.Workers.CREDENTIAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunState;
import io.hapax.ops.AuditEntry;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.OwnThread;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the console answers and refuses, over HTTP, on a real Redis and a real PostgreSQL. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("slow")
class ConsoleHttpTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final AtomicInteger NUMBER = new AtomicInteger();

    private final HttpClient client = HttpClient.newHttpClient();
    private EmbeddedRedis redis;
    private Workers workers;
    private Workers.Worker alice;
    private Workers.Worker bob;
    private ConsoleServer secured;
    private ConsoleServer open;

    @BeforeAll
    void start() {
        redis = EmbeddedRedis.start();
        workers = new Workers(redis, EmbeddedDatabase.shared().createDatabase("console_http"));
        alice = workers.start("alice", CREDENTIAL);
        bob = workers.start("bob");
        secured = new ConsoleServer(alice.console().servlet());
        open = new ConsoleServer(bob.console().servlet());
    }

    @AfterAll
    void stop() {
        secured.close();
        open.close();
        workers.close();
        redis.close();
    }

    private record Answer(int status, JsonNode body, Map<String, List<String>> headers) {
        String error() {
            return body.path("error").asText();
        }
    }

    private Answer get(ConsoleServer server, String path, String... headers) {
        return send(request(server, path, headers).GET());
    }

    private Answer post(ConsoleServer server, String path, Object body, String... headers) {
        try {
            return send(request(server, path, headers)
                    .header("Content-Type", "application/json")
                    .POST(BodyPublishers.ofString(JSON.writeValueAsString(body))));
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private static HttpRequest.Builder request(ConsoleServer server, String path, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.at(path));
        return headers.length == 0 ? request : request.headers(headers);
    }

    private Answer send(HttpRequest.Builder request) {
        try {
            HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
            assertThat(response.body()).doesNotContain(CREDENTIAL);
            boolean json =
                    response.headers().firstValue("Content-Type").orElse("").startsWith("application/json");
            return new Answer(
                    response.statusCode(),
                    JSON.readTree(json ? response.body() : "{}"),
                    response.headers().map());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static String[] bearer() {
        return new String[] {"Authorization", "Bearer " + CREDENTIAL};
    }

    /** Somebody who has logged in by the page. */
    private record Session(String cookie, String csrf) {
        String[] headers(String... more) {
            String[] all = new String[4 + more.length];
            System.arraycopy(new String[] {"Cookie", cookie, "X-Hapax-Csrf", csrf}, 0, all, 0, 4);
            System.arraycopy(more, 0, all, 4, more.length);
            return all;
        }
    }

    private Session login() {
        Answer answer = post(secured, "api/login", Map.of("credential", CREDENTIAL));
        assertThat(answer.status()).isEqualTo(200);
        String cookie = answer.headers().get("set-cookie").get(0);
        assertThat(cookie).contains("HttpOnly").contains("SameSite=Strict").contains("Path=/console");
        return new Session(
                cookie.substring(0, cookie.indexOf(';')),
                answer.body().path("csrf").asText());
    }

    private static RunRequest fresh() {
        int n = NUMBER.incrementAndGet();
        return RunRequest.lock("invoice/" + n).once("send-invoice/" + n).job("send-invoice");
    }

    private static String lockOf(GuardedRun run) {
        return run.identity().lock().orElseThrow().value();
    }

    private static Map<String, Object> release(GuardedRun run) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("lock", lockOf(run));
        body.put("run", run.identity().run().orElseThrow().value());
        body.put("owner", run.lease().orElseThrow().owner().value());
        body.put("token", run.fencingToken().toString());
        body.put("confirm", lockOf(run));
        body.put("actor", "ann");
        body.put("reason", "its worker is gone");
        return body;
    }

    private static Map<String, Object> resolve(String occurrence, String token, String state) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("lock", "");
        body.put("run", occurrence);
        body.put("token", token);
        body.put("state", state);
        body.put("confirm", occurrence);
        body.put("actor", "ann");
        body.put("reason", "the bank has it");
        return body;
    }

    private boolean isHeld(GuardedRun run) {
        return alice.guard().admin().holder(run.identity()).join().isPresent();
    }

    private boolean isAbandoned(String occurrence) {
        return alice.ledger().entries(LedgerQuery.in(1000, RunState.ABANDONED)).toCompletableFuture().join().stream()
                .anyMatch(entry -> entry.identity().toString().contains(occurrence));
    }

    private List<AuditEntry> audit(String subject) {
        List<AuditEntry> all = new java.util.ArrayList<>(
                alice.store().admin().audit(1000).toCompletableFuture().join());
        all.addAll(alice.ledger().audit(1000).toCompletableFuture().join());
        return all.stream().filter(entry -> entry.subject().contains(subject)).toList();
    }

    @Test
    void without_a_credential_nothing_can_be_changed() {
        GuardedRun run = alice.begin(fresh());
        alice.abandon("pay", "payment/open");
        for (String[] headers : List.of(new String[0], bearer())) {
            Answer released = post(open, "api/release", release(run), headers);
            assertThat(released.status()).isEqualTo(403);
            assertThat(released.error()).contains("no credential is configured");
            assertThat(post(open, "api/resolve", resolve("payment/open", "1", "DONE"), headers)
                            .status())
                    .isEqualTo(403);
        }
        assertThat(post(open, "api/login", Map.of("credential", CREDENTIAL)).status())
                .isEqualTo(403);
        assertThat(get(open, "api/session").body().path("mayChange").asBoolean())
                .isFalse();
        assertThat(isHeld(run)).isTrue();
        assertThat(isAbandoned("payment/open")).isTrue();
        assertThat(audit(lockOf(run))).isEmpty();
        assertThat(audit("payment/open")).isEmpty();
    }

    @Test
    void without_a_credential_only_clients_on_this_machine_that_call_it_by_its_name_may_read() throws Exception {
        assertThat(get(open, "api/fleet").status()).isEqualTo(200);
        for (String header : List.of("X-Forwarded-For", "Forwarded")) {
            assertThat(get(open, "api/fleet", header, "127.0.0.1").status()).isEqualTo(403);
        }
        // A page of another site that has made its own name point to this machine.
        assertThat(statusFor("GET /console/api/fleet HTTP/1.1", "Host: rebound.example:" + open.port()))
                .isEqualTo(403);
        assertThat(statusFor("GET /console/api/fleet HTTP/1.1", "Host: 127.0.0.1:" + open.port()))
                .isEqualTo(200);
        try (ConsoleServer behindProxy = ConsoleServer.behindProxy(bob.console().servlet())) {
            Answer remote = get(behindProxy, "api/fleet", "X-Real-Client", "192.0.2.7");
            assertThat(remote.status()).isEqualTo(403);
            assertThat(remote.error()).contains("HAPAX_CONSOLE_TOKEN").contains("hapax.console.credential");
            // Anybody can send this header, and the server believes it.
            assertThat(get(behindProxy, "api/fleet", "X-Real-Client", "127.0.0.1")
                            .status())
                    .isEqualTo(403);
        }
    }

    private int statusFor(String... lines) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", open.port())) {
            socket.getOutputStream()
                    .write((String.join("\r\n", lines) + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return Integer.parseInt(answer.substring(9, 12));
        }
    }

    /** It could not read the answer, but make Redis and the ledger work. */
    @ParameterizedTest
    @ValueSource(strings = {"api/fleet", "api/stream", "api/leases", "api/runs", "api/audit", "api/job?name=any"})
    void a_page_of_another_site_cannot_even_ask(String path) {
        for (String site : List.of("cross-site", "same-site")) {
            assertThat(get(open, path, "Sec-Fetch-Site", site).status()).isEqualTo(403);
            assertThat(get(secured, path, login().headers("Sec-Fetch-Site", site))
                            .status())
                    .isEqualTo(403);
        }
        assertThat(get(open, "", "Sec-Fetch-Site", "cross-site").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"api/fleet", "api/stream", "api/leases", "api/runs", "api/audit"})
    void with_a_credential_reading_needs_it(String path) {
        assertThat(get(secured, path).status()).isEqualTo(401);
        assertThat(get(secured, path, "Authorization", "Bearer something else").status())
                .isEqualTo(401);
        String name = login().cookie().replaceAll("=.*", "");
        assertThat(get(secured, path, "Cookie", name + "=made-up").status()).isEqualTo(401);
        if (!path.equals("api/stream")) {
            assertThat(get(secured, path, bearer()).status()).isEqualTo(200);
        }
    }

    @Test
    void the_session_says_what_this_client_may_do() {
        JsonNode unknown = get(secured, "api/session").body();
        assertThat(unknown.path("mayRead").asBoolean()).isFalse();
        assertThat(unknown.path("csrf").asText()).isEmpty();
        assertThat(unknown.path("worker").asText()).isEmpty();
        JsonNode known = get(secured, "api/session", login().headers()).body();
        assertThat(known.path("mayChange").asBoolean()).isTrue();
        assertThat(known.path("csrf").asText()).hasSizeGreaterThan(30);
    }

    @Test
    void a_lease_is_taken_away_with_reason_and_actor_and_both_are_kept() {
        GuardedRun run = bob.begin(fresh());
        Answer answer = post(secured, "api/release", release(run), login().headers());
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body().path("holder").asText()).contains("bob");
        assertThat(isHeld(run)).isFalse();
        assertThat(audit(lockOf(run))).singleElement().satisfies(entry -> {
            assertThat(entry.action()).isEqualTo("FORCE_RELEASE");
            assertThat(entry.why().actor()).isEqualTo("ann (console)");
            assertThat(entry.why().reason()).isEqualTo("its worker is gone");
            assertThat(entry.holder()).contains("bob");
        });
        assertThat(get(secured, "api/audit", bearer()).body())
                .anySatisfy(entry -> assertThat(entry.path("subject").asText()).contains(lockOf(run)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"DONE", "RELEASED"})
    void an_abandoned_occurrence_is_resolved_and_who_did_it_is_kept(String state) {
        String occurrence = "payment/" + state;
        String token = alice.abandon("pay", occurrence);
        assertThat(post(secured, "api/resolve", resolve(occurrence, token + "0", state), bearer())
                        .status())
                .isEqualTo(409);
        Answer answer = post(secured, "api/resolve", resolve(occurrence, token, state), bearer());
        assertThat(answer.status()).isEqualTo(200);
        assertThat(isAbandoned(occurrence)).isFalse();
        assertThat(audit(occurrence))
                .singleElement()
                .satisfies(entry -> assertThat(entry.action()).isEqualTo("RESOLVE_" + state));
        assertThat(post(secured, "api/resolve", resolve(occurrence, token, state), bearer())
                        .error())
                .contains("is not abandoned any more");
        assertThat(audit(occurrence)).hasSize(1);
    }

    @Test
    void an_occurrence_cannot_be_given_any_other_state() {
        String token = alice.abandon("pay", "payment/odd");
        for (String state : List.of("RUNNING", "ABANDONED", "nonsense", "")) {
            assertThat(post(secured, "api/resolve", resolve("payment/odd", token, state), bearer())
                            .status())
                    .isEqualTo(400);
        }
        assertThat(isAbandoned("payment/odd")).isTrue();
    }

    @Test
    void a_request_from_another_site_is_refused_though_it_has_the_session() {
        GuardedRun run = alice.begin(fresh());
        Session session = login();
        String[][] foreign = {
            {"Origin", "https://evil.example"},
            {"Origin", "null"},
            {"Origin", "http://localhost:1"},
            {"Sec-Fetch-Site", "cross-site"},
            {"Sec-Fetch-Site", "same-site"},
        };
        for (String[] header : foreign) {
            Answer answer = post(secured, "api/release", release(run), session.headers(header));
            assertThat(answer.status()).as(String.join(" ", header)).isEqualTo(403);
            assertThat(answer.error()).contains("another site");
            assertThat(post(secured, "api/login", Map.of("credential", CREDENTIAL), header)
                            .status())
                    .isEqualTo(403);
        }
        // What a form of another site can send without being asked first.
        for (String type :
                List.of("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")) {
            assertThat(send(request(secured, "api/release", session.headers("Content-Type", type))
                                    .POST(BodyPublishers.ofString("{}")))
                            .status())
                    .isEqualTo(415);
        }
        for (String csrf : List.of("wrong", login().csrf())) {
            assertThat(post(secured, "api/release", release(run), "Cookie", session.cookie(), "X-Hapax-Csrf", csrf)
                            .status())
                    .isEqualTo(403);
        }
        assertThat(post(secured, "api/release", release(run), "Cookie", session.cookie())
                        .status())
                .isEqualTo(403);
        assertThat(isHeld(run)).isTrue();
        assertThat(audit(lockOf(run))).isEmpty();

        String own = "http://localhost:" + secured.port();
        assertThat(post(secured, "api/release", release(run), session.headers("Origin", own))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void a_session_ends_when_its_owner_logs_out() {
        Session session = login();
        assertThat(get(secured, "api/audit", session.headers()).status()).isEqualTo(200);
        assertThat(post(secured, "api/logout", Map.of(), session.headers()).status())
                .isEqualTo(200);
        assertThat(get(secured, "api/audit", session.headers()).status()).isEqualTo(401);
    }

    @Test
    void a_stream_ends_with_the_session_of_whoever_watches() throws Exception {
        Session session = login();
        HttpResponse<InputStream> stream = client.send(
                request(secured, "api/stream", session.headers()).GET().build(), BodyHandlers.ofInputStream());
        try (InputStream body = stream.body()) {
            assertThat(body.read()).isEqualTo('d');
            assertThat(post(secured, "api/logout", Map.of(), session.headers()).status())
                    .isEqualTo(200);
            CompletableFuture<Integer> rest = OwnThread.supply(() -> {
                try {
                    return body.readAllBytes().length;
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            assertThat(rest).succeedsWithin(Duration.ofSeconds(60));
        }
    }

    @Test
    void whoever_guesses_has_to_wait() {
        Workers.Worker guessed = workers.start("guessed", CREDENTIAL);
        try (ConsoleServer server = new ConsoleServer(guessed.console().servlet())) {
            for (int n = 0; n < 10; n++) {
                assertThat(post(server, "api/login", Map.of("credential", "guess " + n))
                                .status())
                        .isEqualTo(401);
            }
            assertThat(post(server, "api/login", Map.of("credential", CREDENTIAL))
                            .status())
                    .isEqualTo(429);
            // Tokens are counted apart.
            assertThat(get(server, "api/audit", bearer()).status()).isEqualTo(200);
            for (int n = 0; n < 10; n++) {
                assertThat(get(server, "api/audit", "Authorization", "Bearer guess " + n)
                                .status())
                        .isEqualTo(401);
            }
            assertThat(get(server, "api/audit", bearer()).status()).isEqualTo(401);
        }
        workers.stop("guessed");
    }

    @Test
    void what_does_not_fit_is_refused_and_says_why() {
        GuardedRun run = alice.begin(fresh());
        Map<String, Map<String, Object>> wrong = new LinkedHashMap<>();
        wrong.put("to confirm, give the key once more: " + lockOf(run), with(run, "confirm", "another"));
        wrong.put("an intervention needs a reason", with(run, "reason", " "));
        wrong.put("an intervention needs an actor", with(run, "actor", ""));
        wrong.put("must not be longer than 300", with(run, "reason", "x".repeat(301)));
        wrong.put("control characters", with(run, "reason", "line\u001b[2Jfeed"));
        wrong.put("the field owner is missing", with(run, "owner", null));
        wrong.forEach((message, body) -> {
            Answer answer = post(secured, "api/release", body, bearer());
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.error()).contains(message);
        });
        assertThat(post(secured, "api/release", List.of(), bearer()).error()).isEqualTo("send a JSON object");
        assertThat(post(secured, "api/release", with(run, "reason", "x".repeat(20_000)), bearer())
                        .status())
                .isEqualTo(413);
        assertThat(isHeld(run)).isTrue();
        assertThat(audit(lockOf(run))).isEmpty();
    }

    private static Map<String, Object> with(GuardedRun run, String field, String value) {
        return with(release(run), field, value);
    }

    private static Map<String, Object> with(Map<String, Object> body, String field, String value) {
        if (value == null) {
            body.remove(field);
        } else {
            body.put(field, value);
        }
        return body;
    }

    private static Map<String, Object> pause(String lock) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("lock", lock);
        body.put("run", "");
        body.put("confirm", lock);
        body.put("actor", "ann");
        body.put("reason", "the bank is down");
        return body;
    }

    @Test
    void a_key_is_paused_and_resumed_with_the_rights_of_a_release_and_the_audit_says_by_whom() {
        GuardedRun run = alice.begin(fresh());
        String lock = lockOf(run);
        for (String path : List.of("api/pause", "api/resume")) {
            assertThat(post(open, path, pause(lock), bearer()).error()).contains("no credential is configured");
            assertThat(post(secured, path, pause(lock)).status()).isEqualTo(401);
            assertThat(post(secured, path, with(pause(lock), "confirm", "another"), bearer())
                            .error())
                    .contains("to confirm, give the key once more");
            assertThat(post(secured, path, with(pause(lock), "reason", " "), bearer())
                            .error())
                    .contains("an intervention needs a reason");
        }
        assertThat(post(secured, "api/resume", pause(lock), bearer()).error()).contains("is not paused");
        assertThat(audit(lock)).isEmpty();
        // As it stands in a list of a store's keys.
        Answer shortened = post(secured, "api/pause", pause("Rechnung~" + "0".repeat(40)), bearer());
        assertThat(shortened.status()).isEqualTo(400);
        assertThat(shortened.error()).contains("give the whole key");

        assertThat(post(secured, "api/pause", pause(lock), bearer()).status()).isEqualTo(200);
        assertThat(isHeld(run)).isTrue();
        alice.end(run);
        RunRequest next = RunRequest.lock(lock).job("send-invoice");
        assertThat(refused(next)).contains("ann (console): the bank is down");
        Answer listed = get(secured, "api/pauses?text=" + lock.substring(2), bearer());
        assertThat(listed.body().path("found").asInt()).isEqualTo(1);
        assertThat(listed.body().path("pauses").get(0).path("lock").asText()).isEqualTo(lock);
        assertThat(listed.body().path("pauses").get(0).path("reason").asText()).isEqualTo("the bank is down");

        assertThat(post(secured, "api/resume", pause(lock), bearer()).status()).isEqualTo(200);
        alice.end(alice.begin(next));
        assertThat(audit(lock)).extracting(AuditEntry::action).containsExactly(AuditEntry.RESUME, AuditEntry.PAUSE);
        assertThat(audit(lock))
                .extracting(entry -> entry.why().actor())
                .containsExactly("ann (console)", "ann (console)");
    }

    private String refused(RunRequest request) {
        try {
            return ((Admission.Refused) alice.guard().admit(request)).refusal().reason();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_lease_that_somebody_else_has_by_now_is_left_alone() {
        RunRequest request = fresh();
        GuardedRun first = alice.begin(request);
        Map<String, Object> seen = release(first);
        alice.end(first);
        GuardedRun second = bob.begin(request);
        Answer answer = post(secured, "api/release", seen, bearer());
        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.error()).contains("does not hold");
        assertThat(isHeld(second)).isTrue();
        assertThat(audit(lockOf(second))).isEmpty();
    }

    @Test
    void what_changes_something_is_not_reached_by_get() {
        for (String path : List.of(
                "api/release",
                "api/resolve",
                "api/pause",
                "api/resume",
                "api/logout",
                "api/nothing",
                "console.css/..%2f")) {
            assertThat(get(secured, path, bearer()).status()).as(path).isBetween(400, 404);
        }
        for (String method : List.of("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")) {
            for (String path : List.of("api/release", "api/stream")) {
                assertThat(send(request(secured, path, bearer()).method(method, BodyPublishers.noBody()))
                                .status())
                        .isEqualTo(405);
            }
        }
    }

    @Test
    void pages_are_served_without_credential_and_with_headers_that_keep_others_out() {
        for (String page : List.of("", "console.css", "console.js")) {
            Answer answer = get(secured, page);
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.headers().get("content-security-policy").get(0))
                    .contains("default-src 'none'")
                    .contains("frame-ancestors 'none'")
                    .doesNotContain("unsafe");
            assertThat(answer.headers().get("x-content-type-options")).containsExactly("nosniff");
        }
        assertThat(send(HttpRequest.newBuilder(secured.at("").resolve("/console"))
                                .GET())
                        .headers()
                        .get("location"))
                .isEqualTo(List.of("/console/"));
    }

    @Test
    void leases_are_found_in_redis_and_occurrences_in_the_ledger() {
        GuardedRun run = bob.begin(fresh());
        JsonNode answer = get(secured, "api/leases?text=" + lockOf(run).toUpperCase(Locale.ROOT), bearer())
                .body();
        assertThat(answer.path("complete").asBoolean()).isTrue();
        assertThat(answer.path("leases")).singleElement().satisfies(lease -> {
            assertThat(lease.path("lock").asText()).isEqualTo(lockOf(run));
            assertThat(lease.path("worker").asText()).isEqualTo("bob");
            assertThat(lease.path("left").asLong()).isBetween(1L, 30_000L);
        });
        assertThat(get(secured, "api/leases?text=nothing-like-this", bearer())
                        .body()
                        .path("leases"))
                .isEmpty();
        bob.begin(RunRequest.lock("a key with blanks").job("blanks"));
        assertThat(get(secured, "api/leases?text=a+key+with+blanks", bearer())
                        .body()
                        .path("leases"))
                .singleElement()
                .satisfies(lease -> assertThat(lease.path("lock").asText()).startsWith("a_key_with_blanks~"));
        String occurrence = run.identity().run().orElseThrow().value();
        assertThat(get(secured, "api/runs?state=running&text=" + occurrence, bearer())
                        .body())
                .singleElement()
                .satisfies(entry -> assertThat(entry.path("run").asText()).isEqualTo(occurrence));
        assertThat(get(secured, "api/runs?state=done&text=" + occurrence, bearer())
                        .body())
                .isEmpty();
        assertThat(get(secured, "api/runs?state=nonsense", bearer()).status()).isEqualTo(400);
    }

    @Test
    void the_fleet_tells_who_waits_and_why_runs_were_skipped() {
        GuardedRun run = alice.begin(fresh());
        bob.refused(RunRequest.lock(lockOf(run)).job("send-invoice"));
        var waiting = bob.guard()
                .admitAsync(RunRequest.lock(lockOf(run)).job("impatient").waitAtMost(Duration.ofMinutes(1)));
        try {
            await().atMost(Duration.ofSeconds(40)).untilAsserted(() -> {
                JsonNode fleet = get(secured, "api/fleet", bearer()).body().path("fleet");
                assertThat(fleet.path("waiting")).anySatisfy(waits -> {
                    assertThat(waits.path("worker").asText()).isEqualTo("bob");
                    assertThat(waits.path("job").asText()).isEqualTo("impatient");
                    assertThat(waits.path("lock").asText()).isEqualTo(lockOf(run));
                    assertThat(waits.path("reason").asText()).contains("alice");
                });
                assertThat(fleet.path("events")).anySatisfy(event -> {
                    assertThat(event.path("what").asText()).isEqualTo("refused");
                    assertThat(event.path("why").asText()).isEqualTo("OVERLAP");
                    assertThat(event.path("keys").asText()).contains(lockOf(run));
                });
                assertThat(fleet.path("servers").path(0).path("up").asBoolean()).isTrue();
                assertThat(fleet.path("ledger").path("up").asBoolean()).isTrue();
            });
        } finally {
            waiting.cancel(true);
        }
        await().atMost(Duration.ofSeconds(40))
                .untilAsserted(() -> assertThat(get(secured, "api/fleet", bearer())
                                .body()
                                .path("fleet")
                                .path("waiting"))
                        .noneSatisfy(
                                waits -> assertThat(waits.path("job").asText()).isEqualTo("impatient")));
    }

    @Test
    void a_run_that_was_begun_again_is_told_with_its_attempt() {
        String occurrence = "again/" + NUMBER.incrementAndGet();
        String token = alice.abandon("again", occurrence);
        assertThat(post(secured, "api/resolve", resolve(occurrence, token, "RELEASED"), bearer())
                        .status())
                .isEqualTo(200);
        bob.begin(RunRequest.occurrence(occurrence).job("again"));
        await().atMost(Duration.ofSeconds(40)).untilAsserted(() -> {
            JsonNode answer = get(secured, "api/fleet", bearer()).body();
            assertThat(answer.path("runs"))
                    .anySatisfy(run -> assertThat(run.path("run").asText()
                                    + run.path("attempt").asInt())
                            .isEqualTo(occurrence + 2));
            assertThat(answer.path("fleet").path("events"))
                    .anySatisfy(event -> assertThat(event.path("what").asText()).isEqualTo("again"));
        });
    }

    @Test
    void the_page_of_a_job_needs_the_same_rights_and_tells_what_became_of_its_runs() throws Exception {
        assertThat(get(secured, "api/job?name=nightly").status()).isEqualTo(401);
        assertThat(get(open, "api/job").error()).isEqualTo("name the job: api/job?name=…");
        RunRequest request = RunRequest.lock("nightly").job("nightly");
        for (int n = 0; n < 4; n++) {
            alice.succeed(request);
        }
        GuardedRun holder = alice.begin(request);
        bob.refused(request);
        bob.refused(request);
        await().atMost(Duration.ofSeconds(40)).untilAsserted(() -> {
            JsonNode job = get(secured, "api/job?name=nightly", bearer()).body();
            assertThat(job.at("/running/0/worker").asText()).isEqualTo("alice");
            assertThat(job.path("occurrences")).hasSize(5);
            assertThat(job.at("/occurrences/0/what").asText()).isEqualTo("skipped");
            assertThat(job.at("/occurrences/0/count").asInt()).isEqualTo(2);
            assertThat(job.at("/occurrences/0/held/worker").asText()).isEqualTo("alice");
            assertThat(job.at("/occurrences/1/what").asText()).isEqualTo("ran");
            assertThat(job.at("/summary/success").asLong()).isPositive();
            assertThat(job.at("/summary/strip").asText()).isEqualTo("rrrrs");
        });
        alice.end(holder);
        assertThat(get(open, "api/job?name=unknown").body().path("occurrences")).isEmpty();
    }

    @Test
    void a_credential_that_is_too_short_is_refused_at_start() {
        assertThat(Optional.of(bob.store()))
                .hasValueSatisfying(store -> org.assertj.core.api.Assertions.assertThatIllegalArgumentException()
                        .isThrownBy(() -> Console.builder(store).credential("short"))
                        .withMessageContaining("at least 8 characters, has 5"));
    }
}
