package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Workers of one namespace have the same settings, or they are no workers of it. */
@Tag("slow")
class AgreementTest {

    private static final String META = "hapax:{agree:0}:m";
    private static final String AGREED = "namespace=agree buckets=1 hashing=sha256/40";
    private static final String SETTINGS = "format=2 namespace=agree buckets=1 longestTtl=20000ms hashing=sha256/40";

    private static final String HASHED = "keys=hmac/0123456789";

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final List<RedissonLeaseStore> stores = new ArrayList<>();

    private RedissonLeaseStore.Builder settings(int longestTtlSeconds) {
        return Fixture.store(redis.url())
                .namespace("agree")
                .longestTtl(Duration.ofSeconds(longestTtlSeconds))
                .firstStart(WallClock.now());
    }

    private static RedissonLeaseStore.Builder ofAQuorum() {
        return RedissonLeaseStore.builder()
                .namespace("agree")
                // A server is waited for as long as a sixth of it, or a twentieth of the longest ttl; then it is joined
                // later, unseen.
                .answerTimeout(Duration.ofSeconds(30))
                .longestTtl(Duration.ofSeconds(100))
                .firstStart(WallClock.now());
    }

    private RedissonLeaseStore open(RedissonLeaseStore.Builder builder) {
        RedissonLeaseStore store = builder.build();
        stores.add(store);
        return store;
    }

    @AfterEach
    void stop() {
        stores.forEach(RedissonLeaseStore::close);
        redis.close();
    }

    @Test
    void the_settings_are_noted_in_words_and_told_by_the_store() {
        LeaseStore store = open(settings(20));
        assertThat(store.fingerprint())
                .as("workers may differ in the format and the longest ttl")
                .isEqualTo(AGREED);
        assertThat(redis.command("HGET", META, "settings")).isEqualTo(SETTINGS);
    }

    @Test
    void a_worker_that_differs_does_not_start_and_is_told_both_settings_and_the_remedy() {
        open(settings(20));
        open(settings(20));
        assertThatThrownBy(() -> settings(30).build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll(
                        "namespace agree", "longestTtl=20000ms", "longestTtl=30000ms", "replaceSettings(true)");
        assertThat(redis.command("HGET", META, "settings")).isEqualTo(SETTINGS);
    }

    @Test
    void a_lazy_worker_that_differs_takes_no_lease_until_it_agrees() {
        open(settings(20));
        RedissonLeaseStore lazy = open(settings(30).lazy(true));
        assertThatThrownBy(() -> acquire(lazy, lock("k")))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContainingAll("longestTtl=20000ms", "longestTtl=30000ms");
        redis.command("HDEL", META, "settings");
        await().ignoreExceptions().untilAsserted(() -> granted(lazy, lock("k")));
    }

    @Test
    void a_guard_that_differs_is_refused_and_noted_again_after_a_loss_of_memory() {
        RedissonLeaseStore first = open(settings(20));
        assertThat(redis.command("HEXISTS", META, "guard")).isEqualTo("0");
        first.agree(HASHED);
        RedissonLeaseStore second = open(settings(20));
        for (String other : List.of("", "keys=hmac/other")) {
            assertThatThrownBy(() -> second.agree(other))
                    .isInstanceOf(LeaseStoreException.class)
                    .hasMessageContainingAll(HASHED, other, "replaceSettings(true)", "--replace-settings on");
            assertThatThrownBy(() -> acquire(second, lock("k"))).hasMessageContaining("settings differ");
        }
        second.agree(HASHED);
        granted(second, lock("k"));
        assertThatThrownBy(() -> second.agree("")).isInstanceOf(LeaseStoreException.class);
        redis.command("FLUSHALL");
        acquire(first, lock("k"));
        await().untilAsserted(
                        () -> assertThat(redis.command("HGET", META, "guard")).isEqualTo(HASHED));
    }

    @Test
    void a_lazy_store_compares_its_guard_before_its_first_lease_and_asks_nothing_until_then() {
        open(settings(20)).agree("");
        RedissonLeaseStore lazy = open(settings(20).lazy(true));
        RedissonLeaseStore away = open(Fixture.store("redis://127.0.0.1:1").lazy(true));
        lazy.agree(HASHED);
        away.agree(HASHED);
        assertThatThrownBy(() -> acquire(lazy, lock("k"))).hasMessageContainingAll("settings differ", HASHED);
        redis.command("HDEL", META, "guard");
        await().ignoreExceptions().untilAsserted(() -> granted(lazy, lock("k")));
        assertThat(redis.command("HGET", META, "guard")).isEqualTo(HASHED);
    }

    @Test
    void what_guards_agree_on_is_replaced_if_asked_to_and_only_after_a_quarantine() {
        RedissonLeaseStore running = open(settings(20));
        running.agree("");
        Lease lease = granted(running, lock("held"));
        RedissonLeaseStore replacing = open(settings(20).replaceSettings(true));
        granted(replacing, lock("nothing differs yet"));
        replacing.agree(HASHED);
        assertThat(redis.command("HMGET", META, "settings", "guard")).isEqualTo(SETTINGS + "\n" + HASHED);
        assertThat(acquire(replacing, lock("k"))).isInstanceOf(Acquisition.Quarantined.class);
        assertThat(get(running.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        await().untilAsserted(() -> assertThatThrownBy(() -> acquire(running, lock("another")))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("settings differ"));
    }

    @Test
    void a_majority_of_a_quorum_is_enough_to_agree_and_one_server_that_differs_is_too_many() {
        try (EmbeddedRedis second = EmbeddedRedis.start();
                EmbeddedRedis third = EmbeddedRedis.start()) {
            List<String> urls = List.of(redis.url(), second.url(), third.url());
            try (LeaseStore store = ofAQuorum().quorum(urls);
                    LeaseStore other = ofAQuorum().quorum(urls)) {
                store.agree(HASHED);
                third.command("HSET", META, "guard", "");
                assertThatThrownBy(() -> other.agree(HASHED))
                        .isInstanceOf(LeaseStoreException.class)
                        .hasMessageContaining("settings differ");
                third.kill();
                other.agree(HASHED);
                granted(other, lock("k"));
                second.kill();
                assertThatThrownBy(() -> other.agree(HASHED))
                        .isInstanceOf(LeaseStoreException.class)
                        .hasMessageContaining("a majority is needed");
            }
        }
    }

    @Test
    void settings_that_are_replaced_begin_a_quarantine_for_the_longer_of_both_ttls() {
        open(settings(30));
        RedissonLeaseStore replacing = open(settings(20).replaceSettings(true));
        assertThat(redis.command("HGET", META, "settings")).isEqualTo(SETTINGS);
        assertThat(acquire(replacing, lock("k"))).isInstanceOfSatisfying(Acquisition.Quarantined.class, quarantined -> {
            assertThat(quarantined.left()).isGreaterThan(Duration.ofSeconds(60));
            assertThat(quarantined.reason()).contains("settings", "replaced");
        });
    }

    @Test
    void a_running_worker_whose_settings_were_replaced_finishes_what_it_holds_and_takes_no_more() {
        RedissonLeaseStore running = open(settings(30));
        Lease lease = granted(running, lock("held"));
        open(settings(20).replaceSettings(true));

        assertThat(get(running.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));

        await().untilAsserted(() -> assertThatThrownBy(() -> acquire(running, lock("another")))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("settings differ"));
        assertThat(get(running.release(lease, Ending.NOT_DONE))).isTrue();
    }

    @Test
    void settings_are_noted_again_after_a_loss_of_memory() {
        RedissonLeaseStore running = open(settings(20));
        redis.command("FLUSHALL");
        acquire(running, lock("k"));
        await().untilAsserted(() ->
                assertThat(redis.command("HGET", META, "settings")).isEqualTo(SETTINGS));
    }

    @Test
    void the_agreement_does_not_end_the_quarantine_of_a_new_namespace() {
        RedissonLeaseStore first = open(settings(20).firstStart(null));
        assertThat(acquire(first, lock("k"))).isInstanceOf(Acquisition.Quarantined.class);
    }
}
