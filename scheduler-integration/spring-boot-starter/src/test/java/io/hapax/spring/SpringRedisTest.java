package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.EmbeddedSentinel;
import io.hapax.testkit.TestCertificates;
import io.hapax.testkit.TlsRedis;
import io.hapax.testkit.WallClock;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.ssl.SslAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.mock.env.MockEnvironment;

/** Where hapax.redis.* says nothing, the application's own settings of Redis do. */
@Tag("slow")
class SpringRedisTest {

    private static final String PASSWORD = "p@ss#w?rd/:% +";

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class, SslAutoConfiguration.class))
            .withPropertyValues(
                    "hapax.redis.first-start=" + WallClock.now(),
                    "hapax.redis.answer-timeout=6s",
                    "hapax.redis.namespace=of-spring-" + UUID.randomUUID());

    private static void works(ApplicationContextRunner application) {
        application.run(context -> {
            assertThat(context).hasNotFailed();
            assertThat(context.getBean(JobGuard.class).run(RunRequest.lock("works"), run -> true))
                    .isInstanceOf(RunResult.Ran.class);
        });
    }

    private static String addresses(List<String> urls) {
        return urls.stream().map(url -> url.replace("redis://", "")).collect(Collectors.joining(","));
    }

    @Test
    void one_server_by_its_address_or_by_host_port_password_and_database() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--requirepass", PASSWORD)) {
            String server = redis.url().replace("redis://", "");
            works(runner.withPropertyValues("spring.data.redis.url=redis://:p%40ss%23w%3Frd%2F%3A%25%20%2B@" + server));
            works(runner.withPropertyValues(
                    "spring.data.redis.host=" + server.split(":")[0],
                    "spring.data.redis.port=" + server.split(":")[1],
                    "spring.data.redis.username=default",
                    "spring.data.redis.password=" + PASSWORD,
                    "spring.data.redis.database=3"));
            assertThat(redis.command("INFO", "keyspace")).contains("db0:", "db3:");
        }
    }

    @Test
    void the_setting_is_named_when_the_server_cannot_be_reached() {
        runner.withPropertyValues("spring.data.redis.host=127.0.0.1", "spring.data.redis.port=1")
                .run(context -> assertThat(WrongSettingsTest.cause(context.getStartupFailure()))
                        .hasMessageStartingWith("spring.data.redis.host: cannot connect to Redis at 127.0.0.1:1"));
        runner.withPropertyValues("spring.data.redis.ssl.bundle=mine")
                .run(context -> assertThat(WrongSettingsTest.cause(context.getStartupFailure()))
                        .hasMessageContaining("there is no SSL bundle 'mine'"));
        runner.withPropertyValues("spring.data.redis.sentinel.master=m")
                .run(context -> assertThat(WrongSettingsTest.cause(context.getStartupFailure()))
                        .hasMessageContaining("spring.data.redis.sentinel.nodes must name servers"));
    }

    /** What the application says of other things than the server names no server. */
    @ParameterizedTest
    @ValueSource(strings = {"spring.data.redis.repositories.enabled=false", "spring.data.redis.client-type=lettuce"})
    void settings_that_say_nothing_of_a_server(String setting) {
        runner.withPropertyValues(setting)
                .run(context -> assertThat(WrongSettingsTest.cause(context.getStartupFailure()))
                        .hasMessageContaining("neither it nor spring.data.redis.* is set"));
    }

    @Test
    void sentinel() {
        try (EmbeddedSentinel sentinel = PatientTopologies.sentinel()) {
            works(runner.withPropertyValues(
                    "spring.data.redis.sentinel.master=" + EmbeddedSentinel.MASTER_NAME,
                    "spring.data.redis.sentinel.nodes=" + addresses(sentinel.urls())));
        }
    }

    @Test
    void a_cluster() {
        try (EmbeddedCluster cluster = PatientTopologies.cluster()) {
            works(runner.withPropertyValues("spring.data.redis.cluster.nodes=" + addresses(cluster.urls())));
        }
    }

    @Test
    void a_bundle_of_certificates() throws Exception {
        try (TestCertificates files = TestCertificates.of("dns:localhost,ip:127.0.0.1");
                TlsRedis redis = TlsRedis.start(files)) {
            works(runner.withPropertyValues(
                    "spring.ssl.bundle.pem.redis.truststore.certificate=file:" + files.authorityFile(),
                    "spring.data.redis.ssl.bundle=redis",
                    "spring.data.redis.host=localhost",
                    "spring.data.redis.port=" + redis.tlsPort()));
            for (String password : List.of("quokka[zebu", "quokka@x#zebu", "quokka?zebu")) {
                runner.withPropertyValues(
                                "spring.ssl.bundle.pem.redis.truststore.certificate=file:" + files.authorityFile(),
                                "spring.data.redis.ssl.bundle=redis",
                                "spring.data.redis.url=rediss://:" + password + "@localhost:" + redis.tlsPort())
                        .run(context -> assertThat(stackTrace(context.getStartupFailure()))
                                .contains("spring.data.redis.url", "percent-encode")
                                .doesNotContain("quokka", "zebu"));
            }
        }
    }

    private static String stackTrace(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "org."})
    void unless_set_the_ttl_fits_the_time_after_which_jobrunr_takes_a_server_for_dead(String prefix) {
        String server = prefix + "jobrunr.background-job-server.";
        MockEnvironment environment = new MockEnvironment();
        assertThat(JobRunrTimeout.of(environment).fittingTtl(null)).isNull();
        environment.setProperty(server + "enabled", "true");
        // 60 s by JobRunr's own defaults, of which 30 s are half.
        assertThat(JobRunrTimeout.of(environment).fittingTtl(null)).isNull();
        environment.setProperty(server + "poll-interval-in-seconds", "10");
        assertThat(JobRunrTimeout.of(environment).fittingTtl(null)).hasSeconds(20);
        environment.setProperty(server + "poll-interval-in-seconds", "5");
        assertThat(JobRunrTimeout.of(environment).fittingTtl(null)).hasSeconds(10);
        environment.setProperty(server + "poll-interval-in-seconds", "1");
        assertThat(JobRunrTimeout.of(environment).fittingTtl(null)).hasSeconds(10);
        // Answers that may take long need a ttl into which several of them fit.
        assertThat(JobRunrTimeout.of(environment).fittingTtl(Duration.ofSeconds(3)))
                .hasSeconds(18);
        assertThat(JobRunrTimeout.of(environment).fittingTtl(Duration.ofSeconds(5)))
                .isNull();
        environment.setProperty(server + "server-timeout-poll-interval-multiplicand", "40");
        assertThat(JobRunrTimeout.of(environment).fittingTtl(null)).hasSeconds(20);
    }

    @Test
    void a_ttl_that_is_set_stays() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            ApplicationContextRunner jobs = runner.withPropertyValues(
                    "spring.data.redis.url=" + redis.url(),
                    "hapax.redis.answer-timeout=1s",
                    "hapax.redis.lazy=true",
                    "jobrunr.background-job-server.enabled=true",
                    "jobrunr.background-job-server.poll-interval-in-seconds=5");
            jobs.run(context ->
                    assertThat(context.getBean(JobGuard.class).defaults().ttl()).hasSeconds(10));
            jobs.withPropertyValues("hapax.defaults.ttl=25s")
                    .run(context -> assertThat(
                                    context.getBean(JobGuard.class).defaults().ttl())
                            .hasSeconds(25));
        }
    }
}
