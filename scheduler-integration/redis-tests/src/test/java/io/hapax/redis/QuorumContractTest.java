package io.hapax.redis;

import io.hapax.lease.LeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;

/** The contract of lease stores, on a quorum of three servers. */
@Tag("slow")
class QuorumContractTest {

    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    abstract static class OnAQuorum extends ContractOnRedis {

        final List<EmbeddedRedis> servers =
                Stream.generate(EmbeddedRedis::start).limit(3).toList();

        @Override
        LeaseStore open(String namespace) {
            RedissonLeaseStore.Builder builder = RedissonLeaseStore.builder()
                    .namespace(namespace)
                    .longestTtl(Duration.ofMinutes(10))
                    .firstStart(WallClock.now());
            return QuorumOpening.openWaiting(urls(), builder, perServer().multipliedBy(10), perServer());
        }

        List<String> urls() {
            return servers.stream().map(EmbeddedRedis::url).toList();
        }

        /** Longer than in production: a machine that is busy with something else is no fault of a server. */
        Duration perServer() {
            return Duration.ofSeconds(2);
        }

        /** The contract renews after nine sixteenths of four of these, and the wait for a server that is away. */
        @Override
        protected Duration shortTtl() {
            return Duration.ofMillis(700);
        }

        @AfterAll
        void stop() {
            servers.forEach(EmbeddedRedis::close);
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OfThree extends OnAQuorum {}

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OfThreeWithOneDown extends OnAQuorum {
        OfThreeWithOneDown() {
            servers.get(1).kill();
        }

        /** What all servers have to answer waits so long for the one that is away; shorter than where all answer. */
        @Override
        Duration perServer() {
            return Duration.ofMillis(1500);
        }

        @Override
        protected Duration shortTtl() {
            return Duration.ofMillis(1600);
        }
    }
}
