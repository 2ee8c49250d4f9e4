package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.lease.LeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** Where leases are kept: on an address, a quorum, or with a client of the application. */
class StoreTest {

    private static final List<EmbeddedRedis> SERVERS =
            Stream.generate(EmbeddedRedis::start).limit(3).toList();

    /** The time that a busy machine needs: the longest that the usual ttl allows. */
    private static final String PATIENCE = "hapax.redis.answer-timeout=6s";

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
            .withPropertyValues(
                    "hapax.redis.first-start=" + WallClock.now(), "hapax.redis.namespace=store-" + UUID.randomUUID());

    @AfterAll
    static void stop() {
        SERVERS.forEach(EmbeddedRedis::close);
    }

    private static void assertWorks(JobGuard guard) throws Exception {
        assertThat(guard.run(RunRequest.lock("works"), run -> true)).isInstanceOf(RunResult.Ran.class);
    }

    @Test
    void a_client_of_the_application_is_used_and_left_open() {
        Config config = new Config();
        config.useSingleServer().setAddress(SERVERS.get(0).url());
        RedissonClient client = Redisson.create(config);
        try {
            runner.withPropertyValues(PATIENCE)
                    .withBean(RedissonClient.class, () -> client, definition -> definition.setDestroyMethodName(""))
                    .run(context -> assertWorks(context.getBean(JobGuard.class)));
            assertThat(client.isShutdown()).isFalse();
        } finally {
            client.shutdown(0, 1, java.util.concurrent.TimeUnit.SECONDS);
        }
    }

    @Test
    void an_application_may_have_any_readable_name() {
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
                .withPropertyValues(
                        "hapax.redis.first-start=" + WallClock.now(),
                        "hapax.redis.url=" + SERVERS.get(0).url(),
                        PATIENCE,
                        "spring.application.name=Überweisungen der Filiale " + UUID.randomUUID())
                .run(context -> assertWorks(context.getBean(JobGuard.class)));
    }

    @Test
    void three_addresses_are_a_quorum() {
        runner.withPropertyValues(
                        PATIENCE,
                        "hapax.redis.quorum="
                                + SERVERS.stream().map(EmbeddedRedis::url).collect(Collectors.joining(",")))
                .run(context -> {
                    assertThat(context.getBean(LeaseStore.class).fingerprint()).startsWith("quorum of 3");
                    assertWorks(context.getBean(JobGuard.class));
                });
    }

    @Test
    void a_short_ttl_shortens_the_answer_timeout_and_a_long_one_lengthens_the_longest() {
        String url = "hapax.redis.url=" + SERVERS.get(0).url();
        runner.withPropertyValues(url, "hapax.redis.lazy=true", "hapax.defaults.ttl=3s")
                .run(context -> assertThat(context.getBean(LeaseStore.class).answerTimeout())
                        .isEqualTo(Duration.ofMillis(500)));
        runner.withPropertyValues(
                        url,
                        "hapax.redis.namespace=short-" + UUID.randomUUID(),
                        "hapax.defaults.ttl=2m",
                        "hapax.redis.longest-ttl=1m")
                .run(context -> assertThat(context.getStartupFailure())
                        .rootCause()
                        .hasMessageContaining("PT2M is longer than PT1M")
                        .hasMessageContaining("hapax.redis.longest-ttl"));
        runner.withPropertyValues(
                        url, PATIENCE, "hapax.redis.namespace=long-" + UUID.randomUUID(), "hapax.defaults.ttl=2m")
                .run(context -> assertWorks(context.getBean(JobGuard.class)));
    }
}
