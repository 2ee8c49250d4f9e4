package io.hapax.redis;

import static io.hapax.redis.Fixture.acquire;
import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.grantedForLong;
import static io.hapax.redis.Fixture.lock;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.Slot;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The index of the slots of a lock key, which may name too many, and never too few. */
class SlotsOnRedisTest {

    private static final String INDEX = "hapax:{slots:0}:i:rooms";
    private static final String WAITS = "hapax:{slots:0}:w:l:rooms";
    private static final JobIdentity ROOMS = lock("rooms");

    private final EmbeddedRedis redis = EmbeddedRedis.start();
    private final RedissonLeaseStore store = RedissonLeaseStore.builder()
            .url(redis.url())
            .namespace("slots")
            .answerTimeout(Fixture.PATIENCE)
            .firstStart(WallClock.now())
            .build();

    @AfterEach
    void stop() {
        store.close();
        redis.close();
    }

    private static JobIdentity slot(int number, int limit) {
        return new JobIdentity(new LockKey("rooms"), null, new Slot(number, limit));
    }

    private void refused(JobIdentity identity) {
        assertThat(acquire(store, identity)).isInstanceOf(Acquisition.Held.class);
    }

    private String index() {
        return redis.command("GET", INDEX);
    }

    @Test
    void the_index_names_slots_in_order_with_their_limits_and_lives_longer_than_any_lease() {
        grantedForLong(store, slot(11, 12));
        grantedForLong(store, slot(2, 11));
        Lease third = grantedForLong(store, slot(3, 13));
        assertThat(index()).isEqualTo("2=11,3=13,11=12");
        assertThat(Long.parseLong(redis.command("PTTL", INDEX)))
                .isGreaterThan(Duration.ofSeconds(30).toMillis());
        get(store.release(third, Ending.NOT_DONE));
        grantedForLong(store, slot(4, 11));
        assertThat(index()).isEqualTo("2=11,4=11,11=12");
    }

    @Test
    void nothing_is_left_of_a_family_that_nobody_holds() {
        Lease one = grantedForLong(store, slot(1, 3));
        Lease two = grantedForLong(store, slot(2, 3));
        get(store.release(one, Ending.NOT_DONE));
        assertThat(index()).isNotEmpty();
        get(store.release(two, Ending.NOT_DONE));
        assertThat(redis.command("KEYS", "*:?:*rooms*")).isEmpty();
    }

    @Test
    void a_slot_that_is_missing_in_the_index_is_put_back_by_its_renewal() {
        Lease two = grantedForLong(store, slot(2, 3));
        Lease three = grantedForLong(store, slot(3, 3));
        redis.command("SET", INDEX, "3=3");
        assertThat(get(store.renew(List.of(two, three)))).containsOnly(new Renewal.Renewed(false));
        assertThat(index()).isEqualTo("2=3,3=3");
        redis.command("DEL", INDEX);
        assertThat(get(store.renew(List.of(two)))).containsOnly(new Renewal.Renewed(false));
        assertThat(index()).isEqualTo("2=3");
        refused(ROOMS);
    }

    @Test
    void what_is_left_in_the_index_is_in_nobodys_way() {
        redis.command("SET", INDEX, "1=9,2=1,7=9");
        Lease all = grantedForLong(store, ROOMS);
        get(store.release(all, Ending.NOT_DONE));
        redis.command("SET", INDEX, "1=9,2=1,7=9");
        grantedForLong(store, slot(3, 4));
        assertThat(index()).isEqualTo("3=4");
    }

    @Test
    void a_slot_that_is_restored_is_in_the_way_again() {
        Lease two = grantedForLong(store, slot(2, 3));
        redis.command("DEL", INDEX, "hapax:{slots:0}:s:2:rooms");
        assertThat(get(store.restore(List.of(two)))).containsOnly(new Renewal.Renewed(true));
        refused(ROOMS);
        refused(slot(4, 4));
    }

    @Test
    void slots_that_were_forgotten_are_in_the_way_again_when_their_holders_have_shown_themselves() {
        Lease two = grantedForLong(store, slot(2, 3));
        Lease three = grantedForLong(store, slot(3, 3));
        redis.command("FLUSHALL");
        assertThat(get(store.renew(List.of(two, three)))).containsOnly(new Renewal.Renewed(true));
        assertThat(index()).isEqualTo("2=3,3=3");
        refused(ROOMS);
        refused(slot(1, 2));
    }

    private static Stream<Arguments> holdersThatDoNotGoTogether() {
        return Stream.of(
                        List.of(slot(2, 3), ROOMS), List.of(ROOMS, slot(2, 3)),
                        List.of(slot(3, 3), slot(1, 2)), List.of(slot(1, 2), slot(3, 3)))
                .flatMap(pair -> Stream.of(true, false).map(first -> arguments(pair.get(0), pair.get(1), first)));
    }

    /** As after a forced release of the first one that a failover has forgotten, with all else. */
    @ParameterizedTest
    @MethodSource("holdersThatDoNotGoTogether")
    void of_two_holders_of_a_key_who_show_themselves_the_later_one_counts(
            JobIdentity taken, JobIdentity granted, boolean earlierFirst) {
        Lease earlier = grantedForLong(store, taken);
        redis.command("DEL", INDEX, key(taken));
        Lease later = grantedForLong(store, granted);
        redis.command("FLUSHALL");
        if (earlierFirst) {
            assertThat(get(store.renew(List.of(earlier)))).containsOnly(new Renewal.Renewed(true));
        }
        assertThat(get(store.renew(List.of(later)))).containsOnly(new Renewal.Renewed(true));
        assertThat(get(store.renew(List.of(earlier)))).singleElement().isInstanceOf(Renewal.Gone.class);
        assertThat(redis.command("EXISTS", key(taken))).isEqualTo("0");
        assertThat(get(store.renew(List.of(later)))).containsOnly(new Renewal.Renewed(false));
    }

    private static String key(JobIdentity identity) {
        Slot slot = identity.slot();
        return "hapax:{slots:0}:" + (slot == null ? "l:rooms" : "s:" + slot.number() + ":rooms");
    }

    @Test
    void the_key_that_is_taken_away_while_nobody_holds_it_bars_no_slot_that_was_forgotten() {
        Lease lease = grantedForLong(store, slot(1, 3));
        redis.command("FLUSHALL");
        get(store.admin().forceRelease(ROOMS, new Intervention("ops", "for a test")));
        assertThat(get(store.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(true));
        refused(ROOMS);
    }

    @Test
    void who_waits_is_noted_under_the_smallest_limit_and_for_a_little_while_after_a_release() {
        Lease two = grantedForLong(store, slot(2, 3));
        boolean isTooLate;
        do {
            redis.command("DEL", WAITS);
            Lease one = grantedForLong(store, slot(1, 3));
            for (JobIdentity identity : List.of(slot(1, 2), ROOMS, slot(2, 2))) {
                get(store.acquire(
                        new LeaseRequest(identity, OwnerId.random(), "tester", Duration.ofSeconds(30), true)));
            }
            assertThat(redis.command("GET", WAITS)).startsWith("1;*;");
            long begun = System.nanoTime();
            get(store.release(one, Ending.NOT_DONE));
            String noted = redis.command("GET", WAITS);
            String left = redis.command("PTTL", WAITS);
            // It lives for five seconds from then on, in which this machine may stand still.
            isTooLate = System.nanoTime() - begun > Duration.ofSeconds(4).toNanos();
            if (!isTooLate) {
                assertThat(noted).startsWith("1;*;");
                assertThat(Long.parseLong(left)).isBetween(1L, 5000L);
            }
        } while (isTooLate);
        get(store.release(two, Ending.NOT_DONE));
    }
}
