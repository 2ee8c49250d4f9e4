package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
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

/** Workers of one namespace whose longest ttl differs, side by side, as while a deploy changes it. */
@Tag("slow")
class RollingTtlTest {

    private static final Duration LONG = Duration.ofSeconds(40);
    private static final String META = "hapax:{roll:0}:m";

    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
    }

    private EmbeddedRedis redis() {
        EmbeddedRedis redis = EmbeddedRedis.start();
        // Behind the stores on it.
        open.add(redis);
        return redis;
    }

    private static RedissonLeaseStore.Builder settings(Duration longestTtl) {
        return RedissonLeaseStore.builder()
                .namespace("roll")
                .longestTtl(longestTtl)
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now());
    }

    private static RedissonLeaseStore.Builder settings(int seconds) {
        return settings(Duration.ofSeconds(seconds));
    }

    private <S extends AutoCloseable> S open(S store) {
        open.add(0, store);
        return store;
    }

    private static Acquisition acquire(LeaseStore store, String key, Duration ttl) {
        return get(store.acquire(request(lock(key), ttl)));
    }

    private static Acquisition acquire(LeaseStore store, String key) {
        return acquire(store, key, Duration.ofSeconds(1));
    }

    private static Duration quarantine(Acquisition answer) {
        assertThat(answer).isInstanceOf(Acquisition.Quarantined.class);
        return ((Acquisition.Quarantined) answer).left();
    }

    @Test
    void a_worker_with_a_shorter_ttl_starts_beside_others_and_waits_as_long_as_they_when_memory_is_lost() {
        EmbeddedRedis redis = redis();
        RedissonLeaseStore old = open(settings(60).url(redis.url()).build());
        RedissonLeaseStore young = open(settings(20).url(redis.url()).build());
        Lease held = granted(acquire(young, "k"));
        assertThat(acquire(old, "k")).isInstanceOf(Acquisition.Held.class);
        assertThat(get(young.release(held, Ending.NOT_DONE))).isTrue();
        granted(acquire(old, "k"));

        redis.command("FLUSHALL");
        assertThat(quarantine(acquire(young, "k"))).isGreaterThan(Duration.ofSeconds(60));
        await().untilAsserted(() ->
                assertThat(redis.command("HGET", META, "settings")).contains("longestTtl=60000ms"));
        // So the others are not refused either.
        assertThat(quarantine(acquire(old, "k"))).isGreaterThan(Duration.ofSeconds(50));
    }

    @Test
    void a_worker_that_follows_a_longer_ttl_has_its_own_bound_for_itself() {
        EmbeddedRedis redis = redis();
        open(settings(60).url(redis.url()).build());
        RedissonLeaseStore young = open(settings(20).url(redis.url()).build());
        assertThat(young.longestTtl()).isEqualTo(Duration.ofSeconds(20));
        assertThatThrownBy(() -> acquire(young, "k", Duration.ofSeconds(21)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void one_with_a_longer_ttl_is_refused_unless_it_says_that_the_others_are_to_follow() {
        EmbeddedRedis redis = redis();
        open(settings(20).url(redis.url()).build());
        assertThatThrownBy(() -> settings(60).url(redis.url()).build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll(
                        "longestTtl=20000ms",
                        "longestTtl=60000ms",
                        "hapax.redis.replace-settings=longestTtl=20000ms;",
                        "--replace-settings 'longestTtl=20000ms'",
                        "need not be stopped");
    }

    @Test
    void running_workers_follow_a_longer_ttl_keep_what_they_hold_and_wait_as_long_from_then_on() {
        EmbeddedRedis redis = redis();
        RedissonLeaseStore old =
                open(settings(Duration.ofSeconds(1)).url(redis.url()).build());
        Lease held = granted(acquire(old, "held"));
        RedissonLeaseStore young = open(settings(Duration.ofSeconds(4))
                .url(redis.url())
                .replaceSettings(true)
                .build());
        assertThat(quarantine(acquire(young, "k"))).isGreaterThan(Duration.ofSeconds(1));
        // As its watchdog does; the lease is taken on its word if this machine was too slow for it.
        assertThat(get(old.renew(List.of(held))).get(0)).isInstanceOf(Renewal.Renewed.class);
        await().atMost(LONG).until(() -> acquire(old, "k"), Acquisition.Granted.class::isInstance);
        granted(acquire(young, "another", Duration.ofSeconds(4)));

        redis.command("FLUSHALL");
        assertThat(quarantine(acquire(old, "third"))).isGreaterThan(Duration.ofSeconds(4));
    }

    @Test
    void one_that_has_not_heard_of_a_longer_ttl_ends_no_lease_before_its_time() {
        EmbeddedRedis redis = redis();
        RedissonLeaseStore idle =
                open(settings(Duration.ofSeconds(1)).url(redis.url()).build());
        RedissonLeaseStore young =
                open(settings(60).url(redis.url()).replaceSettings(true).build());
        // The wait is over.
        redis.command("HSET", META, "until", "0");
        granted(acquire(young, "k", Duration.ofSeconds(60)));
        assertThat(acquire(idle, "k")).isInstanceOf(Acquisition.Held.class);
        assertThat(Long.parseLong(redis.command("PTTL", "hapax:{roll:0}:l:k"))).isGreaterThan(40_000);
    }

    @Test
    void on_a_quorum_they_start_side_by_side_and_wait_as_long_too() {
        List<EmbeddedRedis> servers = List.of(redis(), redis(), redis());
        List<String> urls = servers.stream().map(EmbeddedRedis::url).toList();
        open(settings(60).quorum(urls));
        LeaseStore young = open(settings(20).quorum(urls));
        granted(acquire(young, "k"));
        servers.forEach(server -> server.command("FLUSHALL"));
        assertThat(quarantine(acquire(young, "k"))).isGreaterThan(Duration.ofSeconds(60));
    }

    @Test
    void in_the_portable_protocol_they_start_side_by_side_and_wait_as_long_too() {
        NarrowRedis narrow = open(NarrowRedis.start());
        open(settings(60).url(narrow.url()).build());
        RedissonLeaseStore young = open(settings(20).url(narrow.url()).build());
        granted(acquire(young, "k"));
        narrow.behind().command("FLUSHALL");
        assertThat(quarantine(acquire(young, "k"))).isGreaterThan(Duration.ofSeconds(60));
    }

    @Test
    void what_is_named_is_replaced_once_and_may_be_left_on() {
        EmbeddedRedis redis = redis();
        open(settings(20).url(redis.url()).build());
        RedissonLeaseStore.Builder naming = settings(60).replaceSettings("longestTtl=20000ms");
        open(naming.url(redis.url()).build());
        assertThat(redis.command("HMGET", META, "settings", "why")).contains("longestTtl=60000ms", "replaced");
        redis.command("HSET", META, "until", "0", "why", "");
        open(naming.url(redis.url()).build());
        // Neither for one with yet another ttl.
        open(settings(30).replaceSettings("longestTtl=20000ms").url(redis.url()).build());
        assertThatThrownBy(() -> settings(90)
                        .replaceSettings("longestTtl=20000ms")
                        .url(redis.url())
                        .build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("replaceSettings=longestTtl=60000ms");
        assertThat(redis.command("HMGET", META, "settings", "why"))
                .contains("longestTtl=60000ms")
                .doesNotContain("replaced");
    }

    @Test
    void nothing_is_replaced_where_something_else_differs_too() {
        EmbeddedRedis redis = redis();
        RedissonLeaseStore old = open(settings(20).url(redis.url()).build());
        redis.command("HSET", META, "settings", "format=2 " + old.settings().replace("buckets=1", "buckets=64"));
        assertThatThrownBy(() -> settings(60)
                        .replaceSettings("longestTtl=20000ms")
                        .url(redis.url())
                        .build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("buckets=64 longestTtl=20000ms");
        assertThat(redis.command("HGET", META, "settings")).contains("buckets=64 longestTtl=20000ms");
        open(settings(60)
                .replaceSettings("buckets=64 longestTtl=20000ms")
                .url(redis.url())
                .build());
        assertThat(redis.command("HGET", META, "settings")).contains("buckets=1 longestTtl=60000ms");
    }

    /** As if so much time had gone by at the server, but for the leases. */
    private static void later(EmbeddedRedis redis, Duration time) {
        StringBuilder bounds = new StringBuilder();
        for (String bound : redis.command("HGET", META, "bounds").strip().split(",")) {
            String[] parts = bound.split("=");
            long till = Long.parseLong(parts[1]) - 1000 * time.toMillis();
            bounds.append(bounds.isEmpty() ? "" : ",")
                    .append(parts[0])
                    .append('=')
                    .append(till);
        }
        redis.command("HSET", META, "bounds", bounds.toString());
    }

    @Test
    void the_bound_is_lowered_when_the_last_one_with_a_longer_ttl_has_been_away_for_long_enough() {
        EmbeddedRedis redis = redis();
        RedissonLeaseStore old = open(settings(60).url(redis.url()).build());
        RedissonLeaseStore young = open(settings(20).url(redis.url()).build());
        old.close();
        later(redis, Duration.ofMinutes(11));
        settings(20).url(redis.url()).build().close();
        assertThat(redis.command("HGET", META, "settings"))
                .as("it may have taken a lease of 60 s after ten minutes")
                .contains("longestTtl=60000ms");
        later(redis, Duration.ofMinutes(2));
        settings(20).url(redis.url()).build().close();
        assertThat(redis.command("HMGET", META, "settings", "why"))
                .contains("longestTtl=20000ms")
                .doesNotContain("replaced");
        granted(acquire(young, "nothing waits"));
        young.agree("");
        assertThat(young.namespaceParts().quarantine().longestTtl()).isEqualTo(Duration.ofSeconds(20));
        redis.command("FLUSHALL");
        assertThat(quarantine(acquire(young, "k"))).isLessThan(Duration.ofSeconds(30));
    }

    @Test
    void it_is_not_lowered_while_one_with_a_longer_ttl_runs_and_not_soon_after_memory_was_lost() {
        EmbeddedRedis redis = redis();
        RedissonLeaseStore old = open(settings(60).url(redis.url()).build());
        RedissonLeaseStore young = open(settings(20).url(redis.url()).build());
        redis.command("FLUSHALL");
        assertThat(quarantine(acquire(young, "k"))).isGreaterThan(Duration.ofSeconds(60));
        await().atMost(LONG)
                .untilAsserted(
                        () -> assertThat(redis.command("HGET", META, "bounds")).contains("60000=", "20000="));
        later(redis, Duration.ofMinutes(11));
        open(settings(20).url(redis.url()).build());
        assertThat(redis.command("HGET", META, "settings")).contains("longestTtl=60000ms");
        assertThat(old.longestTtl()).isEqualTo(Duration.ofSeconds(60));
    }

    @Test
    void one_that_others_took_for_gone_asks_before_its_next_lease_and_they_wait_for_what_it_may_take() {
        EmbeddedRedis redis = redis();
        RedissonLeaseStore away = open(settings(60)
                .term(Duration.ofMillis(1), Duration.ofHours(1))
                .url(redis.url())
                .build());
        later(redis, Duration.ofMinutes(20));
        RedissonLeaseStore young = open(settings(20).url(redis.url()).build());
        assertThat(redis.command("HGET", META, "settings")).contains("longestTtl=20000ms");
        assertThat(quarantine(acquire(away, "k", Duration.ofSeconds(60)))).isGreaterThan(Duration.ofSeconds(50));
        assertThat(redis.command("HMGET", META, "settings", "why")).contains("longestTtl=60000ms", "replaced");
        assertThat(quarantine(acquire(young, "k"))).isGreaterThan(Duration.ofSeconds(40));
        // So late that it does not count.
        redis.command("HSET", META, "until", "0");
        assertThatThrownBy(() -> acquire(away, "late", Duration.ofSeconds(60)))
                .hasCauseInstanceOf(LeaseStoreException.class)
                .hasMessageContaining("so late");
        assertThat(redis.command("EXISTS", "hapax:{roll:0}:l:late")).isEqualTo("0");
    }

    @Test
    void each_server_of_a_quorum_lowers_it_by_itself_and_the_portable_protocol_does_not() {
        List<EmbeddedRedis> servers = List.of(redis(), redis(), redis());
        List<String> urls = servers.stream().map(EmbeddedRedis::url).toList();
        LeaseStore old = open(settings(60).quorum(urls));
        open(settings(20).quorum(urls));
        old.close();
        servers.forEach(server -> later(server, Duration.ofMinutes(13)));
        open(settings(20).quorum(urls));
        servers.forEach(
                server -> assertThat(server.command("HGET", META, "settings")).contains("longestTtl=20000ms"));

        NarrowRedis narrow = open(NarrowRedis.start());
        open(settings(60).url(narrow.url()).build());
        open(settings(20).url(narrow.url()).build());
        assertThat(narrow.behind().command("HEXISTS", META, "bounds")).isEqualTo("0");
    }
}
