package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** The contract of lease stores, on real servers and in several configurations. */
@Tag("slow")
class RedissonLeaseStoreTest {

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class WithItsOwnClient extends ContractOnRedis {
        @Override
        RedissonLeaseStore open(String namespace) {
            return RedissonLeaseStore.builder()
                    .url(EmbeddedRedis.shared().url())
                    .namespace(namespace)
                    .longestTtl(Duration.ofMinutes(10))
                    .answerTimeout(Fixture.PATIENCE)
                    .firstStart(WallClock.now())
                    .build();
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class ForCallersThatWait extends ContractOnRedis {
        @Override
        LeaseStore open(String namespace) {
            return RedissonLeaseStore.builder()
                    .url(EmbeddedRedis.shared().url())
                    .namespace(namespace)
                    .longestTtl(Duration.ofMinutes(10))
                    .answerTimeout(Fixture.PATIENCE)
                    .firstStart(WallClock.now())
                    .build()
                    .blocking();
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class WithTheApplicationsClient extends ContractOnRedis {

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
                    .answerTimeout(Fixture.PATIENCE)
                    .firstStart(WallClock.now())
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
    class WithoutAScriptCache extends ContractOnRedis {

        private final EmbeddedRedis redis = EmbeddedRedis.start();
        private final AtomicInteger flushes = new AtomicInteger();

        @Override
        RedissonLeaseStore open(String namespace) {
            return RedissonLeaseStore.builder()
                    .url(redis.url())
                    .namespace(namespace)
                    .longestTtl(Duration.ofMinutes(10))
                    .answerTimeout(Fixture.PATIENCE)
                    .firstStart(WallClock.now())
                    .build();
        }

        // Before every operation, as the tests ask for the store anew each time.
        @Override
        protected LeaseStore store() {
            redis.command("SCRIPT", "FLUSH");
            return flushes.getAndIncrement() % 2 == 0
                    ? super.store()
                    : super.store().blocking();
        }

        @AfterAll
        void stop() {
            redis.close();
        }
    }

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OnACluster extends ContractOnRedis {

        private final EmbeddedRedis redis =
                EmbeddedRedis.start("--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1");
        private final Path yaml = writeYaml();

        private Path writeYaml() {
            redis.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
            await().until(() -> redis.command("CLUSTER", "INFO").contains("cluster_state:ok"));
            try {
                Path file = Files.createTempFile("hapax-cluster", ".yaml");
                return Files.writeString(file, String.format(Locale.ROOT, """
                        clusterServersConfig:
                          nodeAddresses:
                            - "%s"
                        """, redis.url()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        RedissonLeaseStore open(String namespace) {
            return RedissonLeaseStore.builder()
                    .yaml(yaml)
                    .namespace(namespace)
                    .longestTtl(Duration.ofMinutes(10))
                    .answerTimeout(Fixture.PATIENCE)
                    .firstStart(WallClock.now())
                    .build();
        }

        private static RunRequest limited(int limit, String occurrence) {
            return RunRequest.lock("rooms").once(occurrence).tune(options -> options.withConcurrency(limit));
        }

        private static Verdict verdict(JobGuard guard, RunRequest request) throws InterruptedException {
            return guard.admit(request)
                    .fold(
                            run -> {
                                throw new AssertionError("was admitted: " + run);
                            },
                            Refusal::verdict);
        }

        private static void complete(JobGuard guard, RunRequest request) throws InterruptedException {
            RunOutcome outcome = guard.admit(request).fold(GuardedRun::complete, refusal -> {
                throw new AssertionError(refusal);
            });
            assertThat(outcome).isEqualTo(RunOutcome.COMPLETED);
        }

        /** Its run key and its lock key have buckets of their own. */
        @Test
        void an_occurrence_that_is_over_under_one_limit_is_over_under_any_other_until_a_person_says_otherwise()
                throws Exception {
            try (JobGuard guard = JobGuard.builder(store()).build()) {
                for (String occurrence : List.of("one", "two", "three")) {
                    for (List<Integer> limits : List.of(List.of(3, 1), List.of(1, 3), List.of(3, 2))) {
                        String of = occurrence + " of " + limits;
                        complete(guard, limited(limits.get(0), of));
                        assertThat(verdict(guard, limited(limits.get(1), of)))
                                .as(of)
                                .isEqualTo(Verdict.DONE);
                        assertThat(guard.admin()
                                        .runAgain(limited(1, of).identity(), "a person", "it was wrong")
                                        .join())
                                .as(of)
                                .isTrue();
                        complete(guard, limited(limits.get(1), of));
                        assertThat(verdict(guard, limited(limits.get(0), of)))
                                .as(of)
                                .isEqualTo(Verdict.DONE);
                    }
                }
            }
        }

        @Test
        void leases_of_all_buckets_are_renewed_in_one_call() {
            List<Lease> leases = IntStream.range(0, 500)
                    .mapToObj(i -> Fixture.grantedForLong(store(), Fixture.lock("spread-" + i)))
                    .toList();
            assertThat(Fixture.get(otherClient().renew(leases))).hasSize(500).containsOnly(new Renewal.Renewed(false));
            assertThat(redis.command("KEYS", "*:m").lines()).hasSize(64);
        }

        @AfterAll
        void stop() throws IOException {
            redis.close();
            Files.delete(yaml);
        }
    }
}
