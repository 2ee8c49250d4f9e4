package io.hapax.redis;

import io.hapax.lease.LeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.LeaseHistoryContract;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;

/** Random histories of calls that are carried out after their callers gave up, on real servers. */
@Tag("slow")
class LateHistoriesTest {

    private static RedissonLeaseStore.Builder builder(String namespace) {
        return RedissonLeaseStore.builder()
                .namespace(namespace)
                .longestTtl(Duration.ofMinutes(10))
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now());
    }

    /** Two clients, opened once the server is known to be there. */
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class OnRedis extends LeaseHistoryContract {

        private List<LeaseStore> clients = List.of();

        abstract LeaseStore open(String namespace);

        @BeforeAll
        void connect() {
            String namespace = "late-" + UUID.randomUUID();
            clients = Stream.generate(() -> open(namespace)).limit(2).toList();
        }

        @Override
        protected List<LeaseStore> clients() {
            return clients;
        }

        @AfterAll
        void disconnect() {
            clients.forEach(LeaseStore::close);
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OnOneServer extends OnRedis {

        @Override
        LeaseStore open(String namespace) {
            return builder(namespace).url(EmbeddedRedis.shared().url()).build();
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OnAQuorum extends OnRedis {

        private static final int SERVERS = 3;

        /** Longer than in production: a machine that is busy with something else is no fault of a server. */
        private static final Duration PER_SERVER = Duration.ofSeconds(2);

        private final List<EmbeddedRedis> servers =
                Stream.generate(EmbeddedRedis::start).limit(SERVERS).toList();

        @Override
        LeaseStore open(String namespace) {
            List<String> urls = servers.stream().map(EmbeddedRedis::url).toList();
            return QuorumOpening.openWaiting(urls, builder(namespace), PER_SERVER.multipliedBy(10), PER_SERVER);
        }

        /** Majorities of places do not intersect, as the guarantees say. */
        @Override
        protected int mostWithAPlace(int places) {
            return SERVERS * places / (SERVERS / 2 + 1);
        }

        @AfterAll
        void stop() {
            servers.forEach(EmbeddedRedis::close);
        }
    }
}
