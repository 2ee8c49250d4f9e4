package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static io.hapax.redis.Fixture.run;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.OwnerId;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Requests that are made while others are in flight share calls, and nothing else. */
@Tag("slow")
class SharedCallsTest {

    private static final Duration TTL = Duration.ofMinutes(5);

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = Fixture.store(redis.url())
            .namespace("share")
            .longestTtl(TTL)
            .answerTimeout(Duration.ofSeconds(10))
            .firstStart(WallClock.now())
            .build();

    @AfterEach
    void stop() {
        store.close();
        redis.close();
    }

    private CompletableFuture<Acquisition> ask(String key) {
        return store.acquire(request(lock(key), TTL)).toCompletableFuture();
    }

    private static Lease lease(CompletableFuture<Acquisition> answer) {
        return get(answer) instanceof Acquisition.Granted granted ? granted.lease() : null;
    }

    /** As many as are sent at once, so that later ones wait. */
    private List<CompletableFuture<Acquisition>> occupy() {
        List<CompletableFuture<Acquisition>> first = new ArrayList<>();
        for (int n = 0; n < SharedCalls.ENOUGH; n++) {
            first.add(ask("occupied-" + n));
        }
        return first;
    }

    @Test
    void many_requests_share_few_calls_and_each_has_its_own_answer() {
        granted(store, lock("warm"));
        redis.command("CONFIG", "RESETSTAT");
        List<CompletableFuture<Acquisition>> answers = new ArrayList<>();
        for (int n = 0; n < 2000; n++) {
            answers.add(ask("key-" + n));
        }
        Set<Long> tokens = new HashSet<>();
        for (int n = 0; n < answers.size(); n++) {
            Lease lease = lease(answers.get(n));
            assertThat(lease.identity()).isEqualTo(lock("key-" + n));
            tokens.add(lease.token().value());
            assertThat(get(store.admin().holder(lock("key-" + n))).orElseThrow().owner())
                    .isEqualTo(lease.owner());
        }
        assertThat(tokens).hasSize(2000);
        assertThat(redis.commandStats().get("evalsha") - 2000).isLessThan(500L);
    }

    @Test
    void trouble_with_a_key_is_trouble_for_its_own_request_alone() {
        Lease held = granted(store, run("held"));
        redis.command("LPUSH", "hapax:{share:0}:l:odd", "x");
        redis.command("LPUSH", "hapax:{share:0}:d:oddly-done", "x");
        redis.freeze();
        occupy();
        CompletableFuture<Acquisition> before = ask("before");
        CompletableFuture<Acquisition> odd = ask("odd");
        CompletableFuture<Acquisition> oddlyDone =
                store.acquire(request(run("oddly-done"), TTL)).toCompletableFuture();
        CompletableFuture<Boolean> released =
                store.release(held, Ending.done(TTL)).toCompletableFuture();
        CompletableFuture<Acquisition> after = ask("after");
        redis.thaw();
        for (CompletableFuture<Acquisition> bad : List.of(odd, oddlyDone)) {
            assertThat(bad)
                    .failsWithin(Duration.ofSeconds(20))
                    .withThrowableThat()
                    .havingCause()
                    .isInstanceOf(LeaseStoreException.class)
                    .withMessageContaining("that Hapax did not write");
        }
        assertThat(lease(before)).isNotNull();
        assertThat(lease(after)).isNotNull();
        assertThat(get(released)).isTrue();
        assertThat(get(store.acquire(request(run("held"), TTL)))).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void requests_are_carried_out_in_the_order_in_which_they_were_made() {
        Lease first = granted(store, lock("k"));
        redis.freeze();
        occupy();
        CompletableFuture<Acquisition> tooEarly = ask("k");
        CompletableFuture<Boolean> released =
                store.release(first, Ending.NOT_DONE).toCompletableFuture();
        CompletableFuture<Acquisition> next = ask("k");
        CompletableFuture<Acquisition> tooLate = ask("k");
        redis.thaw();
        assertThat(get(tooEarly)).isInstanceOf(Acquisition.Held.class);
        assertThat(get(released)).isTrue();
        assertThat(lease(next).token().value()).isGreaterThan(first.token().value());
        assertThat(get(tooLate)).isInstanceOf(Acquisition.Held.class);
    }

    @Test
    void what_its_caller_has_given_up_is_not_sent() {
        Deque<Request<?>> waiting = new ArrayDeque<>();
        Keyspace.Keys keys = new Keyspace("share", 1).of(lock("k"));
        for (int n = 0; n < Batch.LARGEST + 2; n++) {
            waiting.add(new Silent(keys));
        }
        waiting.element().answer().completeExceptionally(new LeaseStoreException("too late"));
        List<Request<?>> rest = new ArrayList<>(waiting);
        assertThat(Batch.take(waiting, Function.identity())).isEqualTo(rest.subList(1, Batch.LARGEST + 1));
        assertThat(Batch.take(waiting, Function.identity()))
                .isEqualTo(rest.subList(Batch.LARGEST + 1, Batch.LARGEST + 2));
        assertThat(Batch.take(waiting, Function.identity())).isEmpty();
    }

    private static final class Silent extends Request<String> {
        Silent(Keyspace.Keys keys) {
            super(keys);
        }

        @Override
        List<String> arguments() {
            return List.of();
        }

        @Override
        int answers() {
            return 0;
        }

        @Override
        String read(Iterator<?> answers) {
            return "";
        }
    }

    @Test
    void a_pause_of_the_clients_threads_fails_nobody() {
        try (RedissonLeaseStore patient = Fixture.store(redis.url())
                .longestTtl(TTL)
                .firstStart(WallClock.now())
                .build()) {
            granted(patient, lock("warm"));
            long until = System.nanoTime() + Fixture.PATIENCE.dividedBy(3).toNanos();
            Set<Thread> paused = ConcurrentHashMap.newKeySet();
            List<CompletableFuture<Void>> pauses = new ArrayList<>();
            for (int n = 0; paused.size() < 2 && System.nanoTime() < until; n++) {
                String key = "pause" + n;
                pauses.add(patient.acquire(request(lock(key), TTL))
                        .toCompletableFuture()
                        .thenRun(() -> {
                            paused.add(Thread.currentThread());
                            LockSupport.parkNanos(until - System.nanoTime());
                        }));
                LockSupport.parkNanos(2_000_000);
            }
            List<CompletableFuture<Acquisition>> others = new ArrayList<>();
            for (int n = 0; n < 20; n++) {
                others.add(patient.acquire(request(lock("other" + n), TTL)).toCompletableFuture());
            }
            others.forEach(other -> assertThat(lease(other)).isNotNull());
            pauses.forEach(CompletableFuture::join);
        }
    }

    @Test
    void a_crowd_that_could_not_be_answered_in_time_is_refused_at_once() {
        try (RedissonLeaseStore patient = Fixture.store(redis.url())
                .longestTtl(TTL)
                .answerTimeout(Duration.ofSeconds(60))
                .firstStart(WallClock.now())
                .build()) {
            granted(patient, lock("warm"));
            redis.freeze();
            CompletableFuture<Acquisition> last = new CompletableFuture<>();
            for (int n = 0; n < 100_000 + SharedCalls.ENOUGH + 1; n++) {
                last = patient.acquire(request(lock("k"), TTL)).toCompletableFuture();
            }
            assertThat(last)
                    .failsWithin(Duration.ZERO)
                    .withThrowableThat()
                    .havingCause()
                    .isInstanceOf(LeaseStoreException.class)
                    .withMessageContaining("Ask for fewer leases at once");
            redis.thaw();
        }
    }

    @Test
    void a_crowd_that_waits_is_told_when_the_store_is_closed() {
        RedissonLeaseStore patient = Fixture.store(redis.url())
                .longestTtl(TTL)
                .answerTimeout(Duration.ofSeconds(20))
                .firstStart(WallClock.now())
                .build();
        granted(patient, lock("warm"));
        redis.freeze();
        List<CompletableFuture<Acquisition>> answers = new ArrayList<>();
        for (int n = 0; n < 90_000; n++) {
            answers.add(patient.acquire(request(lock("k"), TTL)).toCompletableFuture());
        }
        try {
            patient.close();
            assertThat(CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new)))
                    .failsWithin(Duration.ofSeconds(40));
        } finally {
            redis.thaw();
        }
    }

    @Test
    void what_a_full_memory_refuses_to_one_request_keeps_no_other_from_giving_its_lease_back() {
        Lease held = granted(store, lock("held"));
        granted(store, lock("wanted"));
        redis.command("CONFIG", "SET", "maxmemory", "1");
        redis.freeze();
        occupy();
        CompletableFuture<Acquisition> waits = store.acquire(
                        new LeaseRequest(lock("wanted"), OwnerId.random(), "tester", TTL, true))
                .toCompletableFuture();
        CompletableFuture<Boolean> released =
                store.release(held, Ending.NOT_DONE).toCompletableFuture();
        redis.thaw();
        assertThat(waits)
                .failsWithin(Duration.ofSeconds(20))
                .withThrowableThat()
                .havingCause()
                .withMessageContaining("its memory is full");
        assertThat(released).succeedsWithin(Duration.ofSeconds(20)).isEqualTo(true);
    }

    @Test
    void a_full_memory_keeps_no_completed_run_from_leaving_its_marker() {
        Lease lease = granted(store, run("once"));
        redis.command("CONFIG", "SET", "maxmemory", "1");
        assertThat(get(store.release(lease, Ending.done(TTL)))).isTrue();
        assertThat(get(store.acquire(request(run("once"), TTL)))).isInstanceOf(Acquisition.Done.class);
    }
}
