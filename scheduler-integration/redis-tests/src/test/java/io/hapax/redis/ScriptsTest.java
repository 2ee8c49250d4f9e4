package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.granted;
import static io.hapax.redis.Fixture.lock;
import static io.hapax.redis.Fixture.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.RunKey;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the scripts answer at their edges, beyond the contract of lease stores. */
@Tag("slow")
class ScriptsTest {

    private static final Duration LONGEST_TTL = Duration.ofSeconds(30);
    private static final Ending DONE = Ending.done(Duration.ofHours(1));

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = open();

    private RedissonLeaseStore open() {
        return RedissonLeaseStore.builder()
                .url(redis.url())
                .namespace("s")
                .longestTtl(LONGEST_TTL)
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now())
                .build();
    }

    @AfterEach
    void stop() {
        store.close();
        redis.close();
    }

    private Instant serverTime() {
        String[] time = redis.command("TIME").split("\n");
        return Instant.ofEpochSecond(Long.parseLong(time[0].trim()), Long.parseLong(time[1].trim()) * 1000);
    }

    private static Lease ownedBy(OwnerId owner, Lease lease) {
        return new Lease(lease.identity(), owner, lease.token(), lease.worker(), lease.ttl(), lease.since());
    }

    @Test
    void a_done_marker_tells_when_the_occurrence_completed() {
        Lease lease = granted(store, run("r"));
        await().until(() -> serverTime().isAfter(lease.since().plusMillis(100)));
        Instant before = serverTime();
        get(store.release(lease, DONE));
        Acquisition answer = acquire(store, run("r"));
        assertThat(answer).isInstanceOfSatisfying(Acquisition.Done.class, done -> {
            assertThat(done.by().since()).isBetween(before, serverTime());
            assertThat(done.by().owner()).isEqualTo(lease.owner());
            assertThat(done.by().token()).isEqualTo(lease.token());
            assertThat(done.by().run()).isEqualTo("r");
        });
    }

    @Test
    void a_run_key_of_a_single_dash_does_not_complete_what_has_no_run_key() {
        get(store.release(granted(store, run("-")), DONE));
        granted(store, lock("another"));
    }

    @Test
    void a_repeated_release_as_done_does_not_move_the_time_of_completion() {
        Lease lease = granted(store, run("r"));
        assertThat(get(store.release(lease, DONE))).isTrue();
        Acquisition first = acquire(store, run("r"));
        await().until(() -> serverTime().isAfter(lease.since().plusMillis(50)));
        assertThat(get(store.release(lease, DONE))).isTrue();
        assertThat(acquire(store, run("r"))).isEqualTo(first);
    }

    @Test
    void a_late_repetition_of_a_release_does_not_touch_the_next_holder() {
        Lease lease = granted(store, lock("k"));
        get(store.release(lease, Ending.NOT_DONE));
        Lease next = granted(store, lock("k"));
        assertThat(get(store.release(lease, Ending.NOT_DONE))).isFalse();
        assertThat(get(store.admin().holder(lock("k"))).map(Holder::owner)).contains(next.owner());
    }

    @Test
    void a_repeated_forced_release_is_empty() {
        Lease lease = granted(store, lock("k"));
        assertThat(get(store.admin().forceRelease(lock("k"))).map(Holder::owner))
                .contains(lease.owner());
        assertThat(get(store.admin().forceRelease(lock("k")))).isEmpty();
    }

    @Test
    void a_forced_release_is_final_even_if_it_is_the_first_to_speak_after_a_loss() {
        Lease lease = granted(store, lock("k"));
        redis.command("FLUSHALL");
        get(store.admin().forceRelease(lock("k")));
        assertThat(get(store.renew(List.of(lease)))).singleElement().isInstanceOf(Renewal.Gone.class);
    }

    @Test
    void in_quarantine_a_forgotten_lease_can_be_given_back_and_withdrawn() {
        Lease lease = granted(store, lock("k"));
        redis.command("FLUSHALL");
        assertThat(get(store.release(lease, Ending.NOT_DONE))).isTrue();
        assertThat(acquire(store, lock("k"))).isInstanceOf(Acquisition.Quarantined.class);
    }

    @Test
    void in_quarantine_a_completion_counts_over_an_older_lease_that_stale_data_brought_back() {
        JobIdentity pair = new JobIdentity(new LockKey("k"), new RunKey("r2"));
        Lease earlier = granted(store, lock("k"));
        redis.command("SAVE");
        get(store.release(earlier, Ending.NOT_DONE));
        Lease later = granted(store, pair);
        redis.kill();
        redis.restart();
        assertThat(await().ignoreExceptions().until(() -> get(store.release(later, DONE)), answer -> true))
                .isTrue();
        assertThat(acquire(store, pair)).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void in_quarantine_a_completion_does_not_count_against_a_later_holder() {
        Lease earlier = granted(store, run("r"));
        get(store.release(earlier, Ending.NOT_DONE));
        Lease later = granted(store, run("r"));
        redis.command("FLUSHALL");
        assertThat(get(store.renew(List.of(later)))).containsExactly(new Renewal.Renewed(true));
        assertThat(get(store.release(earlier, DONE))).isFalse();
        assertThat(get(store.admin().holder(run("r"))).map(Holder::owner)).contains(later.owner());
    }

    @Test
    void the_reason_of_a_quarantine_is_told_to_every_worker() {
        granted(store, lock("k"));
        redis.command("SAVE");
        redis.kill();
        redis.restart();
        try (RedissonLeaseStore first = open();
                RedissonLeaseStore second = open()) {
            for (RedissonLeaseStore worker : List.of(first, second, first)) {
                assertThat(acquire(worker, lock("other")))
                        .isInstanceOfSatisfying(
                                Acquisition.Quarantined.class,
                                quarantined -> assertThat(quarantined.reason()).contains("restarted"));
            }
        }
    }

    @Test
    void a_foreign_value_is_trouble_for_its_own_key_alone_in_quarantine_as_well() {
        Lease good = granted(store, lock("good"));
        Lease bad = granted(store, lock("bad"));
        Lease worse = granted(store, lock("worse"));
        for (boolean quarantined : List.of(false, true)) {
            if (quarantined) {
                redis.command("FLUSHALL");
            }
            redis.command("SET", "hapax:{s:0}:l:bad", "nonsense", "PX", "60000");
            redis.command("DEL", "hapax:{s:0}:l:worse");
            redis.command("LPUSH", "hapax:{s:0}:l:worse", "x");
            assertThat(get(store.renew(List.of(bad, worse, good))))
                    .satisfiesExactly(
                            first -> assertThat(first).isInstanceOf(Renewal.Unknown.class),
                            second -> assertThat(second).isInstanceOf(Renewal.Unknown.class),
                            third -> assertThat(third).isEqualTo(new Renewal.Renewed(quarantined)));
        }
        for (String key : List.of("bad", "worse")) {
            assertThatThrownBy(() -> acquire(store, lock(key)))
                    .hasCauseInstanceOf(LeaseStoreException.class)
                    .hasMessageContaining("that Hapax did not write");
        }
    }

    @Test
    void somebody_who_never_held_the_lease_cannot_release_it_in_quarantine_once_it_was_reasserted() {
        Lease lease = granted(store, run("r"));
        redis.command("FLUSHALL");
        get(store.renew(List.of(lease)));
        assertThat(get(store.release(ownedBy(OwnerId.random(), lease), DONE))).isFalse();
        assertThat(get(store.admin().holder(run("r"))).map(Holder::owner)).contains(lease.owner());
    }
}
