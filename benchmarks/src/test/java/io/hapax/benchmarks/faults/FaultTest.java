package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What the harness expects of a fault is what the store does. */
class FaultTest {

    /** So long that a machine that stands still for a while makes no difference. */
    private static final Duration TTL = Duration.ofMinutes(10);

    private static final Duration STANDS_STILL = Duration.ofSeconds(50);

    @Test
    void redis_grants_nothing_after_it_was_emptied_for_as_long_as_the_harness_expects() {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                RedissonLeaseStore store = store(redis, 0)) {
            assertThat(acquire(store)).isInstanceOf(Acquisition.Granted.class);
            redis.command("FLUSHALL");
            assertQuarantined(store, Fault.REDIS_EMPTY.quarantine(TTL));
        }
    }

    @Test
    void it_does_so_for_twice_as_long_where_replicas_may_take_over() {
        try (EmbeddedRedis redis = EmbeddedRedis.start("--repl-diskless-sync-delay", "0");
                EmbeddedRedis replica = EmbeddedRedis.start("--replicaof", "127.0.0.1 " + redis.port())) {
            await().until(() -> redis.command("INFO", "replication").contains("state=online"));
            try (RedissonLeaseStore store = store(redis, 1)) {
                assertThat(acquire(store)).isInstanceOf(Acquisition.Granted.class);
                assertThat(replica.command("EXISTS", "hapax:{faults:0}:m")).isEqualTo("1");
                redis.command("FLUSHALL");
                assertQuarantined(store, Fault.SENTINEL_FAILOVER.quarantine(TTL));
            }
        }
    }

    private static void assertQuarantined(RedissonLeaseStore store, Duration expected) {
        Acquisition answer = acquire(store);
        assertThat(answer).isInstanceOf(Acquisition.Quarantined.class);
        assertThat(((Acquisition.Quarantined) answer).left()).isBetween(expected.minus(STANDS_STILL), expected);
    }

    private static Acquisition acquire(RedissonLeaseStore store) {
        JobIdentity identity = new JobIdentity(new LockKey("k"), null);
        return store.acquire(new LeaseRequest(identity, OwnerId.random(), "worker", TTL, false))
                .toCompletableFuture()
                .join();
    }

    private static RedissonLeaseStore store(EmbeddedRedis redis, int replicas) {
        return RedissonLeaseStore.builder()
                .url(redis.url())
                .namespace("faults")
                .longestTtl(TTL)
                .answerTimeout(Duration.ofSeconds(20))
                .waitForReplicas(replicas)
                .firstStart(WallClock.now())
                .build();
    }
}
