package io.hapax.testkit;

import static io.hapax.testkit.LeaseAttempts.LONG;
import static io.hapax.testkit.LeaseAttempts.WORKER;
import static io.hapax.testkit.LeaseAttempts.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The part of {@link RunLedgerContract} that is about claims of a lock key and its slots, whose runs may state different limits. */
abstract class LedgerLimitContract {

    private static final int MANY = 24;

    private final LockKey key = new LockKey("rooms-" + OwnerId.random());
    private final JobIdentity whole = new JobIdentity(key, null);

    protected abstract RunLedger ledger();

    protected abstract RunLedger otherClient();

    protected abstract void letPass(Duration ttl);

    protected abstract Duration shortTtl();

    private JobIdentity slot(int number, int limit) {
        return new JobIdentity(key, null, new Slot(number, limit));
    }

    private JobIdentity occurrence(int number, int limit) {
        return new JobIdentity(key, new RunKey("of-" + OwnerId.random()), new Slot(number, limit));
    }

    private static ClaimRequest asking(JobIdentity identity, Duration ttl) {
        return new ClaimRequest(identity, OwnerId.random(), WORKER, ttl, AfterCrash.RERUN, LONG);
    }

    private Lease granted(JobIdentity identity) {
        return granted(identity, LONG);
    }

    private Lease granted(JobIdentity identity, Duration ttl) {
        return assertThat(get(ledger().claim(asking(identity, ttl))))
                .as("%s", identity)
                .asInstanceOf(type(Claim.Claimed.class))
                .actual()
                .lease();
    }

    private void refused(JobIdentity identity, Lease by) {
        Claim.Held held = assertThat(get(otherClient().claim(asking(identity, LONG))))
                .as("%s", identity)
                .asInstanceOf(type(Claim.Held.class))
                .actual();
        assertThat(held.holder().owner()).isEqualTo(by.owner());
        assertThat(held.sameRun()).isFalse();
    }

    private void end(Lease claim) {
        assertThat(get(otherClient().complete(claim))).isEqualTo(Completion.NOTED);
    }

    @Test
    void a_lock_key_is_not_claimed_while_one_of_its_slots_is() {
        for (JobIdentity taken : List.of(slot(1, 3), slot(3, 3), occurrence(2, 3))) {
            Lease some = granted(taken);
            refused(whole, some);
            refused(new JobIdentity(key, new RunKey("other-" + OwnerId.random())), some);
            end(some);
        }
        granted(whole);
    }

    @Test
    void no_slot_is_claimed_while_its_lock_key_is() {
        for (JobIdentity taken : List.of(whole, new JobIdentity(key, new RunKey("of-" + OwnerId.random())))) {
            Lease all = granted(taken);
            refused(slot(1, 3), all);
            refused(slot(2, 3), all);
            refused(occurrence(3, 3), all);
            end(all);
        }
        granted(slot(2, 3));
    }

    @Test
    void slots_within_the_limits_of_each_other_are_claimed_side_by_side_and_each_once() {
        Lease one = granted(slot(1, 3));
        Lease two = granted(occurrence(2, 5));
        Lease three = granted(slot(3, 3));
        refused(slot(1, 3), one);
        refused(occurrence(1, 3), one);
        refused(slot(2, 3), two);
        refused(slot(4, 5), one);
        end(one);
        refused(slot(5, 5), three);
        end(three);
        granted(slot(5, 5));
    }

    @Test
    void no_slot_is_claimed_under_a_smaller_limit_while_one_beyond_it_is() {
        Lease three = granted(slot(3, 3));
        refused(slot(1, 2), three);
        Lease one = granted(slot(1, 3));
        end(three);
        granted(slot(2, 2));
        assertThat(get(ledger().release(one, RunState.RELEASED))).isEqualTo(Completion.NOTED);
        granted(slot(1, 2));
    }

    @Test
    void a_run_past_its_deadline_makes_room_for_all_of_its_lock_key() {
        granted(slot(1, 3), shortTtl());
        granted(occurrence(3, 3), shortTtl());
        letPass(shortTtl());
        Lease all = granted(whole);
        refused(slot(2, 3), all);
        end(all);
        granted(whole, shortTtl());
        letPass(shortTtl());
        granted(slot(2, 3));
    }

    @Test
    void a_run_past_its_deadline_is_left_alone_by_whom_it_does_not_hinder() {
        Lease slow = granted(slot(3, 3), shortTtl());
        letPass(shortTtl());
        Lease one = granted(slot(1, 3));
        assertThat(get(ledger().complete(slow))).isEqualTo(Completion.NOTED);
        end(one);
    }

    @Test
    void tokens_grow_whatever_of_a_lock_key_is_claimed() {
        List<Lease> claims = new ArrayList<>();
        for (JobIdentity identity : List.of(slot(3, 3), whole, occurrence(1, 3), slot(3, 3), whole)) {
            Lease claim = granted(identity);
            claims.add(claim);
            end(claim);
        }
        assertThat(claims.stream().map(Lease::token)).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void an_entry_tells_which_slot_it_was() {
        JobIdentity second = occurrence(2, 3);
        granted(second);
        assertThat(get(otherClient().entry(second)).orElseThrow().identity()).isEqualTo(second);
        granted(slot(3, 3));
        assertThat(get(otherClient().entry(slot(3, 3))).orElseThrow().identity())
                .isEqualTo(slot(3, 3));
    }

    @Test
    void keys_that_are_called_like_slots_are_no_part_of_a_family() {
        for (int number = 1; number <= 3; number++) {
            LockKey alike = new LockKey(key + " #" + number);
            granted(new JobIdentity(alike, null));
            Lease slot = granted(slot(number, 3));
            refused(whole, slot);
            end(slot);
        }
        granted(whole);
    }

    @Test
    void the_longest_lock_key_has_slots_too() {
        LockKey longest = new LockKey("k".repeat(512 - 22) + OwnerId.random());
        JobIdentity last = new JobIdentity(longest, null, new Slot(Integer.MAX_VALUE, Integer.MAX_VALUE));
        refused(new JobIdentity(longest, null), granted(last));
    }

    @Test
    void of_many_who_ask_at_once_under_many_limits_no_two_are_granted_that_do_not_go_together() {
        List<CompletableFuture<Claim>> answers = new ArrayList<>();
        for (int n = 0; n < MANY; n++) {
            int limit = 1 + n % 4;
            JobIdentity asked = limit == 1 ? whole : slot(1 + n / 4 % limit, limit);
            RunLedger client = n % 2 == 0 ? ledger() : otherClient();
            answers.add(client.claim(asking(asked, LONG)).toCompletableFuture());
        }
        List<Slot> granted = answers.stream()
                .map(LeaseAttempts::get)
                .filter(Claim.Claimed.class::isInstance)
                .map(claim -> ((Claim.Claimed) claim).lease().identity().slot())
                .map(slot -> Objects.requireNonNullElse(slot, Slot.WHOLE))
                .toList();
        assertThat(granted).isNotEmpty();
        for (int n = 0; n < granted.size(); n++) {
            for (Slot other : granted.subList(n + 1, granted.size())) {
                assertThat(granted.get(n).goesWith(other)).as("%s", granted).isTrue();
            }
        }
    }
}
