package io.hapax.redis;

import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.FaultInjector;
import io.hapax.testkit.InjectedFault;
import io.hapax.testkit.InjectedFault.Answer;
import io.hapax.testkit.InjectedFault.Thrown;
import io.hapax.testkit.WallClock;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.redisson.Redisson;
import org.redisson.api.RScript;
import org.redisson.api.RTopic;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** Whatever the Redis client throws, and whatever those who wait for answers throw, later requests are carried out. */
@Tag("slow")
class ClientFaultsTest {

    private static final Duration TTL = Duration.ofSeconds(20);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final FaultInjector faults = new FaultInjector();
    private final RedissonClient client = Redisson.create(config());
    private final RedissonLeaseStore store = RedissonLeaseStore.builder()
            .client(misbehaving(client))
            .namespace("w")
            .answerTimeout(Duration.ofSeconds(8))
            .firstStart(WallClock.now())
            .build();

    @AfterEach
    void stop() {
        faults.healthy();
        store.close();
        client.shutdown();
        redis.close();
    }

    private Config config() {
        Config config = new Config();
        config.useSingleServer().setAddress(redis.url());
        return config;
    }

    private RedissonClient misbehaving(RedissonClient real) {
        return (RedissonClient) Proxy.newProxyInstance(
                RedissonClient.class.getClassLoader(),
                new Class<?>[] {RedissonClient.class},
                (proxy, method, arguments) -> around(answer(real, method, arguments)));
    }

    private Object around(Object part) {
        return part instanceof RScript script
                ? faults.around(RScript.class, script)
                : part instanceof RTopic topic ? faults.around(RTopic.class, topic) : part;
    }

    private static Object answer(RedissonClient real, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    static List<InjectedFault> anything() {
        return List.of(
                new Thrown(new IllegalStateException("runtime")),
                new Thrown(new AssertionError("error")),
                new Thrown(new OutOfMemoryError("unable to create native thread")),
                new Thrown(new Exception("sneaky")),
                Answer.NULL);
    }

    private CompletableFuture<Acquisition> ask(String key) {
        return store.acquire(request(lock(key), TTL)).toCompletableFuture();
    }

    @ParameterizedTest
    @MethodSource("anything")
    void a_client_that_fails_takes_no_place_from_later_requests(InjectedFault fault) {
        granted(store, lock("warm"));
        faults.inject(RScript.class, "evalShaAsync", fault, 3 * SharedCalls.ENOUGH);
        for (int n = 0; n < 3 * SharedCalls.ENOUGH; n++) {
            assertThat(ask("failed-" + n))
                    .failsWithin(Duration.ofSeconds(20))
                    .withThrowableThat()
                    .havingCause()
                    .isInstanceOf(LeaseStoreException.class);
        }
        granted(store, lock("later"));
    }

    @ParameterizedTest
    @MethodSource("anything")
    void everyone_in_a_crowd_is_answered_when_calls_of_theirs_fail(InjectedFault fault) {
        granted(store, lock("warm"));
        redis.freeze();
        List<CompletableFuture<Acquisition>> sent = new ArrayList<>();
        for (int n = 0; n < SharedCalls.ENOUGH; n++) {
            sent.add(ask("sent-" + n));
        }
        // What waits goes in calls of 64; the first two are not carried out.
        faults.inject(RScript.class, "evalShaAsync", fault, 2);
        List<CompletableFuture<Acquisition>> waiting = new ArrayList<>();
        for (int n = 0; n < 4 * Batch.LARGEST; n++) {
            waiting.add(ask("waiting-" + n));
        }
        redis.thaw();
        assertThat(CompletableFuture.allOf(sent.toArray(CompletableFuture<?>[]::new)))
                .succeedsWithin(Duration.ofSeconds(20));
        await().until(() -> waiting.stream().allMatch(CompletableFuture::isDone));
        assertThat(waiting.stream().filter(CompletableFuture::isCompletedExceptionally))
                .hasSizeLessThanOrEqualTo(2 * Batch.LARGEST);
        granted(store, lock("later"));
    }

    @Test
    void what_those_who_wait_for_answers_throw_reaches_no_other() {
        granted(store, lock("warm"));
        redis.freeze();
        List<CompletableFuture<Acquisition>> answers = new ArrayList<>();
        for (int n = 0; n < 4 * Batch.LARGEST; n++) {
            CompletableFuture<Acquisition> answer = ask("key-" + n);
            answers.add(answer);
            var unused = answer.whenComplete((lease, failure) -> {
                throw new AssertionError("of whoever has asked");
            });
        }
        redis.thaw();
        answers.forEach(answer -> assertThat(answer).succeedsWithin(Duration.ofSeconds(20)));
        granted(store, lock("later"));
    }

    @ParameterizedTest
    @MethodSource("anything")
    void the_next_one_who_waits_subscribes_when_the_first_one_could_not(InjectedFault fault) {
        granted(store, lock("k"));
        faults.inject(RTopic.class, "addListenerAsync", fault, 1);
        assertThat(store.nextChance(lock("k"), Duration.ofMillis(10)).toCompletableFuture())
                .succeedsWithin(Duration.ofSeconds(20));
        await().until(() -> faults.calls(RTopic.class, "addListenerAsync") == 1);
        CompletableFuture<Void> next = store.nextChance(lock("k"), TTL).toCompletableFuture();
        await().until(() -> redis.command("PUBSUB", "NUMSUB", "hapax:w:wake")
                .lines()
                .reduce("", (a, b) -> b)
                .equals("1"));
        assertThat(next).isNotDone();
        next.cancel(true);
        assertThat(store.waiters()).isZero();
    }
}
