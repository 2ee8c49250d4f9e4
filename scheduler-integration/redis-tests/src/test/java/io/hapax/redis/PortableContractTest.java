package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.LeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.LeaseHistoryContract;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;

/** The contracts of lease stores on servers that need the portable protocol. */
@Tag("slow")
class PortableContractTest {

    private static RedissonLeaseStore.Builder builder(String namespace) {
        return RedissonLeaseStore.builder()
                .namespace(namespace)
                .longestTtl(Duration.ofMinutes(10))
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now());
    }

    private static RedissonLeaseStore open(String namespace, String url) {
        RedissonLeaseStore store = builder(namespace).url(url).build();
        assertThat(store.namespaceParts().scripts().isPortable()).isTrue();
        return store;
    }

    /** Half of it by each way in which a store with a client of its own asks. */
    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class AsAUserWithoutInfoAndTime extends ContractOnRedis {

        private final EmbeddedRedis server = EmbeddedRedis.start();
        private final AtomicInteger asked = new AtomicInteger();

        @Override
        LeaseStore open(String namespace) {
            // Scripts ask for another section first, and an ACL goes by that one.
            server.command("ACL SETUSER narrow on >geheim ~* &* +@all -time -info +info|replication".split(" "));
            return PortableContractTest.open(namespace, server.url().replace("redis://", "redis://narrow:geheim@"));
        }

        @Override
        protected LeaseStore store() {
            return asked.getAndIncrement() % 2 == 0
                    ? super.store()
                    : super.store().blocking();
        }

        @AfterAll
        void stop() {
            server.close();
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OnAQuorum extends QuorumContractTest.OnAQuorum {

        private final List<NarrowRedis> narrow =
                servers.stream().map(server -> NarrowRedis.before(server)).toList();

        @Override
        List<String> urls() {
            return narrow.stream().map(NarrowRedis::url).toList();
        }

        @Override
        @AfterAll
        void stop() {
            narrow.forEach(NarrowRedis::close);
            super.stop();
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class LateHistories extends LeaseHistoryContract {

        private final NarrowRedis redis = NarrowRedis.start();
        private List<LeaseStore> clients = List.of();

        @BeforeAll
        void connect() {
            String namespace = "late-" + UUID.randomUUID();
            clients = Stream.<LeaseStore>generate(() -> PortableContractTest.open(namespace, redis.url()))
                    .limit(2)
                    .toList();
        }

        /** Each call goes through the proxy; the rules themselves are judged elsewhere. */
        @Override
        protected int histories() {
            return 20;
        }

        @Override
        protected List<LeaseStore> clients() {
            return clients;
        }

        @AfterAll
        void stop() {
            clients.forEach(LeaseStore::close);
            redis.close();
        }
    }
}
