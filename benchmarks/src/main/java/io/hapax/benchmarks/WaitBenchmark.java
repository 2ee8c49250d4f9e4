package io.hapax.benchmarks;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** How much longer a grant takes that a replica has to confirm; one caller, in turns with grants that need not wait. */
final class WaitBenchmark {

    private static final int ROUNDS = 8;
    private static final int WARM_UP_ROUNDS = 2;
    private static final int GRANTS = 2000;

    private WaitBenchmark() {}

    public static void main(String[] args) throws InterruptedException {
        Locale.setDefault(Locale.ROOT);
        try (EmbeddedRedis master = EmbeddedRedis.start("--repl-diskless-sync-delay", "0");
                EmbeddedRedis replica = EmbeddedRedis.start("--replicaof", "127.0.0.1 " + master.port())) {
            while (!master.command("INFO", "replication").contains("state=online")) {
                Thread.sleep(50);
            }
            try (RedissonLeaseStore plain = store(master, "plain", 0);
                    RedissonLeaseStore confirmed = store(master, "confirmed", 1)) {
                compare(plain, confirmed);
            }
        }
    }

    private static RedissonLeaseStore store(EmbeddedRedis master, String namespace, int replicas) {
        return RedissonLeaseStore.builder()
                .url(master.url())
                .namespace(namespace)
                .waitForReplicas(replicas)
                .firstStart(WallClock.now())
                .build();
    }

    private static void compare(RedissonLeaseStore plain, RedissonLeaseStore confirmed) {
        List<Double> plainMedians = new ArrayList<>();
        List<Double> confirmedMedians = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            double one = median(plain);
            double other = median(confirmed);
            if (round >= WARM_UP_ROUNDS) {
                plainMedians.add(one);
                confirmedMedians.add(other);
            }
        }
        double without = middle(plainMedians);
        double with = middle(confirmedMedians);
        System.out.printf(
                Locale.ROOT,
                "hapax-wait replicas=1 grant_ms=%.3f plain_grant_ms=%.3f ratio=%.2f%n",
                with,
                without,
                with / without);
    }

    private static double median(RedissonLeaseStore store) {
        List<Double> times = new ArrayList<>();
        for (int n = 0; n < GRANTS; n++) {
            JobIdentity identity = new JobIdentity(new LockKey("k" + n), null);
            long begun = System.nanoTime();
            Acquisition answer = store.acquire(
                            new LeaseRequest(identity, OwnerId.random(), "bench", Duration.ofSeconds(30), false))
                    .toCompletableFuture()
                    .join();
            times.add((System.nanoTime() - begun) / 1e6);
            Lease lease = ((Acquisition.Granted) answer).lease();
            boolean released =
                    store.release(lease, Ending.NOT_DONE).toCompletableFuture().join();
            if (!released) {
                throw new IllegalStateException("a lease that nobody disturbed was lost: " + lease);
            }
        }
        return middle(times);
    }

    private static double middle(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
