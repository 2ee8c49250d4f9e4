package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.grantedForLong;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Grants that count only once replicas have them. */
@Tag("slow")
class ReplicasTest {

    private final EmbeddedRedis master = EmbeddedRedis.start("--repl-diskless-sync-delay", "0");
    private final EmbeddedRedis replica =
            EmbeddedRedis.start("--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 " + master.port());
    private RedissonLeaseStore store;

    @BeforeEach
    void connect() {
        // The replica says that it is linked a little before the master counts on it.
        await().until(() -> master.command("INFO", "replication").contains("state=online"));
        await().until(() -> master.command("SET", "any", "thing").equals("OK")
                && master.command("WAIT", "1", "100").equals("1"));
        store = patient(Duration.ofSeconds(8));
    }

    private RedissonLeaseStore patient(Duration answerTimeout) {
        return Fixture.store(master.url())
                .namespace("wait")
                .answerTimeout(answerTimeout)
                .waitForReplicas(1)
                .firstStart(WallClock.now())
                .build();
    }

    @AfterEach
    void stop() {
        store.close();
        replica.close();
        master.close();
    }

    @Test
    void a_lease_is_granted_when_a_replica_has_it() {
        for (int i = 0; i < 20; i++) {
            Lease lease = granted(store, lock("k" + i));
            assertThat(replica.command("GET", "hapax:{wait:0}:l:k" + i)).startsWith(lease.owner() + "|");
            assertThat(get(store.release(lease, Ending.NOT_DONE))).isTrue();
        }
    }

    @Test
    void a_lease_that_no_replica_confirms_is_refused_and_given_back() {
        Lease before = granted(store, lock("before"));
        replica.freeze();
        assertThatThrownBy(() -> acquire(store, lock("k")))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContainingAll("0 of 1 replicas", "2000 ms", "waitForReplicas");
        assertThat(master.command("KEYS", "*:l:*")).isEqualTo("hapax:{wait:0}:l:before");
        assertThat(get(store.renew(List.of(before)))).containsExactly(new Renewal.Renewed(false));

        replica.thaw();

        await().ignoreExceptions().untilAsserted(() -> granted(store, lock("k")));
    }

    @Test
    void many_grants_that_wait_for_a_frozen_replica_do_not_hold_up_renewals() {
        // They wait for six seconds, in which this machine may stand still for some.
        store.close();
        store = patient(Duration.ofSeconds(24));
        Lease held = grantedForLong(store, lock("held"));
        replica.freeze();
        List<CompletableFuture<?>> waiting = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            waiting.add(store.acquire(Fixture.request(lock("w" + i), Duration.ofSeconds(4)))
                    .toCompletableFuture());
        }
        assertThat(get(store.renew(List.of(held)))).containsExactly(new Renewal.Renewed(false));
        assertThat(waiting).as("grants that still wait").noneMatch(CompletableFuture::isDone);
        assertThat(waiting)
                .allSatisfy(grant -> assertThatThrownBy(grant::join).hasCauseInstanceOf(LeaseStoreException.class));
        await().untilAsserted(() -> assertThat(master.command("KEYS", "*:l:*")).isEqualTo("hapax:{wait:0}:l:held"));
    }

    @Test
    void a_held_key_is_refused_at_once_and_a_flushed_script_cache_is_not_noticed() {
        granted(store, lock("k"));
        master.command("SCRIPT", "FLUSH");
        assertThat(acquire(store, lock("k"))).isInstanceOf(Acquisition.Held.class);
        master.command("SCRIPT", "FLUSH");
        granted(store, lock("another"));
    }

    @Test
    void a_negative_number_of_replicas_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        RedissonLeaseStore.builder().namespace("redis-test").waitForReplicas(-1))
                .withMessageContaining("setting waitForReplicas");
    }
}
