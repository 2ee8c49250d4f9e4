package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A store that is closed, not yet connected, or talks to a server that is silent: it answers in time all the same. */
@Tag("slow")
class EndOfServiceTest {

    private static final Duration ANSWER = Duration.ofMillis(300);
    /** For as long as this a silent server is tried again when a store is opened. */
    private static final Duration START = Duration.ofSeconds(5);

    private static final Duration SLACK = Duration.ofMillis(700);

    private final EmbeddedRedis redis = EmbeddedRedis.start();

    @AfterEach
    void stop() {
        redis.close();
    }

    private RedissonLeaseStore.Builder builder() {
        return Fixture.store(redis.url()).answerTimeout(ANSWER).firstStart(WallClock.now());
    }

    private static String trace(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    @Test
    void a_closed_store_refuses_at_once_and_says_so() throws Exception {
        RedissonLeaseStore store = Fixture.opened(() -> builder().build());
        store.close();
        store.close();
        Fastest.within(
                ANSWER,
                () -> assertThatThrownBy(() -> acquire(store, lock("k")))
                        .hasCauseInstanceOf(LeaseStoreException.class)
                        .hasMessageContaining("closed"));
    }

    @Test
    void waiting_ends_when_the_store_is_closed_and_never_fails_afterwards() {
        RedissonLeaseStore store = Fixture.opened(() -> builder().build());
        CompletionStage<Void> early = store.nextChance(lock("k"), Duration.ofMinutes(1));
        store.close();
        get(early);
        CompletionStage<Void> late = store.nextChance(lock("k"), Duration.ofMinutes(1));
        assertThat(late.toCompletableFuture()).succeedsWithin(Duration.ofSeconds(20));
        assertThat(store.waiters()).isZero();
    }

    @Test
    void every_call_to_a_silent_server_fails_within_the_answer_timeout() throws Exception {
        try (RedissonLeaseStore store = Fixture.opened(() -> builder().build())) {
            // A busy machine may need longer than that for its first answer.
            var request = Fixture.request(lock("k"), Duration.ofSeconds(20));
            var lease = await().ignoreExceptions()
                    .until(() -> granted(get(store.acquire(request))), granted -> granted != null);
            redis.freeze();
            Fastest.within(
                    ANSWER.plus(SLACK),
                    () -> assertThatThrownBy(() -> acquire(store, lock("x")))
                            .hasCauseInstanceOf(LeaseStoreException.class));
            Fastest.within(
                    ANSWER.plus(SLACK),
                    () -> assertThatThrownBy(() -> get(store.release(lease, Ending.NOT_DONE)))
                            .hasCauseInstanceOf(LeaseStoreException.class));
            Fastest.within(
                    ANSWER.plus(SLACK),
                    () -> assertThatThrownBy(() -> get(store.admin().holder(lock("k"))))
                            .hasCauseInstanceOf(LeaseStoreException.class));
            get(store.nextChance(lock("k"), Duration.ofMillis(50)));
            redis.thaw();
        }
    }

    @Test
    void what_was_sent_again_while_the_server_was_silent_is_carried_out_once() {
        try (RedissonLeaseStore store = Fixture.opened(() -> builder().build())) {
            var request = Fixture.request(lock("k"), Duration.ofSeconds(20));
            redis.freeze();
            assertThatThrownBy(() -> get(store.acquire(request))).hasCauseInstanceOf(LeaseStoreException.class);
            redis.thaw();
            Acquisition answer = await().ignoreExceptions().until(() -> get(store.acquire(request)), a -> true);
            assertThat(answer).isInstanceOfSatisfying(Acquisition.Granted.class, granted -> {
                assertThat(granted.lease().owner()).isEqualTo(request.owner());
                assertThat(redis.command("HGET", "hapax:{" + store.namespace() + ":0}:m", "last"))
                        .contains(granted.lease().token().toString());
            });
            await().ignoreExceptions().until(() -> get(store.withdraw(request)) == null);
            await().ignoreExceptions().untilAsserted(() -> granted(store, lock("k")));
        }
    }

    @Test
    void connecting_to_a_silent_server_gives_up() throws Exception {
        redis.freeze();
        Fastest.within(
                START.plus(ANSWER.multipliedBy(2)).plus(SLACK),
                () -> assertThatThrownBy(() -> builder().build())
                        .isInstanceOf(LeaseStoreException.class)
                        .hasMessageContaining("127.0.0.1:" + redis.port()));
        redis.thaw();
    }

    @Test
    void a_lazy_store_does_not_hold_up_its_callers_while_the_server_is_silent() throws Exception {
        redis.freeze();
        try (RedissonLeaseStore store = builder().lazy(true).build()) {
            for (int i = 0; i < 3; i++) {
                var request = Fixture.request(lock("k"), Duration.ofSeconds(20));
                Fastest.within(Duration.ofMillis(250), () -> {
                    var unused = store.acquire(request);
                });
                Fastest.within(Duration.ofMillis(250), () -> {
                    var unused = store.nextChance(lock("k"), Duration.ofMillis(5));
                });
            }
            redis.thaw();
            await().ignoreExceptions().untilAsserted(() -> granted(store, lock("k2")));
        }
    }

    @Test
    void a_password_is_neither_in_messages_nor_in_causes() {
        for (String url : new String[] {
            "redis://u:geheim@127.0.0.1:" + redis.port(),
            "redis://:geh/geheim@127.0.0.1",
            "redis://:geheim@host:port",
            "redis://:geheim @127.0.0.1",
            "http://u:geheim@host",
            "redis://:geheim@127.0.0.1:1/x"
        }) {
            assertThatThrownBy(() -> RedissonLeaseStore.connect(url, "redis-test"))
                    .satisfies(failure -> assertThat(trace(failure)).doesNotContain("geheim"));
        }
    }
}
