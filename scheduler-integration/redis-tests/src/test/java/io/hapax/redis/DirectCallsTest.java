package io.hapax.redis;

import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Callers that wait carry their requests out themselves, one for all. */
@Tag("slow")
class DirectCallsTest {

    private static final Duration TTL = Duration.ofSeconds(20);
    private static final int CALLERS = 32;
    /** Where a direct answer is later than a part of it, another one is asked for by Redisson, on another thread. */
    private static final Duration LONGEST = Duration.ofSeconds(40);

    private static final Duration LONGEST_TTL = Duration.ofMinutes(10);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = Fixture.store(redis.url())
            .namespace("direct")
            .longestTtl(LONGEST_TTL)
            .answerTimeout(LONGEST)
            .firstStart(WallClock.now())
            .build();
    private final LeaseStore blocking = store.blocking();
    private final ExecutorService callers = Executors.newFixedThreadPool(CALLERS);

    @AfterEach
    void stop() {
        callers.shutdownNow();
        store.close();
        redis.close();
    }

    private void cycle(String key) {
        Lease lease = granted(blocking, lock(key));
        assertThat(blocking.release(lease, Ending.NOT_DONE).toCompletableFuture())
                .isCompletedWithValue(true);
    }

    private <T> List<T> byAll(Callable<T> work) throws Exception {
        List<Future<T>> futures = new ArrayList<>();
        for (int n = 0; n < CALLERS; n++) {
            futures.add(callers.submit(work));
        }
        List<T> results = new ArrayList<>();
        for (Future<T> future : futures) {
            results.add(future.get());
        }
        return results;
    }

    private long scripts() {
        return redis.commandStats().getOrDefault("evalsha", 0L);
    }

    @Test
    void a_lone_caller_has_its_answer_when_the_call_returns_and_sends_nothing_else() {
        cycle("warm");
        redis.command("CONFIG", "RESETSTAT");
        for (int n = 0; n < 50; n++) {
            CompletableFuture<Acquisition> answer =
                    blocking.acquire(request(lock("k" + n), TTL)).toCompletableFuture();
            assertThat(answer).isCompleted();
        }
        assertThat(scripts()).isEqualTo(50);
        assertThat(redis.commandStats().keySet()).doesNotContain("hello", "auth", "client|setname", "select");
    }

    @Test
    void many_callers_share_calls_and_each_has_its_own_answer() throws Exception {
        cycle("warm");
        redis.command("CONFIG", "RESETSTAT");
        Set<Long> tokens = ConcurrentHashMap.newKeySet();
        AtomicInteger callerNumber = new AtomicInteger();
        byAll(() -> {
            int caller = callerNumber.incrementAndGet();
            for (int n = 0; n < 200; n++) {
                Lease lease = granted(blocking, lock(caller + "/" + n));
                assertThat(lease.identity()).isEqualTo(lock(caller + "/" + n));
                tokens.add(lease.token().value());
                assertThat(blocking.release(lease, Ending.NOT_DONE).toCompletableFuture())
                        .isCompletedWithValue(true);
            }
            return true;
        });
        assertThat(tokens).hasSize(CALLERS * 200);
        assertThat(scripts()).isLessThan(CALLERS * 200L);
        assertThat(redis.command("KEYS", "hapax:{direct:0}:l:*")).isBlank();
    }

    @Test
    void of_many_callers_that_want_the_same_key_one_at_a_time_has_it() throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger grants = new AtomicInteger();
        byAll(() -> {
            for (int n = 0; n < 300; n++) {
                Acquisition answer = Fixture.acquire(blocking, lock("same"));
                if (answer instanceof Acquisition.Granted granted) {
                    assertThat(inside.incrementAndGet()).isEqualTo(1);
                    grants.incrementAndGet();
                    inside.decrementAndGet();
                    assertThat(blocking.release(granted.lease(), Ending.NOT_DONE)
                                    .toCompletableFuture()
                                    .join())
                            .isTrue();
                } else {
                    assertThat(answer).isInstanceOf(Acquisition.Held.class);
                }
            }
            return true;
        });
        assertThat(grants.get()).isPositive();
    }

    @Test
    void when_its_connections_are_cut_requests_go_by_redisson_and_later_directly_again() throws Exception {
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        // A longer answer timeout would be waited for where a request was cut off.
        try (RedissonLeaseStore cut = Fixture.store(redis.url())
                .namespace("direct")
                .longestTtl(LONGEST_TTL)
                .firstStart(WallClock.now())
                .build()) {
            LeaseStore asked = cut.blocking();
            granted(asked, lock("warm"));
            for (int round = 0; round < 5; round++) {
                redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
                byAll(() -> {
                    try {
                        Lease lease = granted(asked, lock(Thread.currentThread().getName()));
                        asked.release(lease, Ending.NOT_DONE)
                                .toCompletableFuture()
                                .join();
                    } catch (RuntimeException e) {
                        failures.add(e);
                    }
                    return true;
                });
            }
            assertThat(failures).isEmpty();
            await().until(() -> asked.acquire(request(lock("again"), TTL))
                    .toCompletableFuture()
                    .isDone());
        }
    }

    @Test
    void a_silent_server_holds_nobody_up_for_longer_than_the_answer_timeout() throws Exception {
        Duration timeout = Duration.ofSeconds(2);
        try (RedissonLeaseStore impatient = Fixture.store(redis.url())
                .namespace("direct")
                .longestTtl(LONGEST_TTL)
                .answerTimeout(timeout)
                .firstStart(WallClock.now())
                .build()) {
            LeaseStore asked = impatient.blocking();
            await().ignoreExceptions().untilAsserted(() -> granted(asked, lock("warm")));
            redis.freeze();
            Fastest.time(
                    timeout.plusMillis(700),
                    () -> Collections.max(byAll(() -> {
                        long begun = System.nanoTime();
                        CompletableFuture<Acquisition> answer = asked.acquire(
                                        request(lock(Thread.currentThread().getName()), TTL))
                                .toCompletableFuture();
                        assertThat(answer)
                                .failsWithin(Duration.ofSeconds(20))
                                .withThrowableThat()
                                .havingCause()
                                .isInstanceOf(LeaseStoreException.class)
                                .withMessageContaining("no answer within " + timeout.toMillis() + " ms");
                        return Duration.ofNanos(System.nanoTime() - begun);
                    })));
            redis.thaw();
        }
        await().ignoreExceptions().untilAsserted(() -> cycle("later"));
    }

    @Test
    void an_interrupted_caller_has_its_answer_and_stays_interrupted() throws Exception {
        cycle("warm");
        List<Boolean> interrupted = byAll(() -> {
            Thread.currentThread().interrupt();
            granted(blocking, lock(Thread.currentThread().getName()));
            return Thread.interrupted();
        });
        assertThat(interrupted).containsOnly(true);
    }

    @Test
    void a_closed_store_refuses_at_once_and_leaves_no_connection() {
        cycle("warm");
        assertThat(redis.command("CLIENT", "LIST").lines().filter(line -> line.contains("name=hapax")))
                .isNotEmpty();
        store.close();
        assertThat(blocking.acquire(request(lock("k"), TTL)).toCompletableFuture())
                .failsWithin(Duration.ZERO)
                .withThrowableThat()
                .havingCause()
                .withMessageContaining("closed");
        await().until(() -> redis.command("CLIENT", "LIST").lines().noneMatch(line -> line.contains("name=hapax")));
    }

    @Test
    void the_documented_rights_suffice_in_any_database() {
        List<String> words = new ArrayList<>(DocumentedRights.of("hapax", "least", "geheim"));
        words.addAll(DocumentedRights.addition("A database other than 0"));
        redis.command(words.toArray(String[]::new));
        redis.command("ACL", "LOG", "RESET");
        String url = redis.url().replace("redis://", "redis://hapax:geheim@") + "/3";
        try (RedissonLeaseStore least = Fixture.store(url)
                .namespace("least")
                .longestTtl(LONGEST_TTL)
                .answerTimeout(LONGEST)
                .firstStart(WallClock.now())
                .build()) {
            Set<String> before = connections();
            LeaseStore view = least.blocking();
            Lease lease = granted(view, lock("k"));
            assertThat(view.release(lease, Ending.NOT_DONE).toCompletableFuture())
                    .isCompletedWithValue(true);
            // Redisson closes those that it needed to start, and another one that it opens meanwhile, in its own time.
            await().until(() -> {
                Set<String> opened = connections();
                opened.removeAll(before);
                return opened.size() == 1;
            });
            // Redisson tries a key of its own when it connects; it does not mind the refusal.
            assertThat(redis.command("ACL", "LOG")).doesNotContain("hapax:", "reason\nchannel");
        }
    }

    private Set<String> connections() {
        return redis.command("CLIENT", "LIST")
                .lines()
                .filter(line -> line.contains("name=hapax") && line.contains("user=hapax") && line.contains(" db=3"))
                .map(line -> line.substring(0, line.indexOf(' ')))
                .collect(Collectors.toCollection(HashSet::new));
    }

    @Test
    void trouble_with_a_key_is_told_as_by_any_other_way() {
        redis.command("LPUSH", "hapax:{direct:0}:l:odd", "x");
        assertThat(blocking.acquire(request(lock("odd"), TTL)).toCompletableFuture())
                .failsWithin(Duration.ZERO)
                .withThrowableThat()
                .havingCause()
                .withMessageContaining("that Hapax did not write");
        cycle("fine");
    }
}
