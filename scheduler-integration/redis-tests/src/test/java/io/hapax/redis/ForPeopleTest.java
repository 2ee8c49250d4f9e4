package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.grantedForLong;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.lease.Intervention;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What people are told where something is not as it should be. */
@Tag("slow")
class ForPeopleTest {

    private static final Intervention WHY = new Intervention("ann", "a test");
    private static final Duration TTL = Duration.ofMinutes(1);

    @Test
    void one_server_of_a_cluster_is_told_as_such_and_not_as_a_server_without_leases() {
        try (EmbeddedCluster cluster = EmbeddedCluster.start();
                Clients clients = new Clients("people", TTL, Fixture.PATIENCE)) {
            RedissonLeaseStore worker = clients.store(cluster);
            Lease lease = grantedForLong(worker, lock("k"));
            HeldLease held = get(worker.admin().lease("k", false)).orElseThrow();
            for (String url : cluster.urls()) {
                try (RedissonLeaseStore tool =
                        clients.settings().url(url).lazy(true).build()) {
                    LeaseAdmin people = tool.admin();
                    List<Supplier<CompletionStage<?>>> questions = List.of(
                            () -> people.lease("k", false),
                            () -> people.leases(10),
                            () -> people.audit(10),
                            () -> people.forceRelease(held, WHY),
                            () -> tool.admin().forceRelease(lock("k"), WHY));
                    questions.forEach(question -> assertThatThrownBy(() -> get(question.get()))
                            .hasCauseInstanceOf(LeaseStoreException.class)
                            .hasMessageContainingAll("Cluster", "Redisson YAML file"));
                }
            }
            assertThat(get(worker.admin().holder(lease.identity()))).isPresent();
        }
    }

    @Test
    void a_store_that_has_looked_at_its_server_does_not_look_again_for_people() {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                RedissonLeaseStore worker = Fixture.store(redis.url()).build();
                RedissonLeaseStore tool = Fixture.store(redis.url()).lazy(true).build()) {
            LeaseAdmin people = tool.admin();
            get(people.lease("k", false));
            for (LeaseAdmin each : List.of(worker.admin(), people)) {
                long before = scriptsOf(redis);
                get(each.lease("k", false));
                assertThat(scriptsOf(redis) - before).isEqualTo(1);
            }
        }
    }

    private static long scriptsOf(EmbeddedRedis redis) {
        return Long.parseLong(
                redis.command("INFO", "commandstats").replaceAll("(?s).*cmdstat_evalsha:calls=(\\d+),.*", "$1"));
    }

    @Test
    void a_lease_is_listed_while_its_slot_moves_though_nobody_can_tell_whether_it_is_awaited() {
        try (EmbeddedCluster cluster = EmbeddedCluster.start();
                Clients clients = new Clients("people", TTL, Fixture.PATIENCE)) {
            RedissonLeaseStore worker = clients.store(cluster);
            Lease lease = grantedForLong(worker, lock("k"));
            String key = new Keyspace("people", 64).of(lease.identity()).lease();
            EmbeddedRedis from = cluster.masterOf(key);
            EmbeddedRedis target = cluster.masters().stream()
                    .filter(server -> server != from)
                    .findFirst()
                    .orElseThrow();
            from.command(
                    "CLUSTER",
                    "SETSLOT",
                    Integer.toString(cluster.slotOf(key)),
                    "MIGRATING",
                    target.command("CLUSTER", "MYID"));
            assertThat(get(worker.admin().leases(10))).singleElement().satisfies(held -> {
                assertThat(held.name()).isEqualTo("k");
                assertThat(held.awaited()).isFalse();
            });
        }
    }

    @Test
    void what_others_have_written_into_the_guards_keys_is_told_as_text_or_left_out() {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                RedissonLeaseStore store = Fixture.store(redis.url())
                        .namespace("people")
                        .firstStart(WallClock.now())
                        .build()) {
            redis.command("SET", "hapax:{people:0}:l:odd", "somebody else's");
            assertThat(get(store.admin().forceRelease(lock("odd"), WHY)))
                    .hasValueSatisfying(holder -> assertThat(holder.worker()).contains("somebody else's"));
            assertThat(redis.command("EXISTS", "hapax:{people:0}:l:odd")).isEqualTo("0");
            String audit = "hapax:{people:0}:a";
            redis.command("LPUSH", audit, "nonsense");
            redis.command("LPUSH", audit, "1000000|lock by hand||" + "x".repeat(400) + "|");
            granted(store, lock("k"));
            get(store.admin().forceRelease(lock("k"), WHY));

            List<AuditEntry> entries = get(store.admin().audit(10));

            assertThat(entries).extracting(AuditEntry::subject).containsExactly("lock k", "lock odd", "lock by hand");
            assertThat(entries.get(0).holder()).startsWith("tester (owner ");
            assertThat(entries.get(1).holder()).isEqualTo("somebody else's");
            assertThat(entries.get(2).why().actor()).isEqualTo("unknown");
            assertThat(entries.get(2).why().reason()).hasSize(300);
        }
    }

    @Test
    void a_key_that_looks_like_the_listed_name_of_another_one_is_found_by_its_own_text() {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                RedissonLeaseStore store =
                        Fixture.store(redis.url()).firstStart(WallClock.now()).build()) {
            LeaseAdmin people = store.admin();
            Lease odd = granted(store, lock("an odd one"));
            String listed = get(people.lease("an odd one", false)).orElseThrow().name();
            assertThat(listed).contains("~");
            Lease imitation = granted(store, lock(listed));

            assertThat(get(people.lease(listed, false)))
                    .hasValueSatisfying(
                            held -> assertThat(held.holder().owner()).isEqualTo(imitation.owner()));
            for (HeldLease held : get(people.leases(10))) {
                assertThat(get(people.forceRelease(held, WHY)))
                        .as("taken away as it was listed")
                        .hasValueSatisfying(holder -> assertThat(holder.owner())
                                .isEqualTo(held.holder().owner()));
            }
            odd = granted(store, odd.identity());
            assertThat(get(people.lease(listed, false))
                            .map(held -> held.holder().owner()))
                    .as("nobody holds the key of that text, so it is a name from the list")
                    .contains(odd.owner());
        }
    }
}
