package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.lease.Ending;
import io.hapax.lease.Intervention;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.OwnerId;
import io.hapax.lease.ReservationRequest;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** What the guard costs Redis and the process, and that it leaves nothing behind. */
@Isolated
class FootprintTest {

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = Fixture.store(redis.url())
            .namespace("cost")
            .longestTtl(Duration.ofMinutes(10))
            // A call whose answer is late is sent again, and counted twice.
            .answerTimeout(Duration.ofSeconds(40))
            .firstStart(WallClock.now())
            .build();

    @AfterEach
    void stop() {
        store.close();
        redis.close();
    }

    /** With a ttl that allows for that answer timeout. */
    private JobGuard guard() {
        return JobGuard.builder(store)
                .defaults(options -> options.withTtl(Duration.ofMinutes(5)))
                .build();
    }

    private Set<String> keys() {
        return redis.command("KEYS", "*")
                .lines()
                .filter(line -> line.contains("hapax:"))
                .collect(Collectors.toSet());
    }

    @Test
    void an_uncontended_cycle_is_exactly_two_commands() {
        get(store.release(granted(store, lock("warm")), Ending.NOT_DONE));
        redis.command("CONFIG", "RESETSTAT");
        for (int i = 0; i < 100; i++) {
            Lease lease = granted(store, run("occurrence-" + i));
            assertThat(get(store.release(lease, Ending.done(Duration.ofMinutes(1)))))
                    .isTrue();
        }
        Map<String, Long> commands = redis.commandStats();
        assertThat(commands).containsEntry("evalsha", 200L);
        // All other commands are what the two scripts execute inside of Redis, or this test's own connection.
        assertThat(commands.keySet())
                .doesNotContain("eval", "publish", "subscribe", "script|load", "exists")
                .isSubsetOf(
                        "evalsha",
                        "get",
                        "mget",
                        "set",
                        "del",
                        "hset",
                        "hmget",
                        "time",
                        "info",
                        "pttl",
                        "pexpire",
                        "ping",
                        "config|resetstat",
                        "client|setname",
                        "client|setinfo",
                        "hello",
                        "select",
                        "auth");
    }

    @Test
    void a_guarded_run_is_two_commands_as_well() throws Exception {
        try (JobGuard guard = guard()) {
            guard.run(RunRequest.occurrence("warm"), run -> null);
            redis.command("CONFIG", "RESETSTAT");
            guard.run(RunRequest.lock("k").once("o"), run -> null);
            assertThat(redis.commandStats()).containsEntry("evalsha", 2L).doesNotContainKey("eval");
        }
    }

    @Test
    void ten_thousand_short_runs_leave_no_key_and_no_thread() throws Exception {
        try (JobGuard guard = guard()) {
            guard.run(RunRequest.lock("warm"), run -> null);
            Set<String> keysBefore = keys();
            Set<Thread> threadsBefore = threads();
            for (int i = 0; i < 10_000; i++) {
                assertThat(guard.run(RunRequest.lock("job-" + i), run -> null).ran())
                        .isTrue();
            }
            assertThat(keys()).isEqualTo(keysBefore).containsExactly("hapax:{cost:0}:m");
            Set<Thread> newThreads = threads();
            newThreads.removeAll(threadsBefore);
            // One a run would be thousands. Those of pools start when they are first needed, on a busy machine also the
            // ones that end waits for late answers.
            assertThat(newThreads).hasSizeLessThan(20);
            assertThat(guard.activeRuns()).isZero();
        }
    }

    @Test
    void every_key_but_the_meta_key_has_a_time_to_live() {
        Fixture.grantedForLong(store, lock("held"));
        get(store.release(granted(store, run("done")), Ending.done(Duration.ofHours(1))));
        LeaseRequest waiter = new LeaseRequest(lock("held"), OwnerId.random(), "waiter", Duration.ofSeconds(30), true);
        get(store.acquire(waiter));
        get(store.reservations().orElseThrow().reserve(new ReservationRequest("place", "me", 1, Duration.ofHours(1))));
        get(store.board().news(Map.of(), Duration.ofMinutes(1)));
        get(store.board()
                .post(new FleetBoard.Posting(
                        "worker", Duration.ofMinutes(1), "at work", new FleetBoard.Position("e", 0), "change", 17)));
        get(store.admin().forceRelease(lock("nobody's"), new Intervention("ann", "a test")));
        assertThat(keys()).as("places, readers, board, report, audit beside").hasSize(9);
        for (String key : keys()) {
            long ttl = Long.parseLong(redis.command("PTTL", key).replaceAll("[^0-9-]", ""));
            if (key.endsWith(":m")) {
                assertThat(ttl).isEqualTo(-1);
            } else {
                assertThat(ttl).as(key).isPositive();
            }
        }
    }

    /** As long as nothing happens, a worker that is watched costs Redis no more than to say so. */
    @Test
    void a_worker_of_which_nothing_is_new_and_its_watcher_send_few_bytes() {
        FleetBoard board = store.board();
        FleetBoard.Position position = new FleetBoard.Position("abcdefgh.1", 0);
        Duration lifetime = Duration.ofSeconds(10);
        get(board.news(Map.of(), lifetime));
        get(board.post(new FleetBoard.Posting("worker-1", lifetime, "summary", position, "x".repeat(100_000), 17)));
        FleetBoard.Posting nothing = new FleetBoard.Posting("worker-1", lifetime, null, position, null, 123_456);
        Map<String, FleetBoard.Position> known = Map.of("worker-1", position);
        get(board.post(nothing));
        get(board.news(known, lifetime));
        long in = netBytes("input");
        long out = netBytes("output");
        int times = 100;
        for (int n = 0; n < times; n++) {
            assertThat(get(board.post(nothing)).isKept()).isTrue();
        }
        assertThat((netBytes("input") - in) / times).as("bytes a posting").isLessThan(350);
        in = netBytes("input");
        for (int n = 0; n < times; n++) {
            assertThat(get(board.news(known, lifetime)).get("worker-1").changes())
                    .isEmpty();
        }
        assertThat((netBytes("input") - in) / times).as("bytes a look").isLessThan(350);
        assertThat((netBytes("output") - out) / times)
                .as("bytes of answers, INFO aside")
                .isLessThan(350);
    }

    private long netBytes(String direction) {
        return redis.command("INFO", "stats")
                .lines()
                .filter(line -> line.startsWith("total_net_" + direction + "_bytes:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .sum();
    }

    @Test
    void a_pause_and_a_history_have_a_time_to_live() {
        LeaseAdmin operations = store.admin();
        get(operations.pause(lock("paused"), DurationText.LONGEST, new Intervention("ann", "a test")));
        get(store.release(granted(store, run("r")), Ending.NOT_DONE.inHistoryOf("job")));
        for (String key : List.of("hapax:{cost:0}:h:l:paused", "hapax:{cost:0}:o:job")) {
            assertThat(Long.parseLong(redis.command("PTTL", key))).as(key).isPositive();
        }
    }

    @Test
    void a_history_and_a_pause_beside_cost_no_call_more() {
        get(store.release(granted(store, lock("warm")), Ending.NOT_DONE));
        redis.command("CONFIG", "RESETSTAT");
        get(store.release(
                granted(store, run("r")), Ending.done(Duration.ofMinutes(1)).inHistoryOf("job")));
        assertThat(redis.commandStats())
                .containsEntry("evalsha", 2L)
                .containsEntry("mget", 2L)
                .containsEntry("lpush", 1L);
    }

    @Test
    void renewals_go_in_calls_that_hold_redis_for_less_than_a_millisecond() {
        List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 1001; i++) {
            leases.add(Fixture.grantedForLong(store, lock("many-" + i)));
        }
        get(store.renew(leases.subList(0, 1)));
        redis.command("CONFIG", "RESETSTAT");
        assertThat(get(store.renew(leases))).hasSize(1001);
        assertThat(redis.commandStats()).containsEntry("evalsha", 8L).containsEntry("pexpire", 1001L);
    }

    @Test
    void waiting_uses_one_subscription_a_process_and_leaves_nothing() {
        Fixture.grantedForLong(store, lock("a"));
        for (int i = 0; i < 50; i++) {
            get(store.nextChance(lock("a"), Duration.ofMillis(5)));
        }
        // A thread of its own opens it; on a busy machine it may not yet have had a processor.
        await().untilAsserted(() -> assertThat(
                        redis.command("PUBSUB", "NUMSUB", "hapax:cost:wake").lines())
                .containsExactly("hapax:cost:wake", "1"));
        // Whoever waited hears of it a moment before it is counted no more.
        await().until(() -> store.waiters() == 0);
    }

    /** JUnit starts and ends workers of its own whenever it likes. */
    private static Set<Thread> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> !thread.getName().startsWith("junit-"))
                .collect(Collectors.toCollection(HashSet::new));
    }

    @Test
    void a_closed_store_leaves_no_threads() {
        // Else a thread that this one starts late would be counted.
        store.close();
        Set<Thread> before = threads();
        RedissonLeaseStore another = Fixture.store(redis.url()).build();
        another.close();
        await().untilAsserted(() -> assertThat(threads().stream()
                        .filter(thread -> !before.contains(thread))
                        .filter(thread -> thread.getName().startsWith("redisson"))
                        .toList())
                .isEmpty());
    }

    @Test
    void tokens_grow_in_microseconds_and_lose_no_digit() {
        long last = 0;
        for (int i = 0; i < 300; i++) {
            Lease lease = granted(store, lock("t"));
            assertThat(lease.token().value()).isGreaterThan(last).isGreaterThan(1_700_000_000_000_000L);
            last = lease.token().value();
            get(store.release(lease, Ending.NOT_DONE));
        }
        assertThat(redis.command("HGET", "hapax:{cost:0}:m", "last")).contains(Long.toString(last));
    }
}
