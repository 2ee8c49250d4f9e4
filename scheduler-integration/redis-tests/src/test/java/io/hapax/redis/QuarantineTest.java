package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.grantedForLong;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A Redis that lost its memory grants nothing until earlier holders had the time to show themselves. */
@Tag("slow")
class QuarantineTest {

    /** So long that a machine which stands still for some seconds makes no difference. */
    private static final Duration LONGEST_TTL = Duration.ofMinutes(10);
    /** A tenth more, and a moment. */
    private static final Duration MOST =
            LONGEST_TTL.multipliedBy(11).dividedBy(10).plusSeconds(5);

    private static final String META = "hapax:{q:0}:m";

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final List<RedissonLeaseStore> stores = new ArrayList<>();

    private RedissonLeaseStore worker(boolean first) {
        return worker(first ? WallClock.now() : null);
    }

    private RedissonLeaseStore worker(@Nullable Instant firstStart) {
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(redis.url())
                .namespace("q")
                .longestTtl(LONGEST_TTL)
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(firstStart)
                .build();
        stores.add(store);
        return store;
    }

    @AfterEach
    void stop() {
        stores.forEach(RedissonLeaseStore::close);
        redis.close();
    }

    private static Duration quarantine(Acquisition answer) {
        assertThat(answer).isInstanceOf(Acquisition.Quarantined.class);
        return ((Acquisition.Quarantined) answer).left();
    }

    private Acquisition acquireOnceBack(RedissonLeaseStore store, String key) {
        return await().ignoreExceptions().until(() -> acquire(store, lock(key)), answer -> true);
    }

    @Test
    void a_namespace_whose_first_start_is_now_grants_at_once() {
        granted(worker(true), lock("k"));
        granted(worker(false), lock("k2"));
        assertThat(get(stores.get(0).findings()))
                .noneMatch(finding -> finding.toString().contains("firstStart"));
    }

    @Test
    void whoever_leaves_a_first_start_in_a_configuration_waits_like_all_others_once_redis_was_emptied() {
        RedissonLeaseStore knowing = worker(true);
        granted(knowing, lock("k"));
        redis.command("FLUSHALL");
        RedissonLeaseStore left =
                worker(WallClock.now().minus(FirstStart.COUNTS).minusSeconds(1));
        assertThat(quarantine(acquire(left, lock("k")))).isGreaterThan(LONGEST_TTL.dividedBy(3));
        assertThat(get(left.findings()))
                .anyMatch(finding -> finding.toString().contains("firstStart"))
                .anyMatch(finding -> finding.toString().contains("Remove the setting"));
    }

    @Test
    void a_first_start_that_lies_ahead_is_refused() {
        Instant ahead = WallClock.now().plus(FirstStart.COUNTS).plusSeconds(60);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> worker(ahead))
                .withMessageContainingAll("firstStart", ahead.toString(), "lies ahead");
        // Before a client is opened, whose threads would keep the application from ending.
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        Fixture.store("redis://127.0.0.1:1").firstStart(ahead).build())
                .withMessageContaining("firstStart");
    }

    @Test
    void a_new_namespace_waits_for_one_renewal_interval_and_a_margin() {
        assertThat(quarantine(acquire(worker(false), lock("k"))))
                .isBetween(LONGEST_TTL.dividedBy(3), LONGEST_TTL.dividedBy(3).plus(Fixture.PATIENCE.multipliedBy(2)));
    }

    @Test
    void a_redis_that_was_restarted_empty_grants_nothing_for_longer_than_the_longest_ttl() {
        RedissonLeaseStore knowing = worker(true);
        granted(knowing, lock("k"));
        redis.restartEmpty();
        assertThat(quarantine(acquireOnceBack(knowing, "k"))).isGreaterThan(LONGEST_TTL);
    }

    @Test
    void a_flushed_redis_grants_nothing_either() {
        RedissonLeaseStore knowing = worker(true);
        granted(knowing, lock("k"));
        redis.command("FLUSHALL");
        assertThat(quarantine(acquire(knowing, lock("k")))).isGreaterThan(LONGEST_TTL);
    }

    @Test
    void a_redis_that_was_restarted_with_its_data_may_have_lost_the_newest_and_waits() {
        grantedForLong(worker(true), lock("k"));
        redis.command("SAVE");
        redis.kill();
        redis.restart();
        RedissonLeaseStore neverSpoke = worker(true);
        assertThat(quarantine(acquireOnceBack(neverSpoke, "k2"))).isGreaterThan(LONGEST_TTL);
        assertThat(acquire(neverSpoke, lock("k"))).isInstanceOf(Acquisition.Held.class);
    }

    @Test
    void a_worker_that_knew_the_old_memory_lengthens_a_short_wait() {
        RedissonLeaseStore knowing = worker(true);
        Lease lease = granted(knowing, lock("k"));
        redis.command("FLUSHALL");
        assertThat(quarantine(acquire(worker(false), lock("x")))).isLessThan(LONGEST_TTL.dividedBy(2));
        get(knowing.renew(List.of(lease)));
        assertThat(quarantine(acquire(worker(false), lock("x")))).isGreaterThan(LONGEST_TTL.minusSeconds(1));
    }

    @Test
    void a_renewal_reasserts_a_lease_that_was_forgotten() {
        RedissonLeaseStore knowing = worker(true);
        Lease lease = granted(knowing, lock("k"));
        redis.command("FLUSHALL");
        assertThat(get(knowing.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(true));
        assertThat(get(knowing.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        assertThat(acquire(worker(false), lock("k")))
                .isInstanceOfSatisfying(
                        Acquisition.Held.class,
                        held -> assertThat(held.holder().token()).isEqualTo(lease.token()));
        assertThat(get(knowing.release(lease, Ending.NOT_DONE))).isTrue();
    }

    @Test
    void the_later_grant_wins_over_an_earlier_one_that_stale_data_brought_back() {
        RedissonLeaseStore knowing = worker(true);
        Lease earlier = granted(knowing, lock("k"));
        redis.command("SAVE");
        get(knowing.release(earlier, Ending.NOT_DONE));
        Lease later = granted(knowing, lock("k"));
        redis.kill();
        redis.restart();
        await().ignoreExceptions()
                .untilAsserted(() ->
                        assertThat(get(knowing.renew(List.of(later)))).containsExactly(new Renewal.Renewed(true)));
        assertThat(get(knowing.renew(List.of(earlier))))
                .singleElement()
                .isInstanceOfSatisfying(
                        Renewal.Gone.class,
                        gone -> assertThat(gone.heldBy())
                                .hasValueSatisfying(
                                        holder -> assertThat(holder.token()).isEqualTo(later.token())));
    }

    @Test
    void an_occurrence_that_completes_during_the_quarantine_is_remembered() {
        RedissonLeaseStore knowing = worker(true);
        Lease lease = granted(knowing, run("r"));
        redis.command("FLUSHALL");
        assertThat(get(knowing.release(lease, Ending.done(Duration.ofHours(1)))))
                .isTrue();
        assertThat(acquire(worker(false), run("r"))).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_lease_that_was_taken_away_by_force_is_not_reasserted() {
        RedissonLeaseStore knowing = worker(true);
        Lease lease = granted(knowing, lock("k"));
        redis.command("FLUSHALL");
        get(knowing.renew(List.of(lease)));
        get(knowing.admin().forceRelease(lock("k")));
        assertThat(get(knowing.renew(List.of(lease)))).singleElement().isInstanceOf(Renewal.Gone.class);
    }

    @Test
    void tokens_do_not_go_back_when_everything_is_lost() {
        RedissonLeaseStore store = worker(true);
        Lease before = granted(store, lock("k"));
        redis.command("FLUSHALL");
        // As if the server's clock had been set back: the store remembers the highest token it has seen.
        redis.command("HSET", "hapax:{q:0}:m", "run", runId(), "seen", "1", "until", "2");
        Acquisition after = await().until(() -> acquire(store, lock("k")), answer -> true);
        if (after instanceof Acquisition.Granted granted) {
            assertThat(granted.lease().token()).isGreaterThan(before.token());
        } else {
            throw new AssertionError("expected a grant, got " + after);
        }
    }

    /** What a server remembers of itself when its clock was set back by an hour. */
    private void setBack() {
        long ahead = TimeUnit.SECONDS.toMicros(WallClock.now().getEpochSecond() + 3_600);
        redis.command("HSET", META, "seen", Long.toString(ahead), "until", Long.toString(ahead + 1_000));
    }

    @Test
    void a_clock_that_was_set_back_by_an_hour_does_not_stop_grants_for_an_hour() {
        RedissonLeaseStore store = worker(true);
        granted(store, lock("k"));
        setBack();
        assertThat(quarantine(acquire(store, lock("k2")))).isBetween(LONGEST_TTL, MOST);
        long until = Long.parseLong(redis.command("HGET", META, "until").trim());
        assertThat(quarantine(acquire(worker(false), lock("k2")))).isLessThan(MOST);
        assertThat(redis.command("HGET", META, "until").trim())
                .as("it is waited once, not again and again")
                .isEqualTo(Long.toString(until));
    }

    @Test
    void a_lease_that_a_clock_set_back_has_prolonged_is_waited_for_no_longer_than_any_lease() {
        RedissonLeaseStore store = worker(true);
        Lease held = granted(store, lock("k"));
        redis.command(
                "PEXPIRE", "hapax:{q:0}:l:k", Long.toString(Duration.ofHours(1).toMillis()));
        acquire(store, lock("k"));
        assertThat(Long.parseLong(redis.command("PTTL", "hapax:{q:0}:l:k").trim()))
                .isBetween(LONGEST_TTL.toMillis(), MOST.toMillis());
        assertThat(get(store.renew(List.of(held)))).singleElement().isInstanceOf(Renewal.Renewed.class);
    }

    private String runId() {
        return redis.command("INFO", "server")
                .lines()
                .filter(line -> line.startsWith("run_id:"))
                .map(line -> line.substring("run_id:".length()).trim())
                .findFirst()
                .orElseThrow();
    }
}
