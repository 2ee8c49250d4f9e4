package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Leases on a Cluster of several masters whose slots move and whose masters freeze and are replaced. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class ClusterTest {

    private static final Duration TTL = Duration.ofSeconds(10);
    /** As long as this ttl allows: a machine that is busy is no fault of a server. */
    private static final Duration ANSWER = Duration.ofSeconds(2);

    /** For a lease for each bucket, which are taken one after another before the first one is renewed. */
    private static final Duration OF_MANY = Duration.ofSeconds(60);

    private static final int BUCKETS = 64;

    @Nested
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    class OnThreeMasters extends ContractOnRedis {

        private final EmbeddedCluster cluster = EmbeddedCluster.start();
        private final Clients clients = new Clients("contract", Duration.ofMinutes(10), Duration.ofSeconds(4));

        @Override
        RedissonLeaseStore open(String namespace) {
            return clients.store(cluster);
        }

        @AfterAll
        void stop() {
            clients.close();
            cluster.close();
        }
    }

    private static String meta(int bucket) {
        return "hapax:{c:" + bucket + "}:m";
    }

    private static String runId(EmbeddedRedis server) {
        return server.command("INFO", "server").replaceAll("(?s).*run_id:(\\w+).*", "$1");
    }

    private static JobGuard guard(LeaseStore store) {
        return JobGuard.builder(store).defaults(o -> o.withTtl(TTL)).build();
    }

    private static String leaseKey(JobIdentity identity) {
        return new Keyspace("c", BUCKETS).of(identity).lease();
    }

    /** One lock for each bucket. */
    private static List<JobIdentity> oneABucket() {
        Keyspace keyspace = new Keyspace("c", BUCKETS);
        List<JobIdentity> found = new ArrayList<>();
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            int wanted = bucket;
            found.add(IntStream.iterate(0, i -> i + 1)
                    .mapToObj(i -> lock("k" + i))
                    .filter(identity -> keyspace.of(identity).bucket() == wanted)
                    .findFirst()
                    .orElseThrow());
        }
        return found;
    }

    @Test
    void every_bucket_of_every_master_carries_the_settings_from_the_start() {
        try (EmbeddedCluster cluster = EmbeddedCluster.start();
                Clients clients = new Clients("c", TTL, ANSWER)) {
            RedissonLeaseStore store = clients.store(cluster);
            for (int bucket = 0; bucket < BUCKETS; bucket++) {
                EmbeddedRedis master = cluster.masterOf(meta(bucket));
                assertThat(master.command("HMGET", meta(bucket), "settings", "run"))
                        .isEqualTo("format=2 " + store.settings() + "\n" + runId(master));
            }
        }
    }

    @Test
    void a_run_keeps_its_lease_while_its_slot_moves_to_another_master() throws Exception {
        try (EmbeddedCluster cluster = EmbeddedCluster.start();
                Clients clients = new Clients("c", TTL, ANSWER)) {
            LeaseStore other = clients.store(cluster);
            try (JobGuard guard = guard(clients.store(cluster))) {
                GuardedRun run = Fixture.admitted(guard, RunRequest.occurrence("r"));
                String key = leaseKey(Fixture.run("r"));
                EmbeddedRedis from = cluster.masterOf(key);
                EmbeddedRedis target = cluster.masters().stream()
                        .filter(server -> server != from)
                        .findFirst()
                        .orElseThrow();
                try (var scope = run.enter()) {
                    cluster.moveSlot(cluster.slotOf(key), target);
                    assertThat(answer(other, Fixture.run("r"))).isInstanceOf(Acquisition.Held.class);
                    AtomicLong left = new AtomicLong(Long.MAX_VALUE);
                    await().until(() -> {
                        long now = Long.parseLong(target.command("PTTL", key));
                        return left.getAndSet(now) < now;
                    });
                    run.ensureHeld();
                    Fixture.complete(run, other, Fixture.run("r"));
                }
            }
        }
    }

    @Test
    void a_replica_that_never_saw_the_leases_grants_none_of_them_and_takes_all_back() {
        try (EmbeddedCluster cluster = EmbeddedCluster.start(1);
                Clients clients = new Clients("c", TTL, ANSWER)) {
            LeaseStore worker = clients.store(cluster);
            LeaseStore other = clients.store(cluster);
            EmbeddedRedis old = cluster.masterOf(meta(0));
            List<Integer> itsBuckets = bucketsOf(cluster, old);
            cluster.cutReplication(old);
            JobIdentity identity = oneABucket().get(0);
            Lease lease = grantedAtLast(worker, request(identity, TTL));
            EmbeddedRedis replica = cluster.replicasOf(old).get(0);
            old.kill();
            cluster.promote(replica);
            assertThat(replica.command("EXISTS", leaseKey(identity))).isEqualTo("0");

            await().ignoreExceptions()
                    .untilAsserted(
                            () -> assertThat(acquire(other, identity)).isInstanceOf(Acquisition.Quarantined.class));

            // One bucket was asked for; the others of this server begin to wait as well, and not when they are needed.
            await().untilAsserted(() -> assertThat(itsBuckets)
                    .hasSizeGreaterThan(10)
                    .allSatisfy(bucket -> assertThat(replica.command("HGET", meta(bucket), "run"))
                            .startsWith(runId(replica))));
            await().ignoreExceptions()
                    .untilAsserted(() ->
                            assertThat(get(worker.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(true)));
            assertThat(answer(other, identity))
                    .isInstanceOfSatisfying(
                            Acquisition.Held.class,
                            held -> assertThat(held.holder().owner()).isEqualTo(lease.owner()));
        }
    }

    /** A word to a bucket can be lost, above all while servers change; nobody may come to ask for it for long. */
    @Test
    void a_bucket_that_could_not_be_told_is_told_again() {
        try (EmbeddedCluster cluster = EmbeddedCluster.start(1);
                Clients clients = new Clients("c", TTL, ANSWER)) {
            LeaseStore worker = clients.store(cluster);
            EmbeddedRedis old = cluster.masterOf(meta(0));
            List<Integer> itsBuckets = bucketsOf(cluster, old);
            String deaf = meta(itsBuckets.get(itsBuckets.size() - 1));
            JobIdentity identity = oneABucket().get(0);
            EmbeddedRedis replica = cluster.replicasOf(old).get(0);
            old.kill();
            cluster.promote(replica);
            replica.command("SET", deaf, "something else");

            await().untilAsserted(() -> {
                // Whether it is answered does not matter: who asks first may also hear that the settings cannot be
                // compared.
                var unused = worker.acquire(request(identity, TTL));
                assertThat(itsBuckets.stream().map(ClusterTest::meta).filter(meta -> !meta.equals(deaf)))
                        .allSatisfy(meta ->
                                assertThat(replica.command("HGET", meta, "run")).startsWith(runId(replica)));
            });
            replica.command("DEL", deaf);
            await().untilAsserted(() ->
                    assertThat(replica.command("HGET", deaf, "run")).startsWith(runId(replica)));
        }
    }

    private static List<Integer> bucketsOf(EmbeddedCluster cluster, EmbeddedRedis master) {
        return IntStream.range(0, BUCKETS)
                .filter(bucket -> cluster.masterOf(meta(bucket)) == master)
                .boxed()
                .toList();
    }

    @Test
    void buckets_that_nobody_asks_for_begin_their_quarantine_while_other_buckets_are_at_work() {
        Duration shortTtl = Duration.ofSeconds(6);
        try (EmbeddedCluster cluster = EmbeddedCluster.start(1);
                Clients clients = new Clients("c", shortTtl, ANSWER)) {
            LeaseStore worker = clients.store(cluster);
            EmbeddedRedis old = cluster.masterOf(meta(0));
            JobIdentity elsewhere = oneABucket().stream()
                    .filter(identity -> cluster.masterOf(leaseKey(identity)) != old)
                    .findFirst()
                    .orElseThrow();
            EmbeddedRedis replica = cluster.replicasOf(old).get(0);
            old.kill();
            cluster.promote(replica);
            Lease lease = grantedAtLast(worker, request(elsewhere, shortTtl));

            await().untilAsserted(() -> {
                assertThat(get(worker.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
                assertThat(replica.command("HGET", meta(0), "run")).startsWith(runId(replica));
            });
        }
    }

    @Test
    void a_frozen_master_does_not_keep_the_leases_of_other_masters_from_being_renewed() throws Exception {
        try (EmbeddedCluster cluster = EmbeddedCluster.start(0, "--cluster-node-timeout", "20000");
                Clients clients = new Clients("c", OF_MANY)) {
            LeaseStore worker = clients.store(cluster);
            List<JobIdentity> identities = oneABucket();
            List<Lease> leases = identities.stream()
                    .map(identity -> grantedAtLast(worker, request(identity, OF_MANY)))
                    .toList();
            List<EmbeddedRedis> servers = identities.stream()
                    .map(identity -> cluster.masterOf(leaseKey(identity)))
                    .toList();
            EmbeddedRedis frozen = servers.get(0);
            // The frozen one is waited for until 400 ms have passed.
            Fastest.time(Duration.ofMillis(350), () -> {
                await().until(() -> get(worker.renew(leases)).stream().allMatch(Renewal.Renewed.class::isInstance));
                await().until(() -> longest(ttls(servers, identities, frozen)) < OF_MANY.toMillis() - 1500);
                frozen.freeze();
                try {
                    long begun = System.nanoTime();
                    List<Renewal> all = get(worker.renew(leases));
                    Duration last = Duration.ZERO;
                    for (int i = 0; i < BUCKETS; i++) {
                        if (servers.get(i) == frozen) {
                            assertThat(all.get(i)).isInstanceOf(Renewal.Unknown.class);
                        } else {
                            Duration renewed = all.get(i) instanceof Renewal.Renewed
                                    ? timeOfRenewal(begun, servers.get(i), identities.get(i))
                                    : OF_MANY;
                            last = renewed.compareTo(last) > 0 ? renewed : last;
                        }
                    }
                    return last;
                } finally {
                    frozen.thaw();
                }
            });
        }
    }

    /** How long after the beginning, at most, a lease was renewed for a whole ttl; a ttl if it was not. */
    private static Duration timeOfRenewal(long begun, EmbeddedRedis server, JobIdentity identity) {
        Duration left = Duration.ofMillis(Long.parseLong(server.command("PTTL", leaseKey(identity))));
        Duration after = Duration.ofNanos(System.nanoTime() - begun).minus(OF_MANY.minus(left));
        // Before, all of them were older than that.
        return after.compareTo(Duration.ofMillis(-100)) < 0 ? OF_MANY : after;
    }

    /** Asks again when a machine that is busy has let the short answer timeout pass, and never when there is an answer. */
    private static Acquisition answer(LeaseStore store, JobIdentity identity) {
        return await().ignoreExceptions().until(() -> acquire(store, identity), any -> true);
    }

    /** Asks again when a machine that is busy has let the short answer timeout pass. */
    private static Lease grantedAtLast(LeaseStore store, LeaseRequest request) {
        return await().pollDelay(Duration.ZERO)
                .ignoreExceptions()
                .until(
                        () -> get(store.acquire(request)) instanceof Acquisition.Granted granted
                                ? granted.lease()
                                : null,
                        lease -> lease != null);
    }

    private static long longest(List<String> ttls) {
        return ttls.stream().mapToLong(Long::parseLong).max().orElseThrow();
    }

    private static List<String> ttls(List<EmbeddedRedis> servers, List<JobIdentity> identities, EmbeddedRedis but) {
        return IntStream.range(0, BUCKETS)
                .filter(i -> servers.get(i) != but)
                .mapToObj(i -> servers.get(i).command("PTTL", leaseKey(identities.get(i))))
                .toList();
    }
}
