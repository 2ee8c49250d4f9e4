package io.hapax.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the filter answers to whoever sends something else than a fresh token. */
class FencingFilterTest {

    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final Fence FENCE = Fence.inMemory(Duration.ofDays(1));

    private static HttpResponse<String> post(Receiver receiver, String... headers) throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(receiver.address()).POST(HttpRequest.BodyPublishers.noBody());
        if (headers.length > 0) {
            request.headers(headers);
        }
        return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    @ParameterizedTest
    @CsvSource({
        "0, k",
        "-1, k",
        "01, k",
        "1.5, k",
        "seven, k",
        "9223372036854775808, k",
        "99999999999999999999, k",
        "1, a b",
    })
    void headers_that_are_none_are_refused(String token, String key) throws Exception {
        try (Receiver receiver = new Receiver(FencingFilter.of(FENCE))) {
            HttpResponse<String> answer = post(receiver, "Fencing-Token", token, "Fencing-Key", key);
            assertThat(answer.statusCode()).isEqualTo(400);
            assertThat(answer.body()).contains("urn:hapax:problem:invalid-fencing-token");
            assertThat(receiver.passed()).isEmpty();
        }
    }

    @Test
    void one_header_without_the_other_or_two_of_one_are_refused() throws Exception {
        try (Receiver receiver = new Receiver(FencingFilter.of(FENCE))) {
            assertThat(post(receiver, "Fencing-Token", "1").statusCode()).isEqualTo(400);
            assertThat(post(receiver, "Fencing-Key", "k").statusCode()).isEqualTo(400);
            assertThat(post(receiver, "Fencing-Token", "1", "Fencing-Token", "2", "Fencing-Key", "k")
                            .statusCode())
                    .isEqualTo(400);
            assertThat(receiver.passed()).isEmpty();
        }
    }

    @Test
    void requests_without_a_token_pass_unless_one_is_required() throws Exception {
        try (Receiver receiver = new Receiver(FencingFilter.of(FENCE));
                Receiver strict = new Receiver(FencingFilter.of(FENCE).required())) {
            assertThat(post(receiver).statusCode()).isEqualTo(200);
            HttpResponse<String> answer = post(strict);
            assertThat(answer.statusCode()).isEqualTo(428);
            assertThat(answer.body()).contains("\"status\":428", "Fencing-Token");
            assertThat(post(strict, "Fencing-Token", "1", "Fencing-Key", "strict")
                            .statusCode())
                    .isEqualTo(200);
            assertThat(strict.passed()).hasSize(1);
        }
    }

    @Test
    void nothing_passes_while_the_fence_cannot_tell() throws Exception {
        Fence broken = (key, token) -> {
            throw new FenceException("no answer", new IllegalStateException("on purpose"));
        };
        try (Receiver receiver = new Receiver(FencingFilter.of(broken))) {
            HttpResponse<String> answer = post(receiver, "Fencing-Token", "1", "Fencing-Key", "k");
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.body()).contains("urn:hapax:problem:fence-unavailable");
            assertThat(receiver.passed()).isEmpty();
        }
    }
}
