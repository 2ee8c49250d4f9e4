package io.hapax.testkit;

import static io.hapax.testkit.LeaseAttempts.LONG;
import static io.hapax.testkit.LeaseAttempts.WORKER;
import static io.hapax.testkit.LeaseAttempts.acquire;
import static io.hapax.testkit.LeaseAttempts.freshLock;
import static io.hapax.testkit.LeaseAttempts.freshRun;
import static io.hapax.testkit.LeaseAttempts.get;
import static io.hapax.testkit.LeaseAttempts.granted;
import static io.hapax.testkit.LeaseAttempts.request;
import static io.hapax.testkit.LeaseAttempts.waiting;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The part of {@link LeaseStoreContract} that is about a lock key and its slots, whose askers may state different limits. */
abstract class LimitContract extends BoardContract {

    private static final int ASKERS = 8;
    private static final int ROUNDS = 25;

    /** A lock key that no other test uses, because the tests of a class may run side by side. */
    private final class Family {

        private final LockKey key = new LockKey("rooms-" + OwnerId.random());
        private final JobIdentity whole = new JobIdentity(key, null);

        JobIdentity slot(int number, int limit) {
            return new JobIdentity(key, null, new Slot(number, limit));
        }

        Acquisition.Held refused(JobIdentity identity) {
            return held(acquire(otherClient(), identity));
        }

        void refusedBy(Lease lease, int nextSlot, JobIdentity asked) {
            Acquisition.Held held = refused(asked);
            assertThat(held.holder().owner()).as("%s", asked).isEqualTo(lease.owner());
            assertThat(held.nextSlot()).as("next slot of %s", asked).isEqualTo(nextSlot);
            Slot slot = lease.identity().slot();
            assertThat(held.slot()).as("%s", asked).isEqualTo(slot == null ? Slot.WHOLE : slot);
            assertThat(held.ttlLeft()).isBetween(LONG.dividedBy(2), LONG);
        }
    }

    private static Acquisition.Held held(Acquisition answer) {
        assertThat(answer).isInstanceOf(Acquisition.Held.class);
        return (Acquisition.Held) answer;
    }

    private void giveBack(Lease lease) {
        assertThat(get(store().release(lease, Ending.NOT_DONE))).isTrue();
    }

    private LeaseAdmin admin() {
        assumeTrue(store() instanceof AdministeredStore, "only a store with an administration");
        return ((AdministeredStore) otherClient()).admin();
    }

    @Test
    void whoever_states_a_limit_of_one_is_refused_as_long_as_a_slot_is_held() {
        Family rooms = new Family();
        Lease one = granted(store(), rooms.slot(1, 3));
        Lease two = granted(store(), rooms.slot(2, 3));
        Lease three = granted(store(), rooms.slot(3, 3));
        rooms.refusedBy(one, 0, rooms.whole);
        giveBack(one);
        rooms.refusedBy(two, 0, rooms.whole);
        giveBack(three);
        rooms.refusedBy(two, 0, rooms.whole);
        giveBack(two);
        Lease all = granted(otherClient(), rooms.whole);
        rooms.refusedBy(all, 0, rooms.slot(1, 3));
    }

    @Test
    void no_slot_is_granted_while_the_key_itself_is_held() {
        Family rooms = new Family();
        Lease all = granted(store(), rooms.whole);
        for (int number = 1; number <= 3; number++) {
            rooms.refusedBy(all, 0, rooms.slot(number, 3));
        }
        rooms.refusedBy(all, 0, rooms.slot(1, 1));
        giveBack(all);
        for (int number = 1; number <= 3; number++) {
            granted(otherClient(), rooms.slot(number, 3));
        }
    }

    @Test
    void a_slot_of_one_is_as_good_as_the_whole_key() {
        Family rooms = new Family();
        Lease only = granted(store(), rooms.slot(1, 1));
        rooms.refusedBy(only, 0, rooms.whole);
        rooms.refusedBy(only, 0, rooms.slot(2, 3));
        giveBack(only);
        granted(otherClient(), rooms.slot(2, 3));
        assertThat(rooms.refused(rooms.slot(1, 1)).nextSlot()).isZero();
    }

    @Test
    void no_slot_is_granted_beyond_the_limit_of_a_holder() {
        Family rooms = new Family();
        Lease one = granted(store(), rooms.slot(1, 2));
        rooms.refusedBy(one, 2, rooms.slot(3, 5));
        Lease two = granted(store(), rooms.slot(2, 5));
        rooms.refusedBy(one, 0, rooms.slot(3, 5));
        giveBack(one);
        granted(otherClient(), rooms.slot(3, 5));
        giveBack(two);
    }

    @Test
    void whoever_states_a_smaller_limit_is_refused_as_long_as_a_slot_beyond_it_is_held() {
        Family rooms = new Family();
        Lease three = granted(store(), rooms.slot(3, 3));
        rooms.refusedBy(three, 0, rooms.slot(1, 2));
        Lease one = granted(store(), rooms.slot(1, 3));
        rooms.refusedBy(three, 0, rooms.slot(2, 2));
        giveBack(three);
        Lease two = granted(otherClient(), rooms.slot(2, 2));
        rooms.refusedBy(two, 0, rooms.slot(3, 3));
        giveBack(one);
        giveBack(two);
    }

    @Test
    void a_refusal_names_the_lowest_slot_that_is_free_for_this_asker() {
        Family rooms = new Family();
        Lease one = granted(store(), rooms.slot(1, 5));
        rooms.refusedBy(one, 2, rooms.slot(1, 5));
        Lease two = granted(store(), rooms.slot(2, 4));
        rooms.refusedBy(one, 3, rooms.slot(1, 5));
        rooms.refusedBy(one, 0, rooms.slot(1, 2));
        granted(store(), rooms.slot(3, 5));
        granted(store(), rooms.slot(4, 5));
        rooms.refusedBy(one, 0, rooms.slot(1, 5));
        rooms.refusedBy(two, 0, rooms.slot(5, 5));
        giveBack(one);
        // The last server of a quorum may give it back after the majority has said that it did.
        await().untilAsserted(() -> rooms.refusedBy(two, 1, rooms.slot(2, 5)));
    }

    /** The limit is raised and lowered by a deploy, while runs that know of the old one go on. */
    @Test
    void the_smallest_limit_is_kept_while_a_deploy_changes_it_and_back() {
        Family rooms = new Family();
        Lease old = granted(store(), rooms.whole);
        rooms.refused(rooms.slot(1, 3));
        giveBack(old);
        Lease one = granted(store(), rooms.slot(1, 3));
        rooms.refused(rooms.whole);
        Lease two = granted(store(), rooms.slot(2, 3));
        giveBack(one);
        rooms.refused(rooms.whole);
        giveBack(two);
        Lease back = granted(store(), rooms.whole);
        rooms.refused(rooms.slot(2, 3));
        giveBack(back);
    }

    @Test
    void while_somebody_waits_no_slot_is_granted_beyond_its_limit() {
        Family rooms = new Family();
        Lease one = granted(store(), rooms.slot(1, 3));
        Lease two = granted(store(), rooms.slot(2, 3));
        held(get(otherClient().acquire(waiting(rooms.whole))));
        assertThat(rooms.refused(rooms.slot(3, 3)).nextSlot()).isZero();
        assertThat(rooms.refused(rooms.slot(1, 3)).nextSlot()).isZero();
        giveBack(two);
        held(get(otherClient().acquire(waiting(rooms.whole))));
        rooms.refused(rooms.slot(2, 3));
        rooms.refused(rooms.slot(3, 3));
        giveBack(one);
        giveBack(granted(otherClient(), rooms.whole));
        giveBack(granted(store(), rooms.slot(3, 3)));
    }

    @Test
    void who_waits_under_a_larger_limit_is_no_hindrance_within_it() {
        Family rooms = new Family();
        Lease one = granted(store(), rooms.slot(1, 5));
        Lease five = granted(store(), rooms.slot(5, 5));
        held(get(otherClient().acquire(waiting(rooms.slot(1, 2)))));
        assertThat(rooms.refused(rooms.slot(3, 5)).nextSlot()).isEqualTo(2);
        Lease two = granted(store(), rooms.slot(2, 5));
        assertThat(rooms.refused(rooms.slot(3, 5)).nextSlot()).isZero();
        giveBack(five);
        held(get(otherClient().acquire(waiting(rooms.slot(1, 2)))));
        rooms.refused(rooms.slot(5, 5));
        giveBack(one);
        granted(otherClient(), rooms.slot(1, 2));
        giveBack(two);
    }

    @Test
    void of_several_who_wait_the_smallest_limit_counts() {
        Family rooms = new Family();
        Lease one = granted(store(), rooms.slot(1, 4));
        assertThat(rooms.refused(rooms.slot(1, 4)).awaited()).isEqualTo(Acquisition.Held.NOBODY);
        held(get(otherClient().acquire(waiting(rooms.slot(1, 3)))));
        assertThat(rooms.refused(rooms.slot(1, 4)).awaited()).isEqualTo(3);
        held(get(otherClient().acquire(waiting(rooms.whole))));
        held(get(otherClient().acquire(waiting(rooms.slot(1, 2)))));
        rooms.refusedBy(one, 0, rooms.slot(2, 4));
        assertThat(rooms.refused(rooms.slot(1, 4)).awaited()).isOne();
        giveBack(one);
    }

    @Test
    void what_a_waiting_asker_stops_is_free_when_nobody_holds_the_key() {
        Family rooms = new Family();
        Lease one = granted(store(), rooms.slot(1, 3));
        held(get(otherClient().acquire(waiting(rooms.whole))));
        rooms.refused(rooms.slot(2, 3));
        giveBack(one);
        Lease three = granted(store(), rooms.slot(3, 3));
        rooms.refused(rooms.whole);
        giveBack(three);
    }

    @Test
    void whoever_waits_for_the_key_itself_is_woken_by_the_release_of_a_slot() {
        Family rooms = new Family();
        Lease two = granted(store(), rooms.slot(2, 3));
        held(get(otherClient().acquire(waiting(rooms.whole))));
        CompletionStage<Void> chance = otherClient().nextChance(rooms.whole, LONG);
        giveBack(two);
        get(chance);
        granted(otherClient(), rooms.whole);
    }

    @Test
    void whoever_waits_for_a_slot_is_woken_by_the_release_of_the_key_itself() {
        Family rooms = new Family();
        Lease all = granted(store(), rooms.whole);
        held(get(otherClient().acquire(waiting(rooms.slot(2, 3)))));
        CompletionStage<Void> chance = otherClient().nextChance(rooms.slot(2, 3), LONG);
        giveBack(all);
        get(chance);
        granted(otherClient(), rooms.slot(2, 3));
    }

    @Test
    void whoever_waits_for_a_slot_is_woken_by_the_release_of_any_other() {
        Family rooms = new Family();
        Lease one = granted(store(), rooms.slot(1, 2));
        Lease two = granted(store(), rooms.slot(2, 2));
        held(get(otherClient().acquire(waiting(rooms.slot(1, 2)))));
        CompletionStage<Void> first = otherClient().nextChance(rooms.slot(1, 2), LONG);
        giveBack(two);
        get(first);
        granted(store(), rooms.slot(2, 2));
        held(get(otherClient().acquire(waiting(rooms.slot(2, 2)))));
        CompletionStage<Void> second = otherClient().nextChance(rooms.slot(2, 2), LONG);
        giveBack(one);
        get(second);
    }

    @Test
    void a_slot_that_is_renewed_is_in_the_way_as_before() {
        ShortTtl.with(shortTtl(), ttl -> {
            Family rooms = new Family();
            long began = System.nanoTime();
            Lease one = granted(store(), rooms.slot(1, 3), ttl);
            Lease longer = new Lease(one.identity(), one.owner(), one.token(), one.worker(), LONG, one.since());
            ShortTtl.before(
                    ttl,
                    began,
                    () -> assertThat(get(store().renew(List.of(longer)))).containsExactly(new Renewal.Renewed(false)));
            Lease brief = granted(store(), rooms.slot(2, 3), ttl);
            letLapse(ttl);
            rooms.refusedBy(one, 0, rooms.whole);
            rooms.refusedBy(one, 2, rooms.slot(1, 3));
            assertThat(get(store().renew(List.of(brief))).get(0)).isInstanceOf(Renewal.Gone.class);
            assertThat(get(store().renew(List.of(longer)))).containsExactly(new Renewal.Renewed(false));
            rooms.refusedBy(one, 0, rooms.whole);
        });
    }

    @Test
    void a_slot_whose_holder_has_died_is_in_nobodys_way() {
        Family rooms = new Family();
        granted(store(), rooms.slot(1, 3), shortTtl());
        granted(store(), rooms.slot(3, 3), shortTtl());
        letLapse(shortTtl());
        Lease two = granted(otherClient(), rooms.slot(2, 2));
        rooms.refusedBy(two, 1, rooms.slot(2, 2));
        giveBack(two);
        granted(store(), rooms.slot(2, 3), shortTtl());
        letLapse(shortTtl());
        granted(otherClient(), rooms.whole);
    }

    @Test
    void an_asker_that_was_granted_a_slot_keeps_it_whoever_waits() {
        Family rooms = new Family();
        LeaseRequest asked = request(rooms.slot(2, 3), LONG);
        Lease two = granted(store(), asked);
        held(get(otherClient().acquire(waiting(rooms.whole))));
        assertThat(granted(store(), asked).token()).isEqualTo(two.token());
        rooms.refusedBy(two, 0, rooms.whole);
    }

    @Test
    void a_slot_that_is_withdrawn_is_in_nobodys_way() {
        Family rooms = new Family();
        LeaseRequest asked = request(rooms.slot(2, 3), LONG);
        granted(store(), asked);
        rooms.refused(rooms.whole);
        get(otherClient().withdraw(asked));
        granted(store(), rooms.whole);
    }

    @Test
    void fencing_tokens_grow_whatever_of_a_key_is_granted() {
        Family rooms = new Family();
        List<FencingToken> tokens = new ArrayList<>();
        for (int n = 0; n < 5; n++) {
            for (JobIdentity identity :
                    List.of(rooms.whole, rooms.slot(1, 3), rooms.slot(2, 3), rooms.whole, rooms.slot(3, 3))) {
                Lease lease = granted(n % 2 == 0 ? store() : otherClient(), identity);
                tokens.add(lease.token());
                giveBack(lease);
            }
        }
        assertThat(tokens).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void an_occurrence_is_the_same_and_is_over_whatever_limit_its_runs_state() {
        Family rooms = new Family();
        RunKey run = freshRun().runKey();
        JobIdentity inSlot = new JobIdentity(rooms.key, run, new Slot(1, 3));
        JobIdentity alone = new JobIdentity(rooms.key, run);
        Lease first = granted(store(), inSlot);
        assertThat(rooms.refused(alone).sameRun()).isTrue();
        assertThat(rooms.refused(rooms.whole).sameRun()).isFalse();
        assertThat(get(store().release(first, Ending.done(LONG)))).isTrue();
        assertThat(acquire(otherClient(), alone)).isInstanceOf(Acquisition.Done.class);
        assertThat(acquire(otherClient(), inSlot)).isInstanceOf(Acquisition.Done.class);
        granted(otherClient(), rooms.whole);
    }

    @Test
    void keys_that_are_called_like_slots_are_no_part_of_a_family() {
        Family rooms = new Family();
        List<Lease> alike = new ArrayList<>();
        for (int number = 1; number <= 3; number++) {
            LockKey called = new LockKey(rooms.key + " #" + number);
            alike.add(granted(store(), new JobIdentity(called, null)));
            granted(otherClient(), new JobIdentity(new LockKey(called + " #1"), null, new Slot(1, 2)));
        }
        Lease all = granted(otherClient(), rooms.whole);
        giveBack(all);
        granted(otherClient(), rooms.slot(1, 3));
        rooms.refused(rooms.whole);
        assertThat(get(store().renew(alike))).containsOnly(new Renewal.Renewed(false));
    }

    /** A number that is added to a name must not make it too long. */
    @ParameterizedTest
    @ValueSource(ints = {500, 507, 508, 509, 510, 511, 512})
    void keys_of_any_length_have_slots(int length) {
        String text = "k".repeat(length - 16) + OwnerId.random().value().substring(0, 16);
        JobIdentity key = new JobIdentity(new LockKey(text), null);
        Lease lease = granted(store(), key);
        giveBack(lease);
        for (int number : List.of(1, 99, 100)) {
            granted(store(), new JobIdentity(key.lockKey(), null, new Slot(number, 100)));
        }
        held(acquire(otherClient(), key));
        held(acquire(otherClient(), new JobIdentity(key.lockKey(), null, new Slot(100, 100))));
    }

    @Test
    void whoever_asks_who_holds_a_key_is_told_of_its_slots() {
        Family rooms = new Family();
        LeaseAdmin admin = admin();
        Lease two = granted(store(), rooms.slot(2, 3));
        Lease three = granted(store(), rooms.slot(3, 3));
        assertThat(get(admin.holder(rooms.whole)).map(Holder::owner)).contains(two.owner());
        assertThat(get(admin.holder(rooms.slot(1, 3)))).isEmpty();
        HeldLease found = get(admin.lease(rooms.key.value(), false)).orElseThrow();
        assertThat(found.holder().owner()).isEqualTo(two.owner());
        assertThat(found.slot()).isEqualTo(new Slot(2, 3));
        assertThat(get(admin.forceRelease(found, LeaseStoreContract.ANN)).map(Holder::owner))
                .contains(two.owner());
        assertThat(get(admin.holder(rooms.whole)).map(Holder::owner)).contains(three.owner());
        giveBack(three);
        assertThat(get(admin.holder(rooms.whole))).isEmpty();
        assertThat(get(admin.lease(rooms.key.value(), false))).isEmpty();
    }

    @Test
    void whoever_takes_the_key_itself_away_takes_no_slot() {
        Family rooms = new Family();
        LeaseAdmin admin = admin();
        Lease two = granted(store(), rooms.slot(2, 3));
        assertThat(get(admin.forceRelease(rooms.whole, LeaseStoreContract.ANN))).isEmpty();
        assertThat(get(store().renew(List.of(two)))).containsExactly(new Renewal.Renewed(false));
        rooms.refusedBy(two, 0, rooms.whole);
    }

    @Test
    void a_slot_that_is_taken_away_wakes_whoever_waits_for_the_key() {
        Family rooms = new Family();
        LeaseAdmin admin = admin();
        Lease two = granted(store(), rooms.slot(2, 3));
        held(get(otherClient().acquire(waiting(rooms.whole))));
        CompletionStage<Void> chance = otherClient().nextChance(rooms.whole, LONG);
        assertThat(get(admin.forceRelease(two.identity(), LeaseStoreContract.ANN)))
                .isPresent();
        get(chance);
        granted(otherClient(), rooms.whole);
    }

    @Test
    void a_slot_is_shown_as_awaited_when_somebody_waits_for_its_key() {
        Family rooms = new Family();
        LeaseAdmin admin = admin();
        Lease two = granted(store(), rooms.slot(2, 3));
        assumeTrue(tellsWhoWaits(), "the store tells whether a lease is awaited");
        held(get(otherClient().acquire(waiting(rooms.whole))));
        assertThat(get(admin.leases(10_000)))
                .filteredOn(lease -> lease.holder().owner().equals(two.owner()))
                .extracting(HeldLease::awaited)
                .containsExactly(true);
        assertThat(get(admin.lease(rooms.key + " #2", false)))
                .map(HeldLease::awaited)
                .contains(true);
    }

    /** Whether the store shows at all that a key is awaited. */
    private boolean tellsWhoWaits() {
        JobIdentity other = freshLock();
        granted(store(), other);
        held(get(otherClient().acquire(waiting(other))));
        return get(admin().lease(other.leaseName(), false)).orElseThrow().awaited();
    }

    @Test
    void as_many_as_the_smallest_limit_hold_a_key_at_once_whatever_each_of_many_states() throws Exception {
        Family rooms = new Family();
        List<Slot> inside = new ArrayList<>();
        ExecutorService pool = Executors.newFixedThreadPool(ASKERS);
        try {
            List<Future<Integer>> all = new ArrayList<>();
            for (int n = 0; n < ASKERS; n++) {
                LeaseStore client = n % 2 == 0 ? store() : otherClient();
                Random random = new Random(n);
                all.add(pool.submit(() -> askAgainAndAgain(rooms, client, random, inside)));
            }
            int granted = 0;
            for (Future<Integer> one : all) {
                granted += one.get(5, TimeUnit.MINUTES);
            }
            assertThat(granted).isPositive();
        } finally {
            pool.shutdownNow();
        }
    }

    private int askAgainAndAgain(Family rooms, LeaseStore client, Random random, List<Slot> inside) {
        int granted = 0;
        for (int n = 0; n < ROUNDS; n++) {
            int limit = 1 + random.nextInt(4);
            Lease lease = lowest(rooms, client, limit, random.nextBoolean());
            if (lease == null) {
                continue;
            }
            granted++;
            Slot mine = lease.identity().slot() == null
                    ? Slot.WHOLE
                    : lease.identity().slot();
            synchronized (inside) {
                assertThat(inside)
                        .allSatisfy(other -> assertThat(other.goesWith(mine))
                                .as("%s beside %s", other, mine)
                                .isTrue());
                inside.add(mine);
            }
            synchronized (inside) {
                inside.remove(mine);
            }
            giveBack(lease);
        }
        return granted;
    }

    /** As a guard asks. */
    private @Nullable Lease lowest(Family rooms, LeaseStore client, int limit, boolean waits) {
        for (int next = 1; next > 0; ) {
            LeaseRequest asked = new LeaseRequest(
                    limit == 1 ? rooms.whole : rooms.slot(next, limit), OwnerId.random(), WORKER, LONG, waits);
            Acquisition answer = get(client.acquire(asked));
            if (answer instanceof Acquisition.Granted granted) {
                return granted.lease();
            }
            int before = next;
            next = held(answer).nextSlot();
            next = next > before ? next : 0;
        }
        return null;
    }
}
