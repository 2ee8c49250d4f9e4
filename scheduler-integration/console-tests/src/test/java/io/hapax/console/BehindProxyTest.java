package io.hapax.console;

import static io.hapax.console.Workers.CREDENTIAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A proxy ends TLS before the page, and all requests come from its address. */
@Tag("slow")
class BehindProxyTest {

    private static final AtomicInteger NUMBER = new AtomicInteger();
    private static final String WRONG = "not the credential";

    private static EmbeddedRedis redis;
    private static Workers workers;

    private final HttpClient client = HttpClient.newHttpClient();
    private String worker;
    private ConsoleServer server;

    @BeforeAll
    static void startRedis() {
        redis = EmbeddedRedis.start();
        workers = new Workers(redis, null);
    }

    @AfterAll
    static void stopRedis() {
        workers.close();
        redis.close();
    }

    @BeforeEach
    void start() {
        worker = "worker-" + NUMBER.incrementAndGet();
        server = new ConsoleServer(workers.start(worker, CREDENTIAL).console().servlet());
    }

    @AfterEach
    void stop() {
        server.close();
        workers.stop(worker);
    }

    private HttpResponse<String> login(String credential, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.at("api/login"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"credential\": \"" + credential + "\"}"));
        return client.send((headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
    }

    private int read(String token, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(server.at("api/audit")).header("Authorization", "Bearer " + token);
        return client.send((headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString())
                .statusCode();
    }

    private boolean isSecure(String... headers) throws IOException, InterruptedException {
        HttpResponse<String> answer = login(CREDENTIAL, headers);
        assertThat(answer.statusCode()).isEqualTo(200);
        return answer.headers().firstValue("Set-Cookie").orElseThrow().contains("; Secure");
    }

    private static String[] from(String client) {
        return new String[] {"X-Forwarded-For", client};
    }

    @Test
    void the_cookie_of_a_browser_that_speaks_tls_goes_over_tls_only_though_the_proxy_speaks_none() throws Exception {
        assertThat(isSecure("Origin", "https://localhost:" + server.port())).isTrue();
        // Else it would never come back.
        assertThat(isSecure("Origin", "http://localhost:" + server.port())).isFalse();
        assertThat(isSecure()).isFalse();
    }

    @Test
    void wrong_credentials_of_one_client_keep_no_other_one_behind_the_proxy_out() throws Exception {
        for (int n = 0; n < 10; n++) {
            assertThat(login(WRONG, from("192.0.2.66")).statusCode()).isEqualTo(401);
            assertThat(read(WRONG, from("192.0.2.66"))).isEqualTo(401);
        }
        assertThat(login(CREDENTIAL, from("192.0.2.66")).statusCode()).isEqualTo(429);
        assertThat(read(CREDENTIAL, from("192.0.2.66"))).isEqualTo(401);
        assertThat(login(CREDENTIAL, from("192.0.2.7")).statusCode()).isEqualTo(200);
        assertThat(read(CREDENTIAL, from("192.0.2.7"))).isEqualTo(200);
        assertThat(login(CREDENTIAL).statusCode()).isEqualTo(200);
    }

    @Test
    void whoever_only_claims_to_be_many_cannot_go_on_guessing() throws Exception {
        for (int n = 0; n < 100; n++) {
            assertThat(login(WRONG, from("198.51.100." + n)).statusCode()).isEqualTo(401);
        }
        assertThat(login(WRONG, from("198.51.100.200")).statusCode()).isEqualTo(429);
        assertThat(login(CREDENTIAL, from("198.51.100.201")).statusCode()).isEqualTo(429);
        assertThat(login(CREDENTIAL).statusCode()).as("without a claim").isEqualTo(200);
    }

    /** Starts anew, with the address from which the tests come as a proxy. */
    private void trust(String... proxies) {
        server.close();
        workers.stop(worker);
        server = new ConsoleServer(
                workers.start(worker, builder -> builder.credential(CREDENTIAL).proxies(List.of(proxies)))
                        .console()
                        .servlet());
    }

    @Test
    void the_word_of_a_configured_proxy_counts_and_nobody_elses() throws Exception {
        assertThat(isSecure("X-Forwarded-Proto", "https")).isFalse();
        trust("127.0.0.0/8", "::1");
        assertThat(isSecure("X-Forwarded-Proto", "https")).isTrue();
        assertThat(isSecure("X-Forwarded-Proto", "HTTPS, http")).isTrue();
        assertThat(isSecure("X-Forwarded-Proto", "http")).isFalse();
        trust("192.0.2.1");
        assertThat(isSecure("X-Forwarded-Proto", "https")).isFalse();
    }

    @Test
    void behind_configured_proxies_a_client_is_who_the_first_of_them_has_seen_whatever_it_claims() throws Exception {
        trust("127.0.0.1", "10.0.0.0/8");
        for (int n = 0; n < 10; n++) {
            // The client has written the first part itself.
            assertThat(login(WRONG, from("203.0.113." + n + ", 192.0.2.66:4711, 10.1.2.3"))
                            .statusCode())
                    .isEqualTo(401);
        }
        assertThat(login(CREDENTIAL, from("203.0.113.99, 192.0.2.66, 10.9.9.9")).statusCode())
                .isEqualTo(429);
        for (int n = 0; n < 120; n++) {
            assertThat(login(WRONG, from("192.0.3." + n)).statusCode()).isEqualTo(401);
        }
        assertThat(login(CREDENTIAL, from("192.0.2.7")).statusCode()).isEqualTo(200);
        assertThat(login(CREDENTIAL, from("[2001:db8::7]:80")).statusCode()).isEqualTo(200);
        assertThat(login(CREDENTIAL, from("nonsense")).statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "proxy.example", "10.0.0.0/33", "10.0.0.0/x", "10.0.0", "300.1.1.1", "fd00::/129", "::g"})
    void what_is_no_address_of_a_proxy_is_refused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Proxies.of(List.of("10.0.0.7", text)))
                .withMessageContaining("such as 10.0.0.7, 10.0.0.0/8 or fd00::/8; was '" + text + "'");
    }

    @Test
    void a_browser_that_has_logged_in_before_does_not_wait_for_what_others_guess_from_its_address() throws Exception {
        String known = login(CREDENTIAL).headers().allValues("Set-Cookie").stream()
                .filter(cookie -> cookie.contains("-known="))
                .findFirst()
                .orElseThrow();
        assertThat(known).contains("HttpOnly").contains("SameSite=Strict");
        String[] browser = {"Cookie", known.substring(0, known.indexOf(';'))};
        for (int n = 0; n < 10; n++) {
            assertThat(login(WRONG).statusCode()).isEqualTo(401);
        }
        assertThat(login(CREDENTIAL).statusCode()).isEqualTo(429);
        assertThat(login(CREDENTIAL, browser).statusCode()).isEqualTo(200);
        for (int n = 0; n < 10; n++) {
            assertThat(login(WRONG, browser).statusCode()).isEqualTo(401);
        }
        assertThat(login(CREDENTIAL, browser).statusCode()).as("its own").isEqualTo(429);
    }
}
