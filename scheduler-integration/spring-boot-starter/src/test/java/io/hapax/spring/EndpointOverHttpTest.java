package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.spring.test.InMemoryHapax;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.Principal;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** The endpoint as an operator calls it. */
@InMemoryHapax
@SpringBootTest(
        classes = EndpointOverHttpTest.Application.class,
        webEnvironment = WebEnvironment.RANDOM_PORT,
        properties = {
            "management.endpoints.web.exposure.include=hapax,health,metrics",
            "management.endpoint.health.show-details=always",
            "hapax.force-release-enabled=true"
        })
class EndpointOverHttpTest {

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration(
            excludeName = {
                "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
                "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration",
                "org.jobrunr.spring.autoconfigure.JobRunrAutoConfiguration"
            })
    static class Application {

        /** As a container or Spring Security would. */
        @Bean
        Filter login() {
            return (request, response, chain) -> {
                String user = ((HttpServletRequest) request).getHeader("X-Test-User");
                chain.doFilter(
                        user == null
                                ? request
                                : new HttpServletRequestWrapper((HttpServletRequest) request) {
                                    @Override
                                    public Principal getUserPrincipal() {
                                        return () -> user;
                                    }
                                },
                        response);
            };
        }
    }

    @Autowired
    private JobGuard guard;

    @Autowired
    private Environment environment;

    private HttpResponse<String> call(String method, String path, String... headers)
            throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + environment.getProperty("local.server.port") + "/actuator/" + path);
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.noBody());
        return HttpClient.newHttpClient()
                .send(
                        (headers.length == 0 ? request : request.headers(headers)).build(),
                        HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void who_holds_a_key_is_asked_and_a_lease_is_taken_away_by_http() throws Exception {
        GuardedRun run = guard.admit(RunRequest.lock("invoice/7")).fold(admitted -> admitted, refusal -> {
            throw new AssertionError(refusal);
        });
        try (run) {
            assertThat(call("GET", "hapax").body()).contains("\"worker\"").contains("\"recent\"");
            assertThat(call("GET", "hapax/lock/invoice/7").body()).contains("\"held\":true");
            assertThat(call("GET", "hapax/key/invoice/7").statusCode()).isEqualTo(400);
            assertThat(call("DELETE", "hapax/lock/invoice/7", "X-Test-User", "ops")
                            .statusCode())
                    .isEqualTo(400);
            assertThat(call("DELETE", "hapax/lock/invoice/7?reason=gone&actor=eve")
                            .body())
                    .contains("somebody who has logged in");
            // A browser asks first whether another site may do that, and sends nothing if it is not told so.
            HttpResponse<String> preflight = call(
                    "OPTIONS",
                    "hapax/lock/invoice/7?reason=gone&actor=eve",
                    "Origin",
                    "https://evil.example",
                    "Access-Control-Request-Method",
                    "DELETE");
            assertThat(preflight.headers().map().keySet())
                    .noneMatch(name -> name.toLowerCase(Locale.ROOT).startsWith("access-control-allow"));
            // A form of another site cannot send JSON.
            assertThat(call("POST", "hapax/lock/invoice/7?pause=true&reason=gone", "X-Test-User", "ops")
                            .statusCode())
                    .isEqualTo(415);
            assertThat(guard.admin()
                            .paused(new JobIdentity(new LockKey("invoice/7"), null))
                            .join())
                    .isEmpty();
            assertThat(call("GET", "hapax/lock/invoice/7").body()).contains("\"held\":true");
            assertThat(call("DELETE", "hapax/lock/invoice/7?reason=gone&actor=eve", "X-Test-User", "ops")
                            .body())
                    .contains("\"held\":true");
            assertThat(call("GET", "hapax/lock/invoice/7").body()).contains("\"held\":false");
            assertThat(call("GET", "health").body()).contains("\"hapax\"").contains("\"store\":\"answers\"");
            assertThat(call("GET", "metrics").body()).contains("\"hapax.wait\"", "\"hapax.active\"");
        }
    }
}
