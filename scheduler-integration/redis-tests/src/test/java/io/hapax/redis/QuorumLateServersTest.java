package io.hapax.redis;

import static io.hapax.redis.Fixture.get;
import static io.hapax.redis.Fixture.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.RunKey;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.HeldLease;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A majority has answered, and the last server carries out what it was asked when others have asked already. Each order of
 * events is made, none is waited for.
 */
class QuorumLateServersTest {

    private static final Duration TTL = Duration.ofSeconds(30);
    private static final JobIdentity KEY = new JobIdentity(new LockKey("k"), new RunKey("r"));
    private static final String LEASE = "hapax:{late:0}:l:k";
    private static final int FIRST = 0;
    private static final int SECOND = 1;
    private static final int LAST = 2;

    private static final List<EmbeddedRedis> SERVERS = new ArrayList<>();
    private static final List<RedissonLeaseStore> STORES = new ArrayList<>();

    @BeforeAll
    static void start() {
        Stream.generate(EmbeddedRedis::start).limit(3).forEach(SERVERS::add);
        SERVERS.forEach(server -> STORES.add(RedissonLeaseStore.builder()
                .url(server.url())
                .namespace("late")
                .answerTimeout(Fixture.PATIENCE)
                .firstStart(WallClock.now())
                .build()));
    }

    @AfterEach
    void free() {
        SERVERS.forEach(server -> {
            server.command("DEL", LEASE);
            server.command("DEL", "hapax:{late:0}:d:r");
        });
    }

    @AfterAll
    static void stop() {
        STORES.forEach(RedissonLeaseStore::close);
        SERVERS.forEach(EmbeddedRedis::close);
    }

    private static Lines lines() {
        return new Lines(STORES);
    }

    private static Lease granted(Acquisition answer) {
        return ((Acquisition.Granted) answer).lease();
    }

    /**
     * A lease that the first two servers have granted and written back. The last one has granted it as well, with a token
     * that is higher, as it answered too late; it is written back there when {@code lines} let it.
     */
    private static Lease grantedButLateAtTheLast(Lines lines) {
        SERVERS.get(LAST).command("HINCRBY", "hapax:{late:0}:m", "last", "5000000");
        lines.slow(LAST);
        Lease lease = granted(get(lines.quorum().acquire(request(KEY, TTL))));
        lines.arrive(LAST);
        assertThat(SERVERS.get(LAST).command("GET", LEASE)).startsWith(lease.owner() + "|");
        SERVERS.subList(0, LAST).forEach(server -> server.command("PEXPIRE", LEASE, "20000"));
        return lease;
    }

    @Test
    void a_refusal_names_the_token_that_was_written_back_whichever_majority_answers() {
        Lease lease = grantedButLateAtTheLast(lines());
        for (int away = FIRST; away <= LAST; away++) {
            for (Lines lines : List.of(lines().down(away), lines().slow(away))) {
                assertThat(get(lines.quorum().acquire(request(KEY, TTL))))
                        .isInstanceOfSatisfying(Acquisition.Held.class, held -> {
                            assertThat(held.holder().owner()).isEqualTo(lease.owner());
                            assertThat(held.holder().token()).isEqualTo(lease.token());
                        });
            }
        }
    }

    @Test
    void a_look_up_names_the_token_that_was_written_back_whichever_majority_answers() {
        Lease lease = grantedButLateAtTheLast(lines());
        for (int away = FIRST; away <= LAST; away++) {
            AdministeredStore store = lines().down(away).quorum();
            assertThat(get(store.admin().holder(KEY)).map(Holder::token)).contains(lease.token());
            assertThat(get(store.admin().leases(10)))
                    .extracting(held -> held.holder().token())
                    .containsExactly(lease.token());
            assertThat(get(store.admin().lease("k", false))
                            .map(held -> held.holder().token()))
                    .contains(lease.token());
        }
    }

    @Test
    void a_renewal_that_is_too_late_and_a_forced_release_name_the_token_that_was_written_back() {
        Lease lease = grantedButLateAtTheLast(lines());
        Lease lapsed = new Lease(KEY, OwnerId.random(), lease.token(), "w", TTL, lease.since());
        AdministeredStore store = lines().down(FIRST).quorum();
        assertThat(get(store.renew(List.of(lapsed))))
                .singleElement()
                .isInstanceOfSatisfying(
                        Renewal.Gone.class,
                        gone -> assertThat(gone.heldBy().orElseThrow().token()).isEqualTo(lease.token()));
        assertThat(get(store.admin().forceRelease(KEY)).map(Holder::token)).contains(lease.token());
    }

    /** @param heard whether the server that does not know the lease has said so before the release, or says it after it */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_lease_that_was_given_back_does_not_come_back_by_a_renewal_that_is_late(boolean heard) {
        Lines lines = lines().slow(LAST);
        AdministeredStore quorum = lines.quorum();
        Lease lease = granted(get(quorum.acquire(request(KEY, TTL))));
        assertThat(get(quorum.renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        if (heard) {
            lines.overtake(LAST);
        }
        assertThat(get(quorum.release(lease, Ending.NOT_DONE))).isTrue();
        // All but what it was asked first, for the lease; the last one first.
        while (lines.waiting(LAST) > 1) {
            lines.overtake(LAST);
        }
        assertThat(SERVERS.get(LAST).command("EXISTS", LEASE)).isEqualTo("0");
    }

    /** A repetition must not make another lease of it: the first answer may have come, or may come yet. */
    @Test
    void asking_again_as_the_same_owner_gives_the_same_token_whichever_majority_answers() {
        Lines lines = lines();
        SERVERS.get(LAST).command("HINCRBY", "hapax:{late:0}:m", "last", "5000000");
        lines.slow(LAST);
        LeaseRequest request = request(KEY, TTL);
        Lease lease = granted(get(lines.quorum().acquire(request)));
        lines.arrive(LAST);
        Lines again = lines().slow(FIRST);
        CompletableFuture<Acquisition> answer = again.quorum().acquire(request).toCompletableFuture();
        // The others have answered, and the first one is asked for the second time.
        await().until(() -> again.waiting(FIRST) == 2);
        again.arriveAll();
        assertThat(granted(get(answer)).token()).isEqualTo(lease.token());
    }

    @Test
    void a_lease_that_a_majority_has_given_back_is_held_by_nobody() {
        Lines lines = lines();
        Lease lease = granted(get(lines.quorum().acquire(request(KEY, TTL))));
        HeldLease seen = get(lines.quorum().admin().leases(10)).get(0);
        lines.slow(LAST);
        assertThat(get(lines.quorum().release(lease, Ending.NOT_DONE))).isTrue();

        AdministeredStore store = lines().quorum();
        assertThat(get(store.admin().holder(KEY))).isEmpty();
        assertThat(get(store.admin().leases(10))).isEmpty();
        assertThat(get(store.admin().forceRelease(seen, new Intervention("ann", "late"))))
                .as("taken away from somebody who holds nothing any more")
                .isEmpty();
    }

    private static ReservationRequest place(String name, String holder) {
        return new ReservationRequest(name, holder, 1, TTL);
    }

    private static String fresh() {
        return "place-" + OwnerId.random();
    }

    @Test
    void a_place_that_was_given_up_is_nobodys_although_the_last_server_reserves_it_only_now() {
        String name = fresh();
        Lines lines = lines().slow(LAST);
        assertThat(get(lines.places().reserve(place(name, "a")))).isInstanceOf(Reservation.Made.class);
        Reservations others = lines().places();
        assertThat(get(others.giveUp(name, "a"))).isTrue();
        lines.arriveAll();

        assertThat(get(others.holders(name))).isEmpty();
        assertThat(get(others.giveUp(name, "a"))).isFalse();
        assertThat(get(others.reserve(place(name, "b")))).isInstanceOf(Reservation.Made.class);
    }

    @Test
    void holders_come_in_order_and_complete_although_the_last_server_knows_only_the_later_one() {
        String name = fresh();
        Lines lines = lines().slow(LAST);
        assertThat(get(lines.places().reserve(new ReservationRequest(name, "first", 2, TTL))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(get(lines().places().reserve(new ReservationRequest(name, "later", 2, TTL.plusSeconds(5)))))
                .isInstanceOf(Reservation.Made.class);
        for (int away = FIRST; away <= LAST; away++) {
            assertThat(get(lines().down(away).places().holders(name))).containsExactly("first", "later");
        }
    }

    /** Else what gives it up may come after the next reservation, and take that away. */
    @Test
    void a_reservation_is_refused_only_when_what_a_minority_keeps_of_it_is_given_up() {
        String name = fresh();
        assertThat(get(lines().slow(LAST).places().reserve(place(name, "a")))).isInstanceOf(Reservation.Made.class);
        Lines lines = lines().slow(FIRST).slow(SECOND).slow(LAST);
        CompletableFuture<Reservation> refusal =
                lines.places().reserve(place(name, "b")).toCompletableFuture();
        lines.arrive(FIRST);
        lines.arrive(SECOND);
        lines.arrive(LAST);
        assertThat(refusal).as("the last server keeps a place for b yet").isNotDone();
        lines.arriveAll();
        assertThat(get(refusal)).isInstanceOf(Reservation.Full.class);

        assertThat(get(lines().places().giveUp(name, "a"))).isTrue();
        assertThat(get(lines().places().reserve(place(name, "b")))).isInstanceOf(Reservation.Made.class);
        lines.arriveAll();
        assertThat(get(lines().places().holders(name))).containsExactly("b");
    }

    @Test
    void whoever_has_a_place_and_asks_again_without_a_majority_has_it_still() {
        String name = fresh();
        assertThat(get(lines().places().reserve(place(name, "a")))).isInstanceOf(Reservation.Made.class);
        Lines lines = lines().deaf(SECOND).deaf(LAST);
        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(() -> get(lines.places().reserve(place(name, "a"))))
                .withMessageContaining("a majority is needed");
        lines.arriveAll();
        assertThat(get(lines().places().holders(name))).containsExactly("a");
        assertThat(get(lines().places().reserve(place(name, "b")))).isInstanceOf(Reservation.Full.class);
    }

    @Test
    void a_completion_that_came_too_late_leaves_no_done_marker_on_a_server_that_answers_to_nobody() {
        Lease lease = granted(get(lines().quorum().acquire(request(KEY, TTL))));
        Fixture.awaitEverywhere(SERVERS, LEASE);
        SERVERS.subList(0, LAST).forEach(server -> server.command("DEL", LEASE));
        Lines lines = lines().deaf(LAST);
        assertThat(get(lines.quorum().release(lease, Ending.done(Duration.ofMinutes(1)))))
                .isFalse();
        lines.arriveAll();
        assertThat(get(lines().down(FIRST).quorum().acquire(request(KEY, TTL))))
                .isInstanceOf(Acquisition.Granted.class);
    }
}
