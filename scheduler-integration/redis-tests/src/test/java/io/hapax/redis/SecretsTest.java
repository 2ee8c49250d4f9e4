package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.lease.LeaseStoreProvider;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Passwords are in no line, no exception and no event, whatever goes wrong. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class SecretsTest {

    private static final String PASSWORD = "XyZZy-geheim-4711";

    private static EmbeddedRedis redis;

    private final List<String> said = new ArrayList<>();
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @BeforeAll
    static void start() {
        logger("io.hapax").setLevel(Level.DEBUG);
        logger("org.redisson").setLevel(Level.INFO);
        logger("io.netty").setLevel(Level.INFO);
        redis = EmbeddedRedis.start("--requirepass", PASSWORD + "-not");
    }

    @AfterAll
    static void stop() {
        redis.close();
        logger("io.hapax").setLevel(Level.INFO);
        logger("org.redisson").setLevel(Level.ERROR);
        logger("io.netty").setLevel(Level.ERROR);
    }

    private static Logger logger(String name) {
        return (Logger) LoggerFactory.getLogger(name);
    }

    @BeforeEach
    void listen() {
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger("ROOT").addAppender(lines);
    }

    @AfterEach
    void nothing_has_told_the_password() {
        logger("ROOT").detachAppender(lines);
        for (ILoggingEvent line : heard()) {
            said.add(line.getFormattedMessage());
            said.add(line.getMDCPropertyMap().toString());
            for (IThrowableProxy cause = line.getThrowableProxy(); cause != null; cause = cause.getCause()) {
                said.add(String.valueOf(cause.getMessage()));
            }
        }
        assertThat(said).isNotEmpty().noneMatch(text -> text.contains(PASSWORD) || text.contains("XyZZy"));
    }

    /** What tests beside this one said, too: they know the same password. */
    private List<ILoggingEvent> heard() {
        synchronized (lines) {
            return List.copyOf(lines.list);
        }
    }

    private void remember(Throwable failure) {
        assertThat(failure).isNotNull();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            said.add(cause.toString());
            for (Throwable suppressed : cause.getSuppressed()) {
                said.add(suppressed.toString());
            }
        }
    }

    private static RedissonLeaseStore.Builder settings(String url) {
        return RedissonLeaseStore.builder()
                .url(url)
                .namespace("secrets")
                .answerTimeout(Duration.ofMillis(300))
                .firstStart(WallClock.now());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "redis://:PASSWORD@127.0.0.1:PORT",
                "redis://hapax:PASSWORD@127.0.0.1:PORT/2",
                "redis://hapax:PASSWORD@127.0.0.1:1",
                "redis://hapax:PASSWORD@no-such-host.invalid:6379",
                "rediss://hapax:PASSWORD@127.0.0.1:PORT",
                "redis://:PASSWORD@host:port:port",
                "redis://hapax:PASSWORD@host:6379/zero",
                "redis://hapax:PASSWORD@:6379",
                "redis://hapax:PASSWORD@ho st:6379",
                "redis://hapax:PASSWORD%@host:6379",
                "redis://:a@PASSWORD#b@no-such-host.invalid:6379",
                "redis://:a@b#PASSWORD@no-such-host.invalid:6379",
                "redis://:a@PASSWORD?b@no-such-host.invalid:6379",
                "redis://:a@b?c=PASSWORD",
                "redis://hapax:a@b:PASSWORD@host:x",
                "redis:hapax:PASSWORD@host:6379",
                "hapax:PASSWORD@host:6379",
                "http://hapax:PASSWORD@host:6379",
                "redis://hapax:PASSWORD",
                "redis://hapax:PASSWORD/0",
                "hapax:PASSWORD"
            })
    void an_address_that_does_not_work_keeps_its_password(String address) {
        String url = address.replace("PASSWORD", PASSWORD).replace("PORT", String.valueOf(redis.port()));
        RedissonLeaseStore.Builder settings = settings(url);
        said.add(settings.toString());
        remember(catchThrowable(settings::build));
        Throwable examined =
                catchThrowable(() -> settings.examine(List.of()).forEach(finding -> said.add(finding.toString())));
        if (examined != null) {
            remember(examined);
        }
        remember(catchThrowable(() -> RedissonLeaseStore.builder()
                .namespace("redis-test")
                .answerTimeout(Duration.ofMillis(300))
                .quorum(List.of(url, url + "1", url + "2"))));
        remember(catchThrowable(
                () -> LeaseStoreProvider.openStore(url, Map.of("namespace", "secrets", "answerTimeout", "300ms"))));
    }

    @Test
    void neither_does_a_store_that_connects_later_nor_the_guard_on_it_tell_it() throws Exception {
        List<GuardEvent> events = new ArrayList<>();
        try (RedissonLeaseStore store = settings("redis://hapax:" + PASSWORD + "@127.0.0.1:" + redis.port())
                        .lazy(true)
                        .build();
                JobGuard guard = JobGuard.builder(store).listener(events::add).build()) {
            said.add(store + " " + guard + " " + store.fingerprint() + " " + guard.fingerprint());
            remember(catchThrowable(() -> acquire(store, lock("k"))));
            said.add(guard.run(RunRequest.lock("k"), run -> "ran").toString());
            store.admin().servers().toCompletableFuture().join().forEach(server -> said.add(server.toString()));
        }
        assertThat(events).isNotEmpty();
        events.forEach(event -> said.add(event.toString()));
    }

    @Test
    void a_redisson_file_that_does_not_work_keeps_it_too(@TempDir Path folder) throws IOException {
        for (String wrong : List.of("  retryAttempts: 0\n", "  noSuchSetting: 1\n", "  retryAttempts: many\n")) {
            Path yaml = Files.writeString(
                    folder.resolve("redis.yaml"),
                    "password: " + PASSWORD + "\nsingleServerConfig:\n  address: \"redis://127.0.0.1:" + redis.port()
                            + "\"\n  connectTimeout: 1000\n" + wrong);
            remember(catchThrowable(() ->
                    RedissonLeaseStore.builder().yaml(yaml).namespace("secrets").build()));
        }
        Path broken = Files.writeString(
                folder.resolve("broken.yaml"), "password: \"" + PASSWORD + "\nsingleServerConfig: [\n");
        remember(catchThrowable(() -> RedissonLeaseStore.builder()
                .namespace("redis-test")
                .yaml(broken)
                .build()));
    }

    @Test
    void a_redisson_file_may_take_its_password_from_the_environment(@TempDir Path folder) throws IOException {
        said.add("a file that is fine");
        Map.Entry<String, String> variable = System.getenv().entrySet().stream()
                .filter(each -> each.getValue().matches("[A-Za-z0-9/]+"))
                .findFirst()
                .orElseThrow();
        Path yaml = Files.writeString(
                folder.resolve("redis.yaml"),
                "password: ${" + variable.getKey() + "}\nsingleServerConfig:\n  address: \"redis://127.0.0.1:1\"\n");
        assertThat(YamlFile.read(yaml).getPassword()).isEqualTo(variable.getValue());
    }

    @Test
    void a_store_that_works_tells_nothing_of_it_either() throws Exception {
        String right = PASSWORD + "-not";
        try (RedissonLeaseStore store = settings("redis://:" + right + "@127.0.0.1:" + redis.port())
                        .answerTimeout(Duration.ofSeconds(5))
                        .build();
                JobGuard guard = JobGuard.builder(store).build()) {
            said.add(store + " " + guard);
            assertThat(guard.run(RunRequest.lock("k"), run -> "ran").ran()).isTrue();
        }
    }
}
