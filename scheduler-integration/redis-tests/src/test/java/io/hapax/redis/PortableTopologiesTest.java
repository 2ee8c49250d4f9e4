package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.grantedForLong;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.EmbeddedSentinel;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The portable protocol where there is more than one server: their user may not ask for TIME. */
@Tag("slow")
class PortableTopologiesTest {

    private static final Duration TTL = Duration.ofSeconds(24);

    private static void narrow(EmbeddedRedis server) {
        server.command("ACL SETUSER narrow on >geheim ~* &* +@all -time".split(" "));
    }

    private static void assertPortable(RedissonLeaseStore store) {
        assertThat(store.namespaceParts().scripts().isPortable()).isTrue();
    }

    @Test
    void a_lease_that_the_promoted_replica_never_saw_is_granted_to_nobody_else() throws Exception {
        try (EmbeddedSentinel sentinel = EmbeddedSentinel.start(1);
                Clients clients = new Clients("narrow", TTL, Duration.ofMillis(1500)).as("narrow", "geheim")) {
            narrow(sentinel.master());
            sentinel.replicas().forEach(PortableTopologiesTest::narrow);
            RedissonLeaseStore other = clients.store(sentinel);
            assertPortable(other);
            try (JobGuard guard = JobGuard.builder(clients.store(sentinel))
                    .closesStore()
                    .defaults(options -> options.withTtl(TTL))
                    .build()) {
                sentinel.cutReplication();
                try (GuardedRun run = Fixture.admitted(guard, RunRequest.lock("k"));
                        GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
                    EmbeddedRedis old = sentinel.master();
                    // Once it is promoted, the holder may have shown itself there.
                    assertThat(sentinel.replicas())
                            .singleElement()
                            .satisfies(replica ->
                                    assertThat(replica.command("KEYS", "*:l:*")).isBlank());
                    old.kill();
                    EmbeddedRedis promoted = sentinel.awaitPromotion(old);
                    await().atMost(Duration.ofSeconds(40))
                            .ignoreExceptions()
                            .until(() -> notGranted(acquire(other, lock("k"))) instanceof Acquisition.Held);
                    assertThat(promoted.command("KEYS", "*:l:*")).contains(":l:k");
                    run.ensureHeld();
                }
            }
        }
    }

    private static Acquisition notGranted(Acquisition answer) {
        if (answer instanceof Acquisition.Granted) {
            throw new Error("granted twice: " + answer);
        }
        return answer;
    }

    @Test
    void leases_are_spread_over_a_cluster_and_held_there() {
        try (EmbeddedCluster cluster = EmbeddedCluster.start();
                Clients clients =
                        new Clients("narrow", Duration.ofMinutes(10), Duration.ofSeconds(4)).as("narrow", "geheim")) {
            cluster.masters().forEach(PortableTopologiesTest::narrow);
            RedissonLeaseStore store = clients.store(cluster);
            RedissonLeaseStore other = clients.store(cluster);
            assertPortable(store);
            List<Lease> leases = new ArrayList<>();
            for (int n = 0; n < 40; n++) {
                leases.add(grantedForLong(store, lock("k" + n)));
                assertThat(acquire(other, lock("k" + n))).isInstanceOf(Acquisition.Held.class);
            }
            assertThat(cluster.masters())
                    .allSatisfy(master ->
                            assertThat(master.command("KEYS", "*:l:*")).isNotBlank());
            assertThat(get(store.renew(leases))).containsOnly(new Renewal.Renewed(false));
            for (Lease lease : leases) {
                assertThat(get(store.release(lease, Ending.NOT_DONE))).isTrue();
            }
        }
    }

    @Test
    void a_replica_of_a_cluster_that_never_saw_a_lease_grants_it_to_nobody_else() throws Exception {
        try (EmbeddedCluster cluster = EmbeddedCluster.start(1);
                Clients clients = new Clients("narrow", TTL, Duration.ofMillis(1500)).as("narrow", "geheim")) {
            for (EmbeddedRedis master : cluster.masters()) {
                narrow(master);
                cluster.replicasOf(master).forEach(PortableTopologiesTest::narrow);
            }
            RedissonLeaseStore other = clients.store(cluster);
            assertPortable(other);
            try (JobGuard guard = JobGuard.builder(clients.store(cluster))
                    .closesStore()
                    .defaults(options -> options.withTtl(TTL))
                    .build()) {
                String key = other.namespaceParts().keyspace().of(lock("k")).lease();
                EmbeddedRedis old = cluster.masterOf(key);
                EmbeddedRedis replica = cluster.replicasOf(old).get(0);
                cluster.cutReplication(old);
                try (GuardedRun run = Fixture.admitted(guard, RunRequest.lock("k"));
                        GuardedRun.Scope scope = run.enter(OnLeaseLost.SIGNAL)) {
                    // Once it is promoted, the holder may have shown itself there.
                    assertThat(replica.command("KEYS", "*:l:*")).isBlank();
                    old.kill();
                    cluster.promote(replica);
                    await().atMost(Duration.ofSeconds(40))
                            .ignoreExceptions()
                            .until(() -> notGranted(acquire(other, lock("k"))) instanceof Acquisition.Held);
                    assertThat(replica.command("EXISTS", key)).isEqualTo("1");
                    run.ensureHeld();
                }
            }
        }
    }

    @Test
    void a_lease_counts_only_once_a_replica_has_it() {
        try (EmbeddedRedis master = EmbeddedRedis.start("--repl-diskless-sync-delay", "0");
                EmbeddedRedis replica = EmbeddedRedis.start(
                        "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 " + master.port())) {
            narrow(master);
            await().atMost(Duration.ofSeconds(40))
                    .until(() -> master.command("SET", "any", "thing").equals("OK")
                            && master.command("WAIT", "1", "100").equals("1"));
            try (RedissonLeaseStore store = Fixture.store(master.url().replace("redis://", "redis://narrow:geheim@"))
                    .namespace("wait")
                    .answerTimeout(Duration.ofSeconds(8))
                    .waitForReplicas(1)
                    .firstStart(WallClock.now())
                    .build()) {
                assertPortable(store);
                Lease lease = granted(store, lock("k"));
                assertThat(replica.command("KEYS", "*:l:*")).contains(":l:k");
                replica.freeze();
                assertThatThrownBy(() -> acquire(store, lock("another")))
                        .hasCauseInstanceOf(LeaseStoreException.class)
                        .hasMessageContainingAll("0 of 1 replicas", "waitForReplicas");
                assertThat(master.command("KEYS", "*:l:*")).doesNotContain(":l:another");
                assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
                replica.thaw();
            }
        }
    }
}
