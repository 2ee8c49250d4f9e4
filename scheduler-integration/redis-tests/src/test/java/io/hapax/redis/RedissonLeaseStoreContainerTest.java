package io.hapax.redis;

import io.hapax.testkit.Containers;
import io.hapax.testkit.WallClock;
import java.time.Duration;

/**
 * The contract of lease stores on a server in a container. A class of its own: reports merge nested tests of one name,
 * and would hide that these were skipped.
 */
class RedissonLeaseStoreContainerTest extends ContractOnRedis {

    @Override
    RedissonLeaseStore open(String namespace) {
        return RedissonLeaseStore.builder()
                .url(Containers.redisUrlOrSkip())
                .namespace(namespace)
                .longestTtl(Duration.ofMinutes(10))
                .firstStart(WallClock.now())
                .build();
    }
}
