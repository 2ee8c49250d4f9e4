package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ops.ServerHealth;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Which protocol a store chooses, and what it says of it. */
@Tag("slow")
class PortableStartTest {

    private static final Duration LONG = Duration.ofSeconds(40);

    private NarrowRedis redis = NarrowRedis.start();

    private static RedissonLeaseStore.Builder settings(String url) {
        return RedissonLeaseStore.builder()
                .url(url)
                .namespace("start")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now());
    }

    @AfterEach
    void stop() {
        redis.close();
    }

    private void restart(NarrowRedis.Refuses... refusals) {
        redis.close();
        redis = NarrowRedis.start(refusals);
    }

    @Test
    void a_server_that_says_nowhere_who_it_is_is_refused() {
        restart(NarrowRedis.Refuses.INFO);
        assertThatThrownBy(() -> settings(redis.url()).build())
                .isInstanceOf(LeaseStoreException.class)
                .hasMessageContainingAll("does not say who it is", "TIME", "INFO", "+info");
        assertThat(settings(redis.url()).examine(List.of()))
                .filteredOn(finding -> finding.severity() == Severity.ERROR)
                .extracting(Finding::problem)
                .anyMatch(problem -> problem.contains("does not say who it is"));
    }

    @Test
    @ResourceLock(RightsTest.LOG)
    void names_of_connections_are_left_out_where_they_are_refused_and_that_is_said_once() {
        restart(NarrowRedis.Refuses.CLIENT);
        Logger logger = (Logger) LoggerFactory.getLogger("io.hapax.redis");
        Level before = logger.getLevel();
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        // Other threads log while the lines are read.
        lines.list = new CopyOnWriteArrayList<>();
        lines.start();
        logger.addAppender(lines);
        logger.setLevel(Level.INFO);
        try (RedissonLeaseStore store = settings(redis.url()).build()) {
            get(store.release(granted(store, lock("k")), Ending.NOT_DONE));
            get(store.blocking().release(granted(store.blocking(), lock("k")), Ending.NOT_DONE));
            assertThat(redis.namings()).isGreaterThan(1);
        } finally {
            logger.setLevel(before);
            logger.detachAppender(lines);
        }
        assertThat(lines.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .filteredOn(line -> line.contains(redis.url().substring("redis://".length())))
                .satisfiesOnlyOnce(line -> assertThat(line).contains("does not let connections have a name"))
                .satisfiesOnlyOnce(line -> assertThat(line)
                        .contains(
                                "portable protocol: it refuses TIME in scripts",
                                "it refuses INFO in scripts",
                                "not declared"));
    }

    @Test
    void workers_of_one_namespace_speak_one_protocol() {
        settings(redis.url()).build().close();
        assertThatThrownBy(() -> settings(redis.behind().url()).build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("protocol=portable", "the full protocol", "replaceSettings");
    }

    /** As behind an address that leads to another server now. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_server_that_refuses_later_what_it_allowed_is_spoken_to_in_the_portable_protocol_if_it_has_no_other_settings(
            boolean emptied) {
        String user = "ACL SETUSER narrower on >geheim ~* &* +@all";
        redis.behind().command(user.split(" "));
        try (RedissonLeaseStore store = settings(redis.behind().url().replace("redis://", "redis://narrower:geheim@"))
                .build()) {
            granted(store, lock("k"));
            redis.behind().command((user + " -time -info +info|replication").split(" "));
            if (emptied) {
                redis.behind().command("FLUSHALL");
                Acquisition answer = await().atMost(LONG)
                        .ignoreExceptions()
                        .until(() -> acquire(store, lock("other")), anything -> true);
                assertThat(answer).isInstanceOf(Acquisition.Quarantined.class);
            } else {
                await().atMost(LONG)
                        .untilAsserted(() -> assertThatThrownBy(() -> acquire(store, lock("other")))
                                .hasMessageContainingAll("protocol=portable", "the full protocol"));
            }
            assertThat(store.namespaceParts().scripts().isPortable()).isTrue();
        }
    }

    @Test
    void an_examination_names_the_protocol_and_why() {
        assertThat(settings(redis.url()).examine(List.of()))
                .filteredOn(finding -> finding.severity() != Severity.WARNING)
                .extracting(Finding::problem)
                .anyMatch(problem -> problem.contains("portable protocol: it refuses TIME in scripts"))
                .noneMatch(problem -> problem.contains("does not let its user"));
        try (RedissonLeaseStore narrow = settings(redis.url()).build();
                RedissonLeaseStore full =
                        settings(redis.behind().url()).namespace("full").build()) {
            assertThat(get(narrow.admin().servers()))
                    .singleElement()
                    .extracting(ServerHealth::detail)
                    .asString()
                    .contains("master, version 7.", "portable protocol: it refuses TIME");
            assertThat(get(full.admin().servers()))
                    .singleElement()
                    .extracting(ServerHealth::detail)
                    .asString()
                    .contains("master, version 7.", "full protocol");
        }
    }

    /** As the slot of the bucket moves to another master, or this one begins. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ERR Script attempted to access a non local key in a cluster node",
                "CLUSTERDOWN The cluster is down",
                "LOADING Redis is loading the dataset in memory"
            })
    void what_passes_is_no_refusal(String said) {
        Deque<List<Object>> answers = new ArrayDeque<>(List.of(List.of("", "", said, "a1"), List.of("", "", "", "a1")));
        Discovery discovery = new Discovery(
                () -> CompletableFuture.completedFuture(answers.remove()),
                () -> null,
                "hapax:{d:0}:m",
                "here",
                Fixture.PATIENCE);
        assertThat(discovery.dialect())
                .failsWithin(Duration.ZERO)
                .withThrowableOfType(ExecutionException.class)
                .withMessageContaining("cannot tell at this moment");
        assertThat(discovery.dialect().join().isFull()).isTrue();
    }

    /** As where there was no memory for it. */
    @Test
    void an_answer_that_is_lost_is_not_waited_for_for_ever() {
        Deque<CompletableFuture<List<Object>>> answers = new ArrayDeque<>(
                List.of(new CompletableFuture<>(), CompletableFuture.completedFuture(List.of("", "", "", "a1"))));
        Discovery discovery =
                new Discovery(answers::remove, () -> null, "hapax:{d:0}:m", "here", Duration.ofMillis(100));
        CompletableFuture<Dialect> lost = discovery.dialect();
        await().until(() -> discovery.dialect().isDone());
        assertThat(discovery.dialect().join().isFull()).isTrue();
        assertThat(lost).isNotDone();
    }
}
