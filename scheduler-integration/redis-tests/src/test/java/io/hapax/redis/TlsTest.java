package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.lease.Ending;
import io.hapax.lease.Finding.Severity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.TestCertificates;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

/** On a Redis that speaks TLS, with certificates made for this test. */
@Tag("slow")
class TlsTest {

    private static final int ATTEMPTS = 5;
    private static final String STORE = "javax.net.ssl.trustStore";
    private static final String STORE_PASSWORD = "javax.net.ssl.trustStorePassword";

    private static TestCertificates certificates;
    private static EmbeddedRedis redis;
    private static int port;

    @BeforeAll
    static void start() {
        certificates = TestCertificates.of("dns:localhost,ip:127.0.0.1");
        redis = withTls(certificates);
        port = tlsPort(redis);
        // A JVM's first handshake takes long on a busy machine, and must not be what a test waits for.
        trust(certificates);
        settings("localhost", port).build().close();
        trustNobodyElse();
    }

    /** Somebody else may have taken the port that was free just now. */
    private static EmbeddedRedis withTls(TestCertificates files) {
        for (int attempt = 1; ; attempt++) {
            try {
                return withTls(files, freePort());
            } catch (IllegalStateException e) {
                if (attempt == ATTEMPTS || !String.valueOf(e.getMessage()).contains("in use")) {
                    throw e;
                }
            }
        }
    }

    private static int tlsPort(EmbeddedRedis server) {
        return Integer.parseInt(server.command("CONFIG", "GET", "tls-port")
                .lines()
                .skip(1)
                .findFirst()
                .orElseThrow());
    }

    private static EmbeddedRedis withTls(TestCertificates files, int tlsPort) {
        try {
            return EmbeddedRedis.start(
                    "--tls-port",
                    String.valueOf(tlsPort),
                    "--tls-auth-clients",
                    "no",
                    "--tls-cert-file",
                    files.certificateFile().toString(),
                    "--tls-key-file",
                    files.keyFile().toString(),
                    "--tls-ca-cert-file",
                    files.authorityFile().toString());
        } catch (IllegalStateException e) {
            Assumptions.assumeFalse(
                    String.valueOf(e.getMessage()).contains("Bad directive"),
                    "this redis-server was built without TLS; REDIS_SERVER names another one");
            throw e;
        }
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterAll
    static void stop() {
        if (redis != null) {
            redis.close();
        }
        certificates.close();
    }

    /** As {@code -Djavax.net.ssl.trustStore=…} on the command line of a worker. */
    private static void trust(TestCertificates trusted) {
        System.setProperty(STORE, trusted.trustStore().toString());
        System.setProperty(STORE_PASSWORD, TestCertificates.PASSWORD);
    }

    private static void trustNobodyElse() {
        System.clearProperty(STORE);
        System.clearProperty(STORE_PASSWORD);
    }

    private static RedissonLeaseStore.Builder settings(String host, int at) {
        return RedissonLeaseStore.builder()
                .url("rediss://" + host + ":" + at)
                .namespace("tls")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now());
    }

    /** With the JVM's own settings of whom to trust, for all connections that are opened meanwhile. */
    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    @ResourceLock(value = Resources.SYSTEM_PROPERTIES, mode = ResourceAccessMode.READ)
    class TheContract extends ContractOnRedis {

        @Override
        LeaseStore open(String namespace) {
            trust(certificates);
            return settings("localhost", port)
                    .namespace(namespace)
                    .longestTtl(Duration.ofMinutes(10))
                    .answerTimeout(Fixture.PATIENCE)
                    .build();
        }

        @AfterAll
        void distrust() {
            trustNobodyElse();
        }
    }

    @AfterEach
    void distrust(TestInfo test) {
        if (test.getTestClass().filter(TlsTest.class::equals).isPresent()) {
            trustNobodyElse();
        }
    }

    private static void assertRefused(RedissonLeaseStore.Builder settings, String... words) {
        // Silence takes all of it; a handshake needs it only on a busy machine.
        Duration patience = Duration.ofMillis(List.of(words).contains("does not answer") ? 500 : 5_000);
        assertThatThrownBy(() -> settings.answerTimeout(patience).build())
                .isInstanceOf(LeaseStoreException.class)
                .hasMessageStartingWith("cannot connect to Redis at localhost:")
                .hasMessageContainingAll(words);
    }

    @Test
    @ResourceLock(Resources.SYSTEM_PROPERTIES)
    void an_authority_that_nobody_trusts_is_refused_and_the_message_says_where_to_add_it() {
        assertRefused(
                settings("localhost", port), "certificate is not trusted", "javax.net.ssl.trustStore", "sslTruststore");
    }

    @Test
    @ResourceLock(Resources.SYSTEM_PROPERTIES)
    void the_certificate_of_another_authority_or_for_another_host_is_refused() {
        try (TestCertificates others = TestCertificates.of("dns:elsewhere.example.org");
                EmbeddedRedis elsewhere = withTls(others)) {
            int at = tlsPort(elsewhere);
            trust(others);
            assertRefused(settings("localhost", port), "certificate is not trusted");
            assertRefused(settings("localhost", at), "certificate is for another host name", "localhost");
            assertThat(elsewhere.command("PING")).isEqualTo("PONG");
        }
    }

    @Test
    @ResourceLock(Resources.SYSTEM_PROPERTIES)
    void with_and_without_tls_are_told_apart_by_the_address() {
        trust(certificates);
        assertRefused(settings("localhost", redis.port()), "does not answer", "rediss://", "redis://");
        assertRefused(
                RedissonLeaseStore.builder().namespace("redis-test").url("redis://localhost:" + port),
                "does not answer",
                "start with rediss://");
    }

    @Test
    @ResourceLock(Resources.SYSTEM_PROPERTIES)
    void an_examination_says_the_same() {
        assertThat(settings("localhost", port).examine(List.of()))
                .singleElement()
                .satisfies(finding -> assertThat(finding.toString()).contains("certificate is not trusted"));
        trust(certificates);
        assertThat(settings("localhost", port).examine(List.of()))
                .noneMatch(finding -> finding.severity() == Severity.ERROR);
    }

    @Test
    @ResourceLock(Resources.SYSTEM_PROPERTIES)
    void a_redisson_file_with_another_trust_store_is_refused(@TempDir Path folder) throws IOException {
        try (TestCertificates others = TestCertificates.of("dns:localhost")) {
            Path yaml = yaml(folder, others);
            assertThatThrownBy(() -> RedissonLeaseStore.builder()
                            .namespace("redis-test")
                            .yaml(yaml)
                            .build())
                    .isInstanceOf(LeaseStoreException.class)
                    .hasMessageContainingAll("redis.yaml", "certificate is not trusted");
        }
    }

    private static Path yaml(Path folder, TestCertificates trusted) throws IOException {
        return Files.writeString(
                folder.resolve("redis.yaml"),
                String.format(Locale.ROOT, """
                sslTruststore: %s
                sslTruststorePassword: %s
                singleServerConfig:
                  address: "rediss://localhost:%d"
                  connectTimeout: 10000
                  timeout: 10000
                  retryAttempts: 0
                  connectionMinimumIdleSize: 1
                  connectionPoolSize: 2
                """, trusted.trustStore().toUri(), TestCertificates.PASSWORD, port));
    }

    @Test
    @ResourceLock(Resources.SYSTEM_PROPERTIES)
    void a_redisson_file_names_the_trust_store(@TempDir Path folder) throws IOException {
        Path yaml = yaml(folder, certificates);
        try (RedissonLeaseStore store = RedissonLeaseStore.builder()
                .yaml(yaml)
                .namespace("tls")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now())
                .build()) {
            assertThat(get(store.release(granted(store, lock("yaml")), Ending.NOT_DONE)))
                    .isTrue();
        }
    }
}
