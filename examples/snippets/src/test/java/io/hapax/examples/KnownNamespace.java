package io.hapax.examples;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.WallClock;
import java.time.Duration;

/** Makes a Redis look as if the application had run before; else the first run ever waits for unknown holders. */
final class KnownNamespace {

    private KnownNamespace() {}

    static void on(String redisUrl) {
        on(redisUrl, "shop");
    }

    static void on(String redisUrl, String namespace) {
        try (RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(redisUrl)
                .namespace(namespace)
                .answerTimeout(Duration.ofSeconds(6))
                .firstStart(WallClock.now())
                .build()) {
            JobIdentity identity = new JobIdentity(new LockKey("first"), null);
            store.acquire(new LeaseRequest(identity, OwnerId.random(), "test", Duration.ofSeconds(1), false))
                    .toCompletableFuture()
                    .join();
        }
    }
}
