package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.grantedForLong;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static io.hapax.redis.Fixture.run;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What taking and giving back costs, counted in what does not depend on the machine, so that none of it creeps up. */
class EffortTest {

    private static final int TIMES = 100;
    /** What belongs to a connection, which may be opened, or looked after, at any time. */
    private static final Set<String> OF_CONNECTIONS = Set.of("ping", "hello", "auth", "select");

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = Fixture.store(redis.url())
            .namespace("effort")
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

    /** Commands by name that Redis carries out for each time that something is done, scripts and what they call alike. */
    private Map<String, Double> commands(Runnable something) {
        // The first grant of a namespace notes which server it is; the first of each script loads it.
        something.run();
        something.run();
        redis.command("CONFIG", "RESETSTAT");
        for (int n = 0; n < TIMES; n++) {
            something.run();
        }
        Map<String, Double> each = new TreeMap<>();
        redis.commandStats().forEach((command, calls) -> each.put(command, calls.doubleValue() / TIMES));
        each.keySet().removeIf(command -> command.contains("|") || OF_CONNECTIONS.contains(command));
        return each;
    }

    @Test
    void a_lease_is_taken_and_given_back_by_eight_commands_in_two_scripts() {
        assertThat(commands(() -> get(store.release(granted(store, lock("k")), Ending.NOT_DONE))))
                .isEqualTo(Map.of(
                        "evalsha", 2.0, "hmget", 1.0, "info", 1.0, "mget", 2.0, "time", 1.0, "hset", 1.0, "set", 1.0,
                        "del", 1.0));
    }

    @Test
    void an_occurrence_is_taken_and_completed_by_twelve_commands_in_two_scripts() {
        int[] occurrence = {0};
        assertThat(commands(() -> {
                    Lease lease = granted(store, run("o" + occurrence[0]++));
                    get(store.release(lease, Ending.done(Duration.ofHours(1))));
                }))
                .isEqualTo(Map.of(
                        "evalsha", 2.0, "hmget", 1.0, "info", 1.0, "mget", 2.0, "time", 2.0, "hset", 1.0, "set", 2.0,
                        "get", 1.0, "del", 2.0));
    }

    @Test
    void a_refusal_is_one_script_of_four_commands() {
        grantedForLong(store, lock("held"));
        assertThat(commands(() -> assertThat(acquire(store, lock("held"))).isInstanceOf(Acquisition.Held.class)))
                .isEqualTo(Map.of("evalsha", 1.0, "hmget", 1.0, "info", 1.0, "mget", 1.0, "pttl", 1.0));
    }

    @Test
    void a_hundred_renewals_are_one_script_that_looks_at_the_server_once_whatever_their_ttl() {
        List<Lease> leases = new ArrayList<>();
        for (int n = 0; n < 100; n++) {
            leases.add(granted(get(store.acquire(request(lock("held-" + n), Duration.ofSeconds(300 + n))))));
        }
        assertThat(commands(() -> assertThat(get(store.renew(leases))).containsOnly(new Renewal.Renewed(false))))
                .isEqualTo(Map.of("evalsha", 1.0, "hmget", 1.0, "info", 1.0, "mget", 1.0, "pexpire", 100.0));
    }

    @Test
    void where_the_script_for_one_request_has_no_answer_nobody_pays_for_two_calls_for_long() {
        granted(store, lock("k"));
        redis.command("HSET", "hapax:{effort:0}:m", "until", "9000000000000000");
        assertThat(commands(() -> assertThat(acquire(store, lock("k2"))).isInstanceOf(Acquisition.Quarantined.class))
                        .get("evalsha"))
                .isLessThan(1.1);
        redis.command("HSET", "hapax:{effort:0}:m", "until", "1");
        // At the latest the 64th finds that it has one again.
        for (int n = 0; n < 64; n++) {
            get(store.release(granted(store, lock("k3")), Ending.NOT_DONE));
        }
        assertThat(commands(() -> get(store.release(granted(store, lock("k3")), Ending.NOT_DONE))))
                .containsEntry("evalsha", 2.0)
                .containsEntry("hmget", 1.0);
    }

    /**
     * Bytes that this thread allocates each time. It is a count: what the machine does meanwhile does not change it, and the bounds leave
     * room for code that is interpreted, which allocates what compiled code need not.
     */
    private static long bytes(int times, Runnable something) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long id = Thread.currentThread().getId();
        for (int n = 0; n < times; n++) {
            something.run();
        }
        long before = threads.getThreadAllocatedBytes(id);
        for (int n = 0; n < times; n++) {
            something.run();
        }
        return (threads.getThreadAllocatedBytes(id) - before) / times;
    }

    @Test
    void a_guarded_run_leaves_little_to_collect() {
        try (JobGuard guard = JobGuard.builder(store)
                .withoutLogging()
                .defaults(options -> options.withTtl(Duration.ofMinutes(5)))
                .build()) {
            RunRequest request = RunRequest.lock("k");
            long each = bytes(500, () -> guarded(guard, request));
            assertThat(each).isPositive().isLessThan(12_000);
        }
    }

    private static void guarded(JobGuard guard, RunRequest request) {
        try {
            assertThat(guard.run(request, run -> null).ran()).isTrue();
        } catch (InterruptedException unexpected) {
            throw new AssertionError(unexpected);
        }
    }

    @Test
    void a_renewal_leaves_little_to_collect() {
        List<Lease> leases = new ArrayList<>();
        for (int n = 0; n < 100; n++) {
            leases.add(granted(get(store.acquire(request(lock("held-" + n), Duration.ofMinutes(5))))));
        }
        long each = bytes(100, () -> assertThat(get(store.renew(leases))).contains(new Renewal.Renewed(false)))
                / leases.size();
        assertThat(each).isPositive().isLessThan(480);
    }
}
