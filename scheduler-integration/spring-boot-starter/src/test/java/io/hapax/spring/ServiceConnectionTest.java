package io.hapax.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.EmbeddedSentinel;
import io.hapax.testkit.TestCertificates;
import io.hapax.testkit.WallClock;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.pem.PemSslStoreBundle;
import org.springframework.boot.ssl.pem.PemSslStoreDetails;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** Servers that Testcontainers or Docker Compose have started, as Spring Boot hands them on. */
@Tag("slow")
class ServiceConnectionTest {

    private static final String PASSWORD = "p@ss#w?rd/:% +";
    private static final Class<?> REDIS = BootGeneration.present().redisConnectionDetails();
    private static final Class<?> JDBC = BootGeneration.present().jdbcConnectionDetails();

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(HapaxAutoConfiguration.class))
            .withPropertyValues(
                    "hapax.redis.first-start=" + WallClock.now(),
                    "hapax.redis.answer-timeout=6s",
                    "hapax.redis.namespace=service-" + UUID.randomUUID());

    private static void works(ApplicationContextRunner application) {
        application.run(context -> {
            assertThat(context).hasNotFailed();
            // A database of a busy machine may once answer too late.
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(
                            () -> assertThat(context.getBean(JobGuard.class).run(RunRequest.lock("works"), run -> true))
                                    .isInstanceOf(RunResult.Ran.class));
        });
    }

    /** Details that answer so, and otherwise as their interface does. */
    private static Object answering(Class<?> type, Map<String, Object> answers) {
        return Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> answers.containsKey(method.getName())
                        ? answers.get(method.getName())
                        : method.isDefault()
                                ? InvocationHandler.invokeDefault(proxy, method, arguments)
                                : method.getName().equals("toString") ? "details" : null);
    }

    @SuppressWarnings("unchecked")
    private static <T> ApplicationContextRunner with(ApplicationContextRunner application, Class<T> type, Object bean) {
        return application.withBean(type, () -> (T) bean);
    }

    private ApplicationContextRunner redis(String part, Map<String, Object> server, Map<String, Object> more) {
        Map<String, Object> answers = new HashMap<>(more);
        Class<?> type = Arrays.stream(REDIS.getMethods())
                .filter(method -> method.getName().equals("get" + part))
                .findFirst()
                .orElseThrow()
                .getReturnType();
        answers.put("get" + part, answering(type, server));
        return with(runner, REDIS, answering(REDIS, answers));
    }

    private ApplicationContextRunner standalone(String url, Map<String, Object> more) {
        URI address = URI.create(url);
        return redis(
                "Standalone",
                Map.of("getHost", address.getHost(), "getPort", address.getPort(), "getDatabase", 3),
                more);
    }

    private static List<Object> nodes(List<String> urls) throws ReflectiveOperationException {
        Constructor<?> node = Class.forName(REDIS.getName() + "$Node").getConstructor(String.class, int.class);
        Object[] all = new Object[urls.size()];
        for (int i = 0; i < all.length; i++) {
            URI address = URI.create(urls.get(i));
            all[i] = node.newInstance(address.getHost(), address.getPort());
        }
        return List.of(all);
    }

    @Test
    void its_server_takes_the_place_of_the_one_in_spring_data_redis() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--requirepass", PASSWORD)) {
            works(standalone(redis.url(), Map.of("getUsername", "default", "getPassword", PASSWORD))
                    .withPropertyValues("spring.data.redis.url=redis://127.0.0.1:1"));
            assertThat(redis.command("INFO", "keyspace")).contains("db3:").doesNotContain("db0:");
        }
    }

    @Test
    void what_the_application_says_of_hapax_comes_first_then_its_own_client() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            ApplicationContextRunner elsewhere = standalone("redis://127.0.0.1:1", Map.of());
            works(elsewhere.withPropertyValues("hapax.redis.url=" + redis.url()));
            Config config = new Config();
            config.useSingleServer().setAddress(redis.url());
            RedissonClient client = Redisson.create(config);
            try {
                works(elsewhere.withBean(
                        RedissonClient.class, () -> client, definition -> definition.setDestroyMethodName("")));
            } finally {
                client.shutdown(0, 1, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void sentinel() throws Exception {
        try (EmbeddedSentinel sentinel = PatientTopologies.sentinel()) {
            works(redis(
                    "Sentinel",
                    Map.of(
                            "getMaster",
                            EmbeddedSentinel.MASTER_NAME,
                            "getDatabase",
                            0,
                            "getNodes",
                            nodes(sentinel.urls())),
                    Map.of()));
        }
    }

    @Test
    void a_cluster() throws Exception {
        try (EmbeddedCluster cluster = PatientTopologies.cluster()) {
            works(redis("Cluster", Map.of("getNodes", nodes(cluster.urls())), Map.of()));
        }
    }

    @Test
    void a_bundle_of_certificates() throws Exception {
        try (TestCertificates files = TestCertificates.of("dns:localhost,ip:127.0.0.1");
                TlsRedis redis = TlsRedis.start(files)) {
            SslBundle bundle = SslBundle.of(
                    new PemSslStoreBundle(null, PemSslStoreDetails.forCertificate("file:" + files.authorityFile())));
            // Spring Boot 3 has it at the server, 4 at the connection.
            works(redis(
                    "Standalone",
                    Map.of(
                            "getHost",
                            "localhost",
                            "getPort",
                            redis.tlsPort(),
                            "getDatabase",
                            3,
                            "getSslBundle",
                            bundle),
                    Map.of("getSslBundle", bundle)));
            assertThat(redis.server().command("INFO", "keyspace")).contains("db3:");
        }
    }

    @Test
    void the_bean_is_named_when_its_server_cannot_be_reached() {
        standalone("redis://127.0.0.1:1", Map.of())
                .run(context -> assertThat(WrongSettingsTest.cause(context.getStartupFailure()))
                        .hasMessageStartingWith(
                                "the " + REDIS.getSimpleName() + " bean: cannot connect to Redis at 127.0.0.1:1"));
        with(runner, REDIS, answering(REDIS, Map.of()))
                .run(context -> assertThat(WrongSettingsTest.cause(context.getStartupFailure()))
                        .hasMessageContaining("it names no server"));
    }

    /** Spring Boot has details also where nothing is set, which name localhost. */
    @Test
    void details_that_only_repeat_settings_name_no_server() throws Exception {
        Class<?> repeating = Class.forName(REDIS.getPackageName() + ".Properties" + REDIS.getSimpleName());
        Constructor<?> constructor = repeating.getDeclaredConstructors()[0];
        constructor.setAccessible(true);
        Object properties = constructor.getParameterTypes()[0].getConstructor().newInstance();
        with(runner, REDIS, constructor.newInstance(properties, null))
                .run(context -> assertThat(WrongSettingsTest.cause(context.getStartupFailure()))
                        .hasMessageContaining("nothing says where to keep leases"));
    }

    @Test
    void a_database_for_leases_and_ledger() {
        DatabaseAddress database = EmbeddedDatabase.shared()
                .createDatabase("service_" + UUID.randomUUID().toString().replace('-', '_'));
        ApplicationContextRunner application = new ApplicationContextRunner()
                .withConfiguration(BootGeneration.withDataSource(HapaxAutoConfiguration.class))
                .withPropertyValues(
                        "spring.application.name=service",
                        "hapax.leases=postgres",
                        "hapax.postgres.answer-timeout=6s",
                        "hapax.ledger.enabled=true",
                        "hapax.ledger.migrate=true");
        works(with(
                application,
                JDBC,
                answering(
                        JDBC,
                        Map.of(
                                "getJdbcUrl",
                                database.jdbcUrl(),
                                "getUsername",
                                database.user(),
                                "getPassword",
                                database.password()))));
    }
}
