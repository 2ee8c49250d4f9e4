package io.hapax.redis;

import io.hapax.lease.LeaseStore;
import io.hapax.testkit.Containers;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.LeaseStoreContract;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** The contract of lease stores, on real servers and in several configurations. */
class RedissonLeaseStoreTest {

    private abstract static class OnRedis extends LeaseStoreContract {

        private final String namespace = "contract-" + UUID.randomUUID();
        private final List<RedissonLeaseStore> open = new ArrayList<>();

        abstract RedissonLeaseStore open(String namespace);

        // Opened within a test, so that a server that is not there skips every test visibly.
        private RedissonLeaseStore client(int index) {
            while (open.size() <= index) {
                open.add(open(namespace));
            }
            return open.get(index);
        }

        @BeforeEach
        void connect() {
            client(0);
        }

        @AfterAll
        void disconnect() {
            open.forEach(RedissonLeaseStore::close);
        }

        @Override
        protected LeaseStore store() {
            return client(0);
        }

        @Override
        protected LeaseStore otherClient() {
            return client(1);
        }

        @Override
        protected void letLapse(Duration ttl) {
            long end = System.nanoTime() + ttl.toNanos() + 50_000_000;
            while (System.nanoTime() < end) {
                LockSupport.parkNanos(end - System.nanoTime());
            }
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class WithItsOwnClient extends OnRedis {
        @Override
        RedissonLeaseStore open(String namespace) {
            return RedissonLeaseStore.builder()
                    .url(EmbeddedRedis.shared().url())
                    .namespace(namespace)
                    .longestTtl(Duration.ofMinutes(10))
                    .fresh(true)
                    .build();
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class WithTheApplicationsClient extends OnRedis {

        private RedissonClient client;

        @Override
        RedissonLeaseStore open(String namespace) {
            if (client == null) {
                Config config = new Config();
                config.useSingleServer().setAddress(EmbeddedRedis.shared().url());
                client = Redisson.create(config);
            }
            return RedissonLeaseStore.builder()
                    .client(client)
                    .namespace(namespace)
                    .longestTtl(Duration.ofMinutes(10))
                    .fresh(true)
                    .build();
        }

        @AfterAll
        void shutDown() {
            if (client != null) {
                client.shutdown();
            }
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class InAContainer extends OnRedis {
        @Override
        RedissonLeaseStore open(String namespace) {
            return RedissonLeaseStore.builder()
                    .url(Containers.redisUrlOrSkip())
                    .namespace(namespace)
                    .longestTtl(Duration.ofMinutes(10))
                    .fresh(true)
                    .build();
        }
    }
}
