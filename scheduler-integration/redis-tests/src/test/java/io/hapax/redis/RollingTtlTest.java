package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
        Lease held = granted(acquire(young, "k", Duration.ofSeconds(20)));
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
                        "longestTtl=20000ms", "longestTtl=60000ms", "replaceSettings(true)", "need not be stopped");
    }

    @Test
    void running_workers_follow_a_longer_ttl_keep_what_they_hold_and_wait_as_long_from_then_on() {
        EmbeddedRedis redis = redis();
        RedissonLeaseStore old = open(settings(20).url(redis.url()).build());
        Lease held = granted(acquire(old, "held"));
        RedissonLeaseStore young =
                open(settings(80).url(redis.url()).replaceSettings(true).build());
        assertThat(quarantine(acquire(young, "k"))).isGreaterThan(Duration.ofSeconds(20));
        // As its watchdog does; the lease is taken on its word if this machine was too slow for it.
        assertThat(get(old.renew(List.of(held))).get(0)).isInstanceOf(Renewal.Renewed.class);
        endWait(redis);
        await().atMost(LONG).until(() -> acquire(old, "k"), Acquisition.Granted.class::isInstance);
        // It compares its settings before the next lease, as what began has changed.
        await().atMost(LONG)
                .until(() -> acquire(young, "another", Duration.ofSeconds(80)), Acquisition.Granted.class::isInstance);

        redis.command("FLUSHALL");
        assertThat(quarantine(acquire(old, "third"))).isGreaterThan(Duration.ofSeconds(80));
    }

    /** A deploy that raises the ttl, and one that lowers it, in whose middle memory is lost. */
    @ParameterizedTest
    @CsvSource({"40, 80", "80, 40"})
    void guards_with_either_ttl_wait_for_the_longer_one_until_the_last_old_one_has_gone(int before, int after)
            throws Exception {
        EmbeddedRedis redis = redis();
        RedissonLeaseStore oldStore = settings(before).url(redis.url()).build();
        JobGuard old = guard(oldStore, before);
        RedissonLeaseStore youngStore = open(
                settings(after).url(redis.url()).replaceSettings(after > before).build());
        JobGuard young = open(guard(youngStore, after));
        try (oldStore;
                old) {
            endWait(redis);
            // A worker that hears of other settings compares its own before the next run.
            for (JobGuard each : List.of(old, young, old)) {
                await().atMost(LONG).until(() -> each.run(RunRequest.lock("k"), run -> 1) instanceof RunResult.Ran);
            }
            redis.command("FLUSHALL");
            for (JobGuard each : List.of(old, young)) {
                assertRefusedForLonger(each);
            }
            // They are noted beside what was refused, not before.
            await().untilAsserted(() ->
                    assertThat(redis.command("HGET", META, "settings")).contains("longestTtl=80000ms"));
        }
        assertRefusedForLonger(young);
    }

    /** As time does: what began a while ago is over now. */
    private static void endWait(EmbeddedRedis redis) {
        long left = micros(redis, "until") - ChronoUnit.MICROS.between(Instant.EPOCH, WallClock.now());
        if (left > 0) {
            for (String field : List.of("seen", "until")) {
                redis.command("HSET", META, field, Long.toString(micros(redis, field) - left - 1_000_000));
            }
        }
    }

    private static long micros(EmbeddedRedis redis, String field) {
        return Long.parseLong(redis.command("HGET", META, field).strip());
    }

    private static JobGuard guard(LeaseStore store, int seconds) {
        return JobGuard.builder(store)
                .withoutLogging()
                .defaults(options -> options.withTtl(Duration.ofSeconds(seconds)))
                .build();
    }

    private static void assertRefusedForLonger(JobGuard guard) throws Exception {
        assertThat(guard.run(RunRequest.lock("k"), run -> 1))
                .isInstanceOfSatisfying(RunResult.Refused.class, refused -> {
                    assertThat(refused.refusal().verdict()).isEqualTo(Verdict.UNAVAILABLE);
                    assertThat(refused.refusal().retryAfter()).isGreaterThan(Duration.ofSeconds(50));
                });
    }

    @Test
    void a_longer_ttl_that_no_worker_has_any_more_is_replaced_and_the_others_go_on() {
        EmbeddedRedis redis = redis();
        settings(60).url(redis.url()).build().close();
        RedissonLeaseStore young = open(settings(20).url(redis.url()).build());
        granted(acquire(young, "before"));
        RedissonLeaseStore another =
                open(settings(20).url(redis.url()).replaceSettings(true).build());
        assertThat(redis.command("HGET", META, "settings")).contains("longestTtl=20000ms");
        endWait(redis);
        for (RedissonLeaseStore each : List.of(another, young)) {
            // It compares its settings before the next lease.
            await().atMost(LONG)
                    .until(
                            () -> acquire(each, each == young ? "here" : "there"),
                            Acquisition.Granted.class::isInstance);
        }
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
        // A server is waited for as long as a sixth of it, or a twentieth of the longest ttl; then it is joined later,
        // unseen.
        Duration answerTimeout = Duration.ofMinutes(1);
        open(settings(600).answerTimeout(answerTimeout).quorum(urls));
        LeaseStore young = open(settings(200).answerTimeout(answerTimeout).quorum(urls));
        granted(acquire(young, "k", Duration.ofSeconds(20)));
        servers.forEach(server -> server.command("FLUSHALL"));
        assertThat(quarantine(acquire(young, "k"))).isGreaterThan(Duration.ofSeconds(600));
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
}
