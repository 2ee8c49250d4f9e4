package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.grantedForLong;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import io.netty.util.concurrent.EventExecutor;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/**
 * Threads of the client end, as Netty's do with an {@link OutOfMemoryError}, which are not started again: a store that has opened its client
 * itself opens another one, and goes on. Ended here by the way in which Netty ends them when it is told to.
 */
@Tag("slow")
class DeadClientTest {

    private static final Duration LONGEST = Duration.ofMinutes(1);
    private static final int LEASES = 50;

    /** What has to hold for a store, whatever servers it uses. */
    @Tag("slow")
    abstract static class Contract {

        private LeaseStore store;

        abstract LeaseStore open();

        abstract List<RedissonLeaseStore> servers();

        abstract void stopServers();

        static RedissonLeaseStore.Builder builder() {
            return RedissonLeaseStore.builder()
                    .namespace("dead")
                    .longestTtl(Duration.ofMinutes(10))
                    .firstStart(WallClock.now());
        }

        LeaseStore store() {
            return store;
        }

        @BeforeEach
        void openStore() {
            store = open();
        }

        @AfterEach
        void stop() {
            store.close();
            stopServers();
        }

        private List<RedissonClient> clients() {
            return servers().stream().map(server -> server.client().redisson()).toList();
        }

        /** Ends the first ones of the threads of each client. */
        private void end(int first) {
            clients().forEach(client -> end(client, first));
        }

        static void end(RedissonClient client, int first) {
            int n = 0;
            for (EventExecutor loop : ((Redisson) client).getServiceManager().getGroup()) {
                if (n++ < first) {
                    var unused = loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
                    await().until(loop::isTerminated);
                }
            }
        }

        private List<Lease> granted() {
            return IntStream.range(0, LEASES)
                    .mapToObj(n -> grantedForLong(store, lock("k" + n)))
                    .toList();
        }

        private boolean areRenewed(List<Lease> leases) {
            return get(store.renew(leases)).stream().allMatch(Renewal.Renewed.class::isInstance);
        }

        @Test
        void leases_are_renewed_by_another_client_when_all_threads_of_the_first_have_ended() {
            List<Lease> leases = granted();
            List<RedissonClient> before = clients();
            end(Integer.MAX_VALUE);
            await().atMost(LONGEST).until(() -> areRenewed(leases));
            await().atMost(LONGEST).until(() -> clients().stream().noneMatch(before::contains));
            assertThat(before).allMatch(RedissonClient::isShuttingDown);
            assertThat(get(store.release(leases.get(0), Ending.NOT_DONE))).isTrue();
            assertThat(acquire(store, lock("k0"))).isInstanceOf(Acquisition.Granted.class);
            assertThat(acquire(store, lock("k1"))).isInstanceOf(Acquisition.Held.class);
        }

        @Test
        void leases_are_renewed_when_one_thread_has_ended() {
            List<Lease> leases = granted();
            end(1);
            await().atMost(LONGEST).until(() -> areRenewed(leases));
            for (int n = 0; n < 20; n++) {
                assertThat(areRenewed(leases)).isTrue();
            }
        }

        @Test
        void who_waits_is_woken_up_by_a_message_to_the_other_client() {
            Lease lease = grantedForLong(store, lock("waited"));
            try (LeaseStore other = open()) {
                assertThat(get(store.acquire(waiting()))).isInstanceOf(Acquisition.Held.class);
                CompletableFuture<Void> wait =
                        store.nextChance(lock("waited"), Duration.ofMinutes(5)).toCompletableFuture();
                List<RedissonClient> before = clients();
                end(Integer.MAX_VALUE);
                await().atMost(LONGEST).until(() -> areRenewed(List.of(lease)));
                await().atMost(LONGEST).until(() -> clients().stream().noneMatch(before::contains));
                assertThat(wait).isNotDone();
                assertThat(get(other.release(lease, Ending.NOT_DONE))).isTrue();
                get(wait);
            }
        }

        private static LeaseRequest waiting() {
            return new LeaseRequest(lock("waited"), OwnerId.random(), "w", Duration.ofMinutes(5), true);
        }
    }

    @Nested
    class AtAnAddress extends Contract {
        private final EmbeddedRedis redis = EmbeddedRedis.start();

        @Override
        LeaseStore open() {
            return builder().url(redis.url()).build();
        }

        @Override
        List<RedissonLeaseStore> servers() {
            return List.of((RedissonLeaseStore) store());
        }

        @Override
        void stopServers() {
            redis.close();
        }
    }

    @Nested
    class BehindAConfiguration extends Contract {
        private final EmbeddedCluster cluster = EmbeddedCluster.start();

        @Override
        LeaseStore open() {
            Config config = new Config();
            config.useClusterServers().addNodeAddress(cluster.urls().toArray(String[]::new));
            LeaseStore opened = builder().config(config).build();
            // For another client, of the application's: that of the store stays as it was.
            config.useClusterServers().setNodeAddresses(List.of("redis://127.0.0.1:1"));
            return opened;
        }

        @Override
        List<RedissonLeaseStore> servers() {
            return List.of((RedissonLeaseStore) store());
        }

        @Override
        void stopServers() {
            cluster.close();
        }
    }

    @Nested
    class InAQuorum extends Contract {
        private final List<EmbeddedRedis> all =
                Stream.generate(EmbeddedRedis::start).limit(3).toList();

        @Override
        LeaseStore open() {
            return builder().quorum(all.stream().map(EmbeddedRedis::url).toList());
        }

        @Override
        List<RedissonLeaseStore> servers() {
            return ((QuorumLeaseStore) store()).servers();
        }

        @Override
        void stopServers() {
            all.forEach(EmbeddedRedis::close);
        }
    }

    @Test
    void the_client_of_an_application_is_the_application_s_to_replace() {
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            Config config = new Config();
            config.useSingleServer().setAddress(redis.url());
            RedissonClient own = Redisson.create(config);
            try (RedissonLeaseStore store = Contract.builder().client(own).build()) {
                Lease lease = grantedForLong(store, lock("k"));
                Contract.end(own, Integer.MAX_VALUE);
                assertThat(get(store.renew(List.of(lease)))).singleElement().isInstanceOf(Renewal.Unknown.class);
                assertThat(store.client().redisson()).isSameAs(own);
            } finally {
                own.shutdown(0, 2, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void a_client_whose_server_is_away_stays_and_connects_again() {
        EmbeddedRedis redis = EmbeddedRedis.start();
        try (RedissonLeaseStore store = Contract.builder().url(redis.url()).build()) {
            RedissonClient before = store.client().redisson();
            List<Lease> leases = List.of(grantedForLong(store, lock("k")));
            redis.freeze();
            // Looked at, and not replaced, for as long as that takes.
            for (int n = 0; n < 10; n++) {
                assertThat(get(store.renew(leases))).singleElement().isInstanceOf(Renewal.Unknown.class);
            }
            redis.thaw();
            await().atMost(LONGEST).until(() -> get(store.renew(leases)).get(0) instanceof Renewal.Renewed);
            assertThat(store.client().redisson()).isSameAs(before);
        } finally {
            redis.close();
        }
    }
}
