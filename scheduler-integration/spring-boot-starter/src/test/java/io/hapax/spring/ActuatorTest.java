package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.security.Principal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Health, meters, and the endpoint, on a real Redis and a real PostgreSQL. */
@Tag("slow")
class ActuatorTest {

    private static final Duration LONGEST = Duration.ofSeconds(40);
    private static final EmbeddedRedis REDIS = EmbeddedRedis.start();

    @AfterAll
    static void stop() {
        REDIS.close();
    }

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration({
        DataSourceAutoConfiguration.class,
        HapaxAutoConfiguration.class,
        HapaxActuatorAutoConfiguration.class
    })
    static class Application {
        @Bean
        MeterRegistry meters() {
            return new SimpleMeterRegistry();
        }
    }

    private static ConfigurableApplicationContext start(Contexts contexts, String... more) {
        DatabaseAddress database = EmbeddedDatabase.shared().createDatabase("actuator_" + System.nanoTime());
        String[] properties = {
            "spring.datasource.url=" + database.jdbcUrl(),
            "spring.datasource.username=" + database.user(),
            "spring.datasource.password=" + database.password(),
            "hapax.ledger.enabled=true",
            "hapax.ledger.migrate=true"
        };
        String[] all = java.util.stream.Stream.concat(
                        java.util.Arrays.stream(properties), java.util.Arrays.stream(more))
                .toArray(String[]::new);
        return contexts.replica(REDIS, Application.class, all);
    }

    private static GuardedRun admitted(JobGuard guard, String key) throws InterruptedException {
        // The first answer of a ledger, whose time is not set, may come too late.
        return guard.admit(RunRequest.lock(key).waitAtMost(LONGEST)).fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        });
    }

    @Test
    void the_endpoint_tells_who_holds_a_key_and_why_runs_were_refused() throws Exception {
        try (Contexts contexts = new Contexts()) {
            ConfigurableApplicationContext context = start(contexts, "hapax.worker=me");
            JobGuard guard = context.getBean(JobGuard.class);
            HapaxEndpoint endpoint = context.getBean(HapaxEndpoint.class);
            try (GuardedRun run = admitted(guard, "invoice/7")) {
                assertThat(guard.admit(RunRequest.lock("invoice/7"))).isNotNull();
                assertThat(endpoint.holder("lock", "invoice", "7").getBody())
                        .containsEntry("held", true)
                        .containsEntry("worker", "me")
                        .containsKeys("since", "token", "owner");
                assertThat(endpoint.worker()).containsEntry("worker", "me").containsKey("defaults");
                assertThat(recent(endpoint))
                        .first()
                        .satisfies(event -> assertThat(event)
                                .containsEntry("what", "refused")
                                .containsEntry("why", "OVERLAP")
                                .containsEntry("holder", "me"));
            }
            assertThat(endpoint.holder("lock", "invoice", "7").getBody()).containsEntry("held", false);
            assertRefused(endpoint.holder("key", "x"), 400, "hapax/lock/{key}");
            MeterRegistry meters = context.getBean(MeterRegistry.class);
            assertThat(meters.get("hapax.refused").counters()).isNotEmpty();
            try (GuardedRun run = admitted(guard, "gauged");
                    GuardedRun.Scope scope = run.enter()) {
                assertThat(meters.get("hapax.active").gauge().value()).isEqualTo(1);
            }
            try (GuardedRun run = admitted(guard, "invoice/8");
                    GuardedRun.Scope scope = run.enter()) {
                assertThat(meters.get("hapax.active").gauge().value()).isEqualTo(1);
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> recent(HapaxEndpoint endpoint) {
        return (List<Map<String, Object>>) endpoint.worker().get("recent");
    }

    private static void assertRefused(WebEndpointResponse<Map<String, Object>> answer, int status, String why) {
        assertThat(answer.getStatus()).isEqualTo(status);
        assertThat(answer.getBody())
                .hasEntrySatisfying(
                        "error", text -> assertThat(String.valueOf(text)).contains(why));
    }

    private static SecurityContext loggedIn(String name) {
        return new SecurityContext() {
            @Override
            public Principal getPrincipal() {
                return () -> name;
            }

            @Override
            public boolean isUserInRole(String role) {
                return false;
            }
        };
    }

    @Test
    void nothing_is_taken_away_unless_the_application_allows_it_and_somebody_logged_in_gives_a_reason()
            throws Exception {
        try (Contexts contexts = new Contexts()) {
            ConfigurableApplicationContext context = start(contexts);
            HapaxEndpoint endpoint = context.getBean(HapaxEndpoint.class);
            assertRefused(
                    endpoint.forceRelease("lock", new String[] {"x"}, "stuck", "eve", loggedIn("ops")),
                    403,
                    "hapax.force-release-enabled=true");
        }
        try (Contexts contexts = new Contexts()) {
            ConfigurableApplicationContext context = start(contexts, "hapax.force-release-enabled=true");
            HapaxEndpoint endpoint = context.getBean(HapaxEndpoint.class);
            JobGuard guard = context.getBean(JobGuard.class);
            try (GuardedRun run = admitted(guard, "x")) {
                assertRefused(
                        endpoint.forceRelease(
                                "lock", new String[] {"x"}, "worker is gone", "eve", SecurityContext.NONE),
                        403,
                        "by somebody who has logged in");
                assertRefused(
                        endpoint.forceRelease("lock", new String[] {"x"}, " ", "eve", loggedIn("ops")),
                        400,
                        "a reason is needed");
                assertRefused(
                        endpoint.forceRelease("lock", new String[] {"x"}, "x".repeat(400), "eve", loggedIn("ops")),
                        400,
                        "must not be longer than 300");
                assertThat(endpoint.holder("lock", "x").getBody()).containsEntry("held", true);
                assertThat(endpoint.forceRelease("lock", new String[] {"x"}, "worker is gone", "eve", loggedIn("ops"))
                                .getBody())
                        .containsEntry("held", true);
                assertThat(endpoint.holder("lock", "x").getBody()).containsEntry("held", false);
                // Beside the loss, once that is noticed.
                assertThat(recent(endpoint))
                        .anySatisfy(event -> assertThat(event)
                                .containsEntry("what", "forced")
                                .containsEntry("reason", "by eve, logged in as ops (actuator): worker is gone"));
            }
        }
    }

    @Test
    void a_key_is_paused_and_resumed_where_leases_may_be_taken_away() throws Exception {
        String[] key = {"reports", "x"};
        try (Contexts contexts = new Contexts()) {
            HapaxEndpoint endpoint = start(contexts).getBean(HapaxEndpoint.class);
            assertRefused(
                    endpoint.pause("lock", key, true, "why", null, loggedIn("ops")),
                    403,
                    "keys are not paused and resumed here: set hapax.force-release-enabled=true");
        }
        try (Contexts contexts = new Contexts()) {
            ConfigurableApplicationContext context = start(contexts, "hapax.force-release-enabled=true");
            HapaxEndpoint endpoint = context.getBean(HapaxEndpoint.class);
            JobGuard guard = context.getBean(JobGuard.class);
            assertRefused(
                    endpoint.pause("lock", key, true, "why", null, SecurityContext.NONE),
                    403,
                    "by somebody who has logged in");
            assertRefused(endpoint.pause("lock", key, true, null, null, loggedIn("ops")), 400, "a reason is needed");
            assertThat(endpoint.holder("lock", key).getBody()).doesNotContainKey("paused");
            assertThat(endpoint.pause("lock", key, true, "wrong sums", "eve", loggedIn("ops"))
                            .getBody())
                    .containsEntry("paused", true);
            assertThat(endpoint.holder("lock", key).getBody())
                    .containsEntry("pausedBy", "eve, logged in as ops (actuator)")
                    .containsEntry("pausedFor", "wrong sums");
            assertThat(guard.admit(RunRequest.lock("reports/x"))).isInstanceOf(Admission.Refused.class);
            assertThat(endpoint.pause("lock", key, false, "mended", null, loggedIn("ops"))
                            .getBody())
                    .containsEntry("changed", true);
            assertThat(endpoint.pause("lock", key, false, "mended", null, loggedIn("ops"))
                            .getBody())
                    .containsEntry("changed", false);
            admitted(guard, "reports/x").close();
        }
    }

    @Test
    void health_is_up_while_store_and_ledger_answer_and_down_while_one_does_not() {
        try (Contexts contexts = new Contexts()) {
            HealthIndicator indicator = start(contexts, "hapax.redis.answer-timeout=3s")
                    .getBean("hapaxHealthIndicator", HealthIndicator.class);
            Health up = await().atMost(LONGEST)
                    .until(() -> indicator.health(), seen -> seen.getStatus().equals(Status.UP));
            assertThat(up.getDetails()).containsEntry("store", "answers").containsEntry("ledger", "answers");
            REDIS.freeze();
            try {
                Health down = indicator.health();
                assertThat(down.getStatus()).isEqualTo(Status.DOWN);
                assertThat(String.valueOf(down.getDetails().get("store"))).contains("no answer within 3000 ms");
            } finally {
                REDIS.thaw();
            }
        }
    }
}
