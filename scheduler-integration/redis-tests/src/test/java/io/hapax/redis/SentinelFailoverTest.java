package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.EmbeddedSentinel;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What happens to leases when Sentinel promotes a replica that has not seen them. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class SentinelFailoverTest {

    private static final Duration TTL = Duration.ofSeconds(24);
    /** Leaves a lease of this ttl some seconds: a machine that is busy is no fault of a server. */
    private static final Duration ANSWER = Duration.ofMillis(1500);

    private static GuardedRun admitted(JobGuard guard, String key) {
        return Fixture.admitted(guard, RunRequest.occurrence(key).tune(o -> o.withOnLeaseLost(OnLeaseLost.SIGNAL)));
    }

    private static JobGuard guard(LeaseStore store, Duration ttl) {
        return JobGuard.builder(store).defaults(o -> o.withTtl(ttl)).build();
    }

    /** Waits until a replica knows the namespace. Else the first start is granted there at once: it says that nobody has used it. */
    private static void awaitCopy(EmbeddedRedis replica, String namespace) {
        await().until(() -> replica.command("INFO", "replication").contains("master_link_status:up")
                && replica.command("HEXISTS", "hapax:{" + namespace + ":0}:m", "run")
                        .equals("1"));
    }

    private static boolean has(EmbeddedRedis server, String key) {
        return !server.command("KEYS", "*" + key).isBlank();
    }

    /** Asks again and again until somebody holds the lease; nothing may be granted on the way. */
    private static void awaitHeldAndNeverGranted(LeaseStore other, JobIdentity identity) {
        await().pollInterval(Duration.ofMillis(20)).ignoreExceptions().until(() -> {
            Acquisition answer = acquire(other, identity);
            if (answer instanceof Acquisition.Granted) {
                throw new Error("granted twice: " + answer);
            }
            return answer instanceof Acquisition.Held;
        });
    }

    @Test
    void a_lease_that_the_promoted_replica_never_saw_is_reasserted_and_meanwhile_granted_to_nobody() throws Exception {
        try (EmbeddedSentinel sentinel = EmbeddedSentinel.start(1);
                Clients clients = new Clients("failover", TTL, ANSWER)) {
            LeaseStore other = clients.store(sentinel);
            try (JobGuard guard = guard(clients.store(sentinel), TTL)) {
                sentinel.cutReplication();
                GuardedRun run = admitted(guard, "r");
                try (var scope = run.enter()) {
                    EmbeddedRedis old = sentinel.master();
                    // Once it is promoted, the holder may have shown itself there.
                    assertThat(sentinel.replicas())
                            .singleElement()
                            .satisfies(
                                    replica -> assertThat(has(replica, ":r:r")).isFalse());
                    old.kill();
                    EmbeddedRedis promoted = sentinel.awaitPromotion(old);
                    awaitHeldAndNeverGranted(other, Fixture.run("r"));
                    assertThat(has(promoted, ":r:r")).isTrue();
                    run.ensureHeld();
                    Fixture.complete(run, other, Fixture.run("r"));
                }
            }
        }
    }

    @Test
    void a_run_goes_on_when_its_master_freezes_and_comes_back_after_a_replica_was_promoted() throws Exception {
        try (EmbeddedSentinel sentinel = EmbeddedSentinel.start(1);
                Clients clients = new Clients("frozen", TTL, ANSWER)) {
            LeaseStore other = clients.store(sentinel);
            try (JobGuard guard = guard(clients.store(sentinel), TTL)) {
                sentinel.cutReplication();
                GuardedRun run = admitted(guard, "r");
                try (var scope = run.enter()) {
                    EmbeddedRedis old = sentinel.master();
                    old.freeze();
                    sentinel.awaitPromotion(old);
                    old.thaw();
                    awaitHeldAndNeverGranted(other, Fixture.run("r"));
                    await().until(() -> has(sentinel.master(), ":r:r"));
                    run.ensureHeld();
                    Fixture.complete(run, other, Fixture.run("r"));
                }
            }
        }
    }

    @Test
    void the_lease_of_a_dead_holder_is_granted_after_the_quarantine_with_a_higher_token() {
        Duration ttl = Duration.ofSeconds(1);
        try (EmbeddedSentinel sentinel = EmbeddedSentinel.start(1);
                Clients clients = new Clients("dead", ttl, ANSWER)) {
            RedissonLeaseStore worker = clients.store(sentinel);
            sentinel.cutReplication();
            // The master's clock is an hour ahead: time alone would let the replica's tokens go backwards.
            String ahead = Long.toString((WallClock.REAL.millis() + 3_600_000) * 1000);
            sentinel.master().command("HSET", "hapax:{dead:0}:m", "last", ahead);
            Lease lost = grantedAtLast(worker, request(lock("k"), ttl));
            assertThat(lost.token().value()).isGreaterThan(Long.parseLong(ahead));

            EmbeddedRedis old = sentinel.master();
            old.kill();
            EmbeddedRedis promoted = sentinel.awaitPromotion(old);

            assertThat(has(promoted, ":l:k")).isFalse();
            long promotedAt = System.nanoTime();
            Lease next = grantedAtLast(worker, request(lock("k"), ttl));
            assertThat(Duration.ofNanos(System.nanoTime() - promotedAt)).isGreaterThan(ttl.multipliedBy(2));
            assertThat(next.token()).isGreaterThan(lost.token());
        }
    }

    @Test
    void a_holder_that_never_hears_of_the_new_master_is_told_before_anybody_else_is_granted_its_lease()
            throws Exception {
        Duration ttl = Duration.ofSeconds(2);
        try (EmbeddedSentinel sentinel = EmbeddedSentinel.start(1);
                Clients clients = new Clients("deaf", ttl)) {
            LeaseStore other = clients.store(sentinel);
            EmbeddedRedis old = sentinel.master();
            // Connected to the server itself, so no Sentinel tells it where to go.
            try (JobGuard guard = guard(clients.store(old.url()), ttl)) {
                sentinel.cutReplication();
                GuardedRun run = admitted(guard, "r");
                CompletableFuture<Long> told = new CompletableFuture<>();
                run.onLeaseLost(loss -> told.complete(System.nanoTime()));
                try (var scope = run.enter()) {
                    old.kill();
                    sentinel.awaitPromotion(old);
                    await().ignoreExceptions().until(() -> acquire2(other) instanceof Acquisition.Granted);
                    long grantedAt = System.nanoTime();
                    assertThat(told.get(20, TimeUnit.SECONDS)).isLessThan(grantedAt);
                    assertThat(run.lost()).contains(LossReason.NOT_RENEWED);
                    assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
                }
            }
        }
    }

    /** Asks again when a machine that is busy has let the short answer timeout pass, and while nothing is granted. */
    private static Lease grantedAtLast(LeaseStore store, LeaseRequest request) {
        return await().ignoreExceptions()
                .until(
                        () -> get(store.acquire(request)) instanceof Acquisition.Granted granted
                                ? granted.lease()
                                : null,
                        lease -> lease != null);
    }

    private static Acquisition acquire2(LeaseStore store) {
        return get(store.acquire(request(Fixture.run("r"), Duration.ofSeconds(2))));
    }

    @Test
    void a_master_that_lost_its_replicas_stops_to_renew_so_its_clients_are_told() throws Exception {
        Duration ttl = Duration.ofSeconds(3);
        try (EmbeddedRedis master =
                        EmbeddedRedis.start("--min-replicas-to-write", "1", "--min-replicas-max-lag", "10");
                EmbeddedRedis replica = EmbeddedRedis.start("--repl-diskless-sync-delay", "0");
                Clients clients = new Clients("split", ttl)) {
            replica.command("REPLICAOF", "127.0.0.1", Integer.toString(master.port()));
            await().until(() -> master.command("INFO", "replication").contains("min_slaves_good_slaves:1"));
            try (JobGuard guard = guard(clients.store(master.url()), ttl)) {
                GuardedRun run = admitted(guard, "r");
                try (var scope = run.enter()) {
                    awaitCopy(replica, "split");
                    replica.command("REPLICAOF", "NO", "ONE");
                    await().until(() -> run.lost().isPresent());
                    assertThat(run.lost()).contains(LossReason.NOT_RENEWED);
                }
            }
            LeaseStore promoted = clients.store(replica.url());
            Acquisition answer = await().ignoreExceptions()
                    .until(() -> get(promoted.acquire(request(lock("other"), ttl))), any -> true);
            assertThat(answer).isInstanceOf(Acquisition.Quarantined.class);
        }
    }

    @Test
    void a_master_that_was_a_replica_meanwhile_is_another_master_even_if_nobody_saw_it() {
        try (EmbeddedRedis first = EmbeddedRedis.start("--repl-diskless-sync-delay", "0");
                EmbeddedRedis second = EmbeddedRedis.start(
                        "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 " + first.port());
                LeaseStore worker = patient(first)) {
            awaitCopy(second, "back");
            second.command("REPLICAOF", "NO", "ONE");
            get(worker.acquire(request(lock("k"), TTL)));
            first.command("REPLICAOF", "127.0.0.1", Integer.toString(second.port()));
            await().until(() -> first.command("INFO", "replication").contains("master_link_status:up"));
            assertThat(has(first, ":l:k")).isFalse();
            first.command("REPLICAOF", "NO", "ONE");

            try (LeaseStore other = patient(first)) {
                assertThat(get(other.acquire(request(lock("k"), TTL)))).isInstanceOf(Acquisition.Quarantined.class);
            }
        }
    }

    private static LeaseStore patient(EmbeddedRedis server) {
        return Fixture.store(server.url())
                .namespace("back")
                .longestTtl(TTL)
                .answerTimeout(TTL)
                .firstStart(WallClock.now())
                .build();
    }
}
