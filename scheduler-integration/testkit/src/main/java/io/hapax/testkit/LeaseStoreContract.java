package io.hapax.testkit;

import static io.hapax.testkit.LeaseAttempts.LONG;
import static io.hapax.testkit.LeaseAttempts.WORKER;
import static io.hapax.testkit.LeaseAttempts.acquire;
import static io.hapax.testkit.LeaseAttempts.freshLock;
import static io.hapax.testkit.LeaseAttempts.freshPair;
import static io.hapax.testkit.LeaseAttempts.freshRun;
import static io.hapax.testkit.LeaseAttempts.freshSlots;
import static io.hapax.testkit.LeaseAttempts.get;
import static io.hapax.testkit.LeaseAttempts.granted;
import static io.hapax.testkit.LeaseAttempts.nextRun;
import static io.hapax.testkit.LeaseAttempts.ownedBy;
import static io.hapax.testkit.LeaseAttempts.request;
import static io.hapax.testkit.LeaseAttempts.waiting;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.InstanceOfAssertFactories.type;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PastRun;
import io.hapax.ops.PausedKey;
import io.hapax.ops.ServerHealth;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every {@link LeaseStore} has to do. A store passes if a subclass of this one passes, for each configuration of
 * the store. Every test uses fresh keys, so the servers may be shared. What operators ask is tested of an
 * {@link AdministeredStore}; of a store with only the hot port those tests are skipped.
 *
 * <p>A subclass whose tests run side by side on the same clients says
 * {@code @ResourceLock(value = LeaseStoreContract.AGREEMENT, mode = READ, target = CHILDREN)}.
 */
public abstract class LeaseStoreContract extends LimitContract {

    /** The longest that is allowed. */
    private static final Duration LONGEST = Duration.ofDays(36_500);

    /** What all tests of a client rely on and one of them changes for a moment: that its guards have agreed. */
    public static final String AGREEMENT = "io.hapax.agreement";

    private static final Duration RETENTION = Duration.ofMinutes(1);
    private static final int THREADS = 32;

    /** For subclasses. */
    protected LeaseStoreContract() {}

    /**
     * Returns the client under test, out of quarantine; the same one within a test.
     *
     * @return an open store
     */
    @Override
    protected abstract LeaseStore store();

    /**
     * Returns another client of the same memory, as another replica has one; the same one within a test.
     *
     * @return an open store
     */
    @Override
    protected abstract LeaseStore otherClient();

    /**
     * Lets a little more than a duration pass for the store, so that whatever lives no longer has lapsed. Far less than
     * a minute may pass.
     *
     * @param ttl the duration
     */
    @Override
    protected abstract void letLapse(Duration ttl);

    /**
     * Returns a ttl so short that tests can wait until it has passed, yet longer than a few calls of the store.
     *
     * @return the shortest ttl that the tests use, 400 ms unless overridden
     */
    @Override
    protected Duration shortTtl() {
        return Duration.ofMillis(400);
    }

    @Test
    void a_free_key_is_granted_to_the_owner_who_asked() {
        LeaseRequest request = request(freshPair(), LONG);
        Lease lease = granted(store(), request);

        assertThat(lease.identity()).isEqualTo(request.identity());
        assertThat(lease.owner()).isEqualTo(request.owner());
        assertThat(lease.worker()).isEqualTo(WORKER);
        assertThat(lease.ttl()).isEqualTo(LONG);
        assertThat(lease.token().value()).isPositive();
    }

    /** Of a store that is shared by tests, all guards agree on nothing unusual. */
    @Test
    @ResourceLock(AGREEMENT)
    void guards_that_differ_from_those_of_another_client_are_refused_and_both_are_named() {
        store().agree("");
        store().agree("");
        assertThatExceptionOfType(LeaseStoreException.class)
                .isThrownBy(() -> otherClient().agree("keys=hmac/0123456789"))
                .withMessageContaining("keys=hmac/0123456789");
        otherClient().agree("");
        assertThatExceptionOfType(LeaseStoreException.class).isThrownBy(() -> store().agree("keys=hmac/0123456789"));
        granted(otherClient(), freshPair());
    }

    @Test
    void a_held_key_is_refused_to_everybody_else_and_the_answer_names_the_holder() {
        JobIdentity identity = freshPair();
        Lease lease = granted(store(), identity);

        for (LeaseStore client : List.of(store(), otherClient())) {
            Acquisition.Held held = held(acquire(client, identity));
            assertHolder(held.holder(), lease);
            assertThat(held.ttlLeft()).isBetween(LONG.dividedBy(2), LONG);
        }
    }

    @Test
    void the_holder_can_be_looked_up_by_any_client_until_it_releases() {
        JobIdentity identity = freshPair();
        assertThat(get(admin(otherClient()).holder(identity))).isEmpty();
        Lease lease = granted(store(), identity);

        assertHolder(get(admin(store()).holder(identity)).orElseThrow(), lease);
        assertHolder(get(admin(otherClient()).holder(identity)).orElseThrow(), lease);
        get(store().release(lease, Ending.NOT_DONE));
        assertThat(get(admin(otherClient()).holder(identity))).isEmpty();
    }

    @Test
    void a_refusal_tells_the_same_run_from_another_one() {
        JobIdentity identity = freshPair();
        granted(store(), identity);

        assertThat(held(acquire(otherClient(), identity)).sameRun()).isTrue();
        assertThat(held(acquire(otherClient(), nextRun(identity))).sameRun()).isFalse();
        JobIdentity lockOnly = new JobIdentity(identity.lockKey(), null);
        assertThat(held(acquire(otherClient(), lockOnly)).sameRun()).isFalse();
    }

    @Test
    void two_holders_without_a_run_key_are_not_the_same_run_and_two_on_one_run_key_are() {
        JobIdentity lock = freshLock();
        granted(store(), lock);
        assertThat(held(acquire(otherClient(), lock)).sameRun()).isFalse();

        JobIdentity run = freshRun();
        granted(store(), run);
        assertThat(held(acquire(otherClient(), run)).sameRun()).isTrue();
    }

    @Test
    void a_lock_key_and_a_run_key_of_the_same_text_do_not_collide() {
        String text = "a-" + OwnerId.random();
        JobIdentity lock = new JobIdentity(new LockKey(text), null);
        JobIdentity run = new JobIdentity(null, new RunKey(text));
        Lease onLock = granted(store(), lock);
        Lease onRun = granted(store(), run);

        assertThat(get(store().release(onRun, Ending.done(RETENTION)))).isTrue();
        assertThat(holder(store(), lock).map(Holder::owner)).contains(onLock.owner());
        get(store().release(onLock, Ending.NOT_DONE));
        granted(store(), lock);
        assertThat(acquire(store(), run)).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void each_slot_of_a_key_is_leased_apart_from_the_others_and_from_the_key() {
        List<JobIdentity> slots = freshSlots(3);
        JobIdentity key = new JobIdentity(slots.get(0).lockKey(), null);
        assertThat(get(store().release(granted(otherClient(), key), Ending.NOT_DONE)))
                .isTrue();
        List<Lease> held = slots.stream().map(slot -> granted(store(), slot)).toList();
        held(acquire(otherClient(), key));

        for (int n = 0; n < slots.size(); n++) {
            assertHolder(held(acquire(otherClient(), slots.get(n))).holder(), held.get(n));
        }
        assertThat(get(store().renew(held))).hasSize(3).containsOnly(new Renewal.Renewed(false));
        assertThat(get(otherClient().release(held.get(1), Ending.NOT_DONE))).isTrue();
        assertThat(get(admin(store()).holder(slots.get(1)))).isEmpty();
        assertThat(get(admin(store()).holder(slots.get(2)))).isPresent();
        assertThat(granted(otherClient(), slots.get(1)).identity()).isEqualTo(slots.get(1));
    }

    /** Askers may know of different limits: the number says which slot it is. */
    @Test
    void a_slot_is_one_whatever_the_limit_under_which_it_is_asked_for() {
        JobIdentity slot = freshSlots(2).get(1);
        Lease lease = granted(store(), slot);
        JobIdentity widened = new JobIdentity(slot.lockKey(), null, new Slot(2, 5));
        assertHolder(held(acquire(otherClient(), widened)).holder(), lease);
    }

    @Test
    void a_lock_key_that_is_called_like_a_slot_does_not_meet_it() {
        JobIdentity slot = freshSlots(2).get(0);
        Lease onSlot = granted(store(), slot);
        JobIdentity key = new JobIdentity(new LockKey(slot.leaseName()), null);
        Lease onKey = granted(otherClient(), key);

        assertThat(get(admin(store()).holder(slot)).map(Holder::owner)).contains(onSlot.owner());
        assertThat(get(admin(store()).holder(key)).map(Holder::owner)).contains(onKey.owner());
        assertThat(get(store().release(onKey, Ending.NOT_DONE))).isTrue();
        assertThat(renew(store(), onSlot)).isEqualTo(new Renewal.Renewed(false));
    }

    @Test
    void whoever_waits_for_a_slot_is_woken_by_its_release() {
        JobIdentity slot = freshSlots(2).get(1);
        Lease lease = granted(store(), slot);
        held(get(otherClient().acquire(waiting(slot))));
        CompletionStage<Void> chance = otherClient().nextChance(slot, LONG);
        get(store().release(lease, Ending.NOT_DONE));
        get(chance);
        granted(otherClient(), slot);
    }

    @Test
    void asking_again_as_the_same_owner_gives_the_same_lease_for_a_whole_ttl_from_now() {
        ShortTtl.with(shortTtl(), ttl -> {
            LeaseRequest first = request(freshPair(), ttl);
            LeaseRequest again = new LeaseRequest(first.identity(), first.owner(), WORKER, LONG, false);
            long began = System.nanoTime();
            Lease lease = granted(store(), first);
            Lease same = granted(store(), again);
            Lease sameElsewhere = granted(otherClient(), again);

            ShortTtl.before(
                    ttl,
                    began,
                    () -> assertThat(List.of(same.token(), sameElsewhere.token()))
                            .containsOnly(lease.token()));
            letLapse(ttl);
            assertThat(held(acquire(otherClient(), first.identity())).holder().owner())
                    .isEqualTo(first.owner());
            assertThat(get(store().release(same, Ending.NOT_DONE))).isTrue();
        });
    }

    @Test
    void a_released_key_is_free_and_releasing_again_frees_nobody_else() {
        JobIdentity identity = freshPair();
        Lease lease = granted(store(), identity);

        assertThat(get(store().release(lease, Ending.NOT_DONE))).isTrue();
        get(store().release(lease, Ending.NOT_DONE));
        Lease successor = granted(otherClient(), identity);
        get(store().release(lease, Ending.NOT_DONE));
        assertThat(holder(store(), identity).map(Holder::owner)).contains(successor.owner());
    }

    @Test
    void releasing_as_done_again_is_true_and_the_marker_stays() {
        JobIdentity identity = freshPair();
        Lease lease = granted(store(), identity);

        assertThat(get(store().release(lease, Ending.done(RETENTION)))).isTrue();
        assertThat(get(store().release(lease, Ending.done(RETENTION)))).isTrue();
        assertThat(acquire(otherClient(), identity)).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_release_by_somebody_else_changes_nothing() {
        JobIdentity identity = freshPair();
        Lease lease = granted(store(), identity);
        Lease forged = ownedBy(OwnerId.random(), lease);

        assertThat(get(store().release(forged, Ending.NOT_DONE))).isFalse();
        assertThat(get(otherClient().release(forged, Ending.done(RETENTION)))).isFalse();
        assertHolder(held(acquire(store(), identity)).holder(), lease);
    }

    /** A forced release has come between two grants, as the only way to one owner with two of them. */
    private Lease earlierGrant(LeaseRequest request) {
        Lease earlier = granted(store(), request);
        get(admin(otherClient()).forceRelease(request.identity()));
        return earlier;
    }

    @Test
    void a_release_that_is_carried_out_late_ends_no_later_grant_of_the_same_owner() {
        LeaseRequest request = request(freshPair(), LONG);
        Lease earlier = earlierGrant(request);
        Lease later = granted(store(), request);
        assertThat(later.token()).isGreaterThan(earlier.token());

        assertThat(get(store().release(earlier, Ending.NOT_DONE))).isFalse();
        assertThat(get(otherClient().release(earlier, Ending.done(RETENTION)))).isFalse();
        assertHolder(holder(store(), request.identity()).orElseThrow(), later);
        assertThat(get(store().release(later, Ending.NOT_DONE))).isTrue();
        granted(otherClient(), request.identity());
    }

    @Test
    void a_renewal_that_is_carried_out_late_renews_no_later_grant_of_the_same_owner() {
        LeaseRequest request = request(freshPair(), LONG);
        Lease earlier = earlierGrant(request);
        Lease later = granted(store(), request);

        assertThat(renew(store(), earlier)).satisfies(goneTo(later));
        assertThat(renew(store(), later)).isEqualTo(new Renewal.Renewed(false));
    }

    @ParameterizedTest
    @MethodSource("identitiesWithARun")
    void a_completed_occurrence_is_never_granted_again_and_the_answer_names_who_completed_it(JobIdentity identity) {
        Lease lease = granted(store(), identity);
        assertThat(get(store().release(lease, Ending.done(RETENTION)))).isTrue();

        for (LeaseStore client : List.of(store(), otherClient())) {
            Holder by = done(acquire(client, identity)).by();
            assertThat(by.owner()).isEqualTo(lease.owner());
            assertThat(by.token()).isEqualTo(lease.token());
            assertThat(by.worker()).isEqualTo(WORKER);
        }
        assertThat(holder(store(), identity)).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("identitiesWithARun")
    void an_occurrence_released_as_not_done_is_granted_again(JobIdentity identity) {
        get(store().release(granted(store(), identity), Ending.NOT_DONE));
        granted(otherClient(), identity);
    }

    @Test
    void a_done_marker_stops_its_own_occurrence_and_no_other() {
        JobIdentity identity = freshPair();
        get(store().release(granted(store(), identity), Ending.done(RETENTION)));

        Lease next = granted(otherClient(), nextRun(identity));
        assertThat(acquire(store(), identity)).isInstanceOf(Acquisition.Done.class);
        get(otherClient().release(next, Ending.NOT_DONE));
        granted(store(), new JobIdentity(identity.lockKey(), null));
    }

    @ParameterizedTest
    @MethodSource("identitiesWithARun")
    void a_failed_occurrence_is_never_granted_again_and_the_answer_tells_it_from_a_completed_one(JobIdentity identity) {
        Lease lease = granted(store(), identity);
        assertThat(get(store().release(lease, Ending.failed(RETENTION)))).isTrue();
        assertThat(get(store().release(lease, Ending.failed(RETENTION)))).isTrue();

        for (LeaseStore client : List.of(store(), otherClient())) {
            Acquisition.Done failed = done(acquire(client, identity));
            assertThat(failed.outcome()).isEqualTo(OccurrenceOutcome.FAILED);
            assertThat(failed.by().owner()).isEqualTo(lease.owner());
            assertThat(failed.by().token()).isEqualTo(lease.token());
            assertThat(failed.by().worker()).isEqualTo(WORKER);
        }
        assertThat(get(admin(store()).holder(identity))).isEmpty();
    }

    @Test
    void an_occurrence_has_one_outcome_the_first() {
        List<Ending> endings = List.of(Ending.done(RETENTION), Ending.failed(RETENTION));
        for (Ending first : endings) {
            JobIdentity identity = freshPair();
            Lease lease = granted(store(), identity);
            assertThat(get(store().release(lease, first))).isTrue();
            for (Ending other : endings) {
                assertThat(get(otherClient().release(lease, other))).isEqualTo(other.equals(first));
            }
            assertThat(done(acquire(store(), identity)).outcome()).isEqualTo(first.outcome());
        }
    }

    @Test
    void a_failed_ending_without_a_run_key_leaves_no_marker() {
        JobIdentity identity = freshLock();
        assertThat(get(store().release(granted(store(), identity), Ending.failed(RETENTION))))
                .isTrue();
        granted(otherClient(), identity);
    }

    @Test
    void a_failure_is_forgotten_after_its_retention() {
        JobIdentity identity = freshPair();
        get(store().release(granted(store(), identity), Ending.failed(shortTtl())));
        letLapse(shortTtl());
        Lease again = granted(otherClient(), identity);
        assertThat(get(store().release(again, Ending.done(RETENTION)))).isTrue();
        assertThat(done(acquire(store(), identity)).outcome()).isEqualTo(OccurrenceOutcome.DONE);
    }

    @Test
    void a_done_ending_without_a_run_key_leaves_no_marker() {
        JobIdentity identity = freshLock();
        assertThat(get(store().release(granted(store(), identity), Ending.done(RETENTION))))
                .isTrue();
        granted(otherClient(), identity);
    }

    @Test
    void a_done_marker_is_forgotten_after_its_retention() {
        ShortTtl.with(shortTtl(), retention -> {
            JobIdentity identity = freshPair();
            Lease lease = granted(store(), identity);
            long began = System.nanoTime();
            get(store().release(lease, Ending.done(retention)));
            ShortTtl.before(
                    retention,
                    began,
                    () -> assertThat(acquire(store(), identity)).isInstanceOf(Acquisition.Done.class));

            letLapse(retention);
            granted(store(), identity);
        });
    }

    @Test
    void the_longest_retention_is_kept() {
        JobIdentity identity = freshPair();
        Lease lease = granted(store(), identity);
        assertThat(get(store().release(lease, Ending.done(LONGEST)))).isTrue();
        assertThat(acquire(otherClient(), identity)).isInstanceOf(Acquisition.Done.class);
    }

    @Test
    void a_lapsed_lease_can_neither_be_renewed_nor_release_its_successor_nor_leave_a_done_marker() {
        JobIdentity identity = freshPair();
        Lease lapsed = granted(store(), identity, shortTtl());
        letLapse(shortTtl());
        assertThat(holder(store(), identity)).isEmpty();
        Lease successor = granted(otherClient(), identity);

        assertThat(renew(store(), lapsed)).satisfies(goneTo(successor));
        assertThat(get(store().release(lapsed, Ending.done(RETENTION)))).isFalse();
        assertHolder(held(acquire(store(), identity)).holder(), successor);
        assertThat(get(otherClient().release(successor, Ending.NOT_DONE))).isTrue();
        granted(store(), identity);
    }

    @Test
    void a_lapsed_lease_without_a_successor_is_lost_as_well() {
        JobIdentity identity = freshPair();
        Lease lapsed = granted(store(), identity, shortTtl());
        letLapse(shortTtl());

        assertThat(renew(store(), lapsed)).isEqualTo(new Renewal.Gone(null));
        assertThat(get(store().release(lapsed, Ending.done(RETENTION)))).isFalse();
        granted(otherClient(), identity);
    }

    @Test
    void a_renewed_lease_lives_for_a_whole_ttl_from_the_renewal() {
        ShortTtl.with(shortTtl(), quarter -> {
            Duration ttl = quarter.multipliedBy(4);
            Duration more = quarter.multipliedBy(2).plus(quarter.dividedBy(4));
            JobIdentity identity = freshPair();
            long began = System.nanoTime();
            Lease lease = granted(store(), identity, ttl);

            letLapse(more);
            long renewed = System.nanoTime();
            ShortTtl.before(ttl, began, () -> assertThat(renew(store(), lease)).isEqualTo(new Renewal.Renewed(false)));
            letLapse(more);
            ShortTtl.before(
                    ttl,
                    renewed,
                    () -> assertHolder(held(acquire(otherClient(), identity)).holder(), lease));
            letLapse(more);
            granted(otherClient(), identity);
        });
    }

    @Test
    void a_batch_of_renewals_is_answered_in_order_and_trouble_with_one_does_not_touch_the_others() {
        Lease first = granted(store(), freshPair());
        Lease taken = granted(store(), freshRun(), shortTtl());
        Lease lapsed = granted(store(), freshLock(), shortTtl());
        Lease forced = granted(store(), freshPair());
        Lease last = granted(store(), freshRun());
        letLapse(shortTtl());
        Lease taker = granted(otherClient(), taken.identity());
        get(admin(otherClient()).forceRelease(forced.identity()));

        List<Renewal> answers = get(store().renew(List.of(first, taken, lapsed, forced, last)));
        assertThat(answers).hasSize(5);
        assertThat(answers.get(0)).isEqualTo(new Renewal.Renewed(false));
        assertThat(answers.get(1)).satisfies(goneTo(taker));
        assertThat(answers.subList(2, 4)).containsOnly(new Renewal.Gone(null));
        assertThat(answers.get(4)).isEqualTo(new Renewal.Renewed(false));
    }

    @Test
    void an_empty_batch_of_renewals_has_no_answers() {
        assertThat(get(store().renew(List.of()))).isEmpty();
    }

    @Test
    void three_hundred_leases_are_renewed_in_one_batch() {
        Duration ttl = longestOfMany();
        List<Lease> leases = Stream.generate(LeaseAttempts::freshPair)
                .limit(300)
                .map(identity -> granted(store(), identity, ttl))
                .toList();
        assertThat(get(store().renew(leases))).hasSize(300).containsOnly(new Renewal.Renewed(false));
    }

    @Test
    void fencing_tokens_grow_over_a_release_a_lapse_and_a_forced_release() {
        JobIdentity identity = freshPair();
        List<FencingToken> tokens = new ArrayList<>();
        Lease released = granted(store(), identity, shortTtl());
        tokens.add(released.token());
        get(store().release(released, Ending.NOT_DONE));
        tokens.add(granted(otherClient(), identity, shortTtl()).token());
        letLapse(shortTtl());
        tokens.add(granted(store(), identity).token());
        get(admin(store()).forceRelease(identity));
        tokens.add(granted(otherClient(), nextRun(identity)).token());

        assertGrowing(tokens);
    }

    @Test
    void fencing_tokens_grow_over_a_hundred_grants_on_two_clients() {
        JobIdentity identity = freshLock();
        List<FencingToken> tokens = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            LeaseStore client = i % 2 == 0 ? store() : otherClient();
            Lease lease = granted(client, identity);
            tokens.add(lease.token());
            get(client.release(lease, Ending.NOT_DONE));
        }
        assertGrowing(tokens);
    }

    @Test
    void fencing_tokens_grow_in_the_order_in_which_contending_threads_hold_the_key() {
        JobIdentity identity = freshLock();
        List<FencingToken> tokens = Collections.synchronizedList(new ArrayList<>());
        concurrently(8, thread -> {
            LeaseStore client = thread % 2 == 0 ? store() : otherClient();
            for (int i = 0; i < 25; i++) {
                if (acquire(client, identity) instanceof Acquisition.Granted granted) {
                    tokens.add(granted.lease().token());
                    get(client.release(granted.lease(), Ending.NOT_DONE));
                }
            }
            return true;
        });
        assertGrowing(tokens);
    }

    @Test
    void of_many_concurrent_requests_exactly_one_is_granted() {
        JobIdentity identity = freshPair();
        List<Acquisition> answers =
                concurrently(THREADS, thread -> acquire(thread % 2 == 0 ? store() : otherClient(), identity));

        List<Lease> granted = answers.stream()
                .filter(Acquisition.Granted.class::isInstance)
                .map(answer -> ((Acquisition.Granted) answer).lease())
                .toList();
        assertThat(granted).hasSize(1);
        assertThat(answers.stream()
                        .filter(Acquisition.Held.class::isInstance)
                        .map(answer -> ((Acquisition.Held) answer).holder().owner()))
                .hasSize(THREADS - 1)
                .containsOnly(granted.get(0).owner());
    }

    @Test
    void withdrawing_a_granted_request_frees_the_key() {
        LeaseRequest request = request(freshPair(), LONG);
        granted(store(), request);

        get(store().withdraw(request));
        get(store().withdraw(request));
        granted(otherClient(), request.identity());
    }

    @Test
    void withdrawing_a_refused_or_unknown_request_does_not_disturb_the_holder() {
        JobIdentity identity = freshPair();
        LeaseRequest refused = request(identity, LONG);
        Lease lease = granted(otherClient(), identity);
        held(get(store().acquire(refused)));

        get(store().withdraw(refused));
        get(store().withdraw(request(freshPair(), LONG)));
        assertHolder(holder(store(), identity).orElseThrow(), lease);
        assertThat(renew(otherClient(), lease)).isEqualTo(new Renewal.Renewed(false));
    }

    @Test
    void a_forced_release_names_the_holder_who_then_has_lost_the_lease() {
        JobIdentity identity = freshPair();
        assertThat(get(admin(otherClient()).forceRelease(identity))).isEmpty();
        Lease lease = granted(store(), identity);

        assertHolder(get(admin(otherClient()).forceRelease(identity)).orElseThrow(), lease);
        assertThat(renew(store(), lease)).isEqualTo(new Renewal.Gone(null));
        assertThat(get(store().release(lease, Ending.done(RETENTION)))).isFalse();
        granted(otherClient(), identity);
    }

    private static AdministeredStore administered(LeaseStore store) {
        assumeTrue(store instanceof AdministeredStore, "this store answers no operators");
        return (AdministeredStore) store;
    }

    private static LeaseAdmin admin(LeaseStore store) {
        return administered(store).admin();
    }

    /** Of a store that answers no operators, asks for the lease itself, and gives it back. */
    private static Optional<Holder> holder(LeaseStore store, JobIdentity identity) {
        if (store instanceof AdministeredStore administered) {
            return get(administered.admin().holder(identity));
        }
        Acquisition answer = acquire(store, identity);
        if (answer instanceof Acquisition.Granted granted) {
            get(store.release(granted.lease(), Ending.NOT_DONE));
        }
        return answer instanceof Acquisition.Held held ? Optional.of(held.holder()) : Optional.empty();
    }

    private static Optional<HeldLease> listed(LeaseStore store, Lease lease) {
        return get(admin(store).leases(10_000)).stream()
                .filter(held -> held.holder().owner().equals(lease.owner()))
                .findFirst();
    }

    @Test
    void every_lease_is_listed_with_its_holder_until_it_is_given_back() {
        for (JobIdentity identity : List.of(freshLock(), freshRun(), freshPair())) {
            Lease lease = granted(store(), identity);

            HeldLease held = listed(otherClient(), lease).orElseThrow();
            assertHolder(held.holder(), lease);
            assertThat(held.name()).isEqualTo(identity.leaseName());
            assertThat(held.onRunKey()).isEqualTo(identity.lockKey() == null);
            assertThat(held.left()).isBetween(LONG.dividedBy(2), LONG);
            get(store().release(lease, Ending.done(RETENTION)));
            assertThat(listed(otherClient(), lease)).isEmpty();
        }
        assertThat(get(admin(store()).leases(0))).isEmpty();
    }

    @Test
    void one_lease_is_found_by_the_text_of_its_key_and_by_its_name_on_the_list() {
        for (JobIdentity identity : List.of(
                freshLock(),
                freshRun(),
                freshPair(),
                new JobIdentity(new LockKey("odd and long " + "é".repeat(150)), null))) {
            boolean onRunKey = identity.lockKey() == null;
            Lease lease = granted(store(), identity);
            String listed = listed(store(), lease).orElseThrow().name();

            for (String name : List.of(identity.leaseName(), listed)) {
                HeldLease found =
                        get(admin(otherClient()).lease(name, onRunKey)).orElseThrow();
                assertHolder(found.holder(), lease);
                assertThat(found.name()).isEqualTo(listed);
                assertThat(found.onRunKey()).isEqualTo(onRunKey);
                assertThat(found.left()).isBetween(LONG.dividedBy(2), LONG);
                assertThat(get(admin(otherClient()).lease(name, !onRunKey))).isEmpty();
            }
            get(store().release(lease, Ending.NOT_DONE));
            assertThat(get(admin(otherClient()).lease(identity.leaseName(), onRunKey)))
                    .isEmpty();
        }
    }

    @Test
    void a_slot_is_listed_with_its_number_and_limit_found_by_its_name_and_taken_away() {
        for (String text : List.of("rooms-" + OwnerId.random(), "rooms é " + OwnerId.random())) {
            JobIdentity slot = new JobIdentity(new LockKey(text), null, new Slot(2, 3));
            Lease lease = granted(store(), slot);
            HeldLease held = listed(otherClient(), lease).orElseThrow();
            assertThat(held.slot()).isEqualTo(new Slot(2, 3));
            assertThat(held.onRunKey()).isFalse();
            assertThat(held.name()).endsWith(" #2");
            for (String name : List.of(held.name(), slot.leaseName())) {
                HeldLease found = get(admin(otherClient()).lease(name, false)).orElseThrow();
                assertThat(found.holder().owner()).isEqualTo(lease.owner());
                assertThat(found.slot()).isEqualTo(new Slot(2, 3));
            }
            // Who has only seen its name and its holder.
            HeldLease named = new HeldLease(held.name(), false, held.holder(), Duration.ZERO, false);
            Intervention why = new Intervention("ann", "a test");
            assertThat(get(admin(otherClient()).forceRelease(named, why))).isPresent();
            assertThat(renew(store(), lease)).isEqualTo(new Renewal.Gone(null));
            granted(store(), slot);
            assertThat(get(admin(store()).forceRelease(held, why)))
                    .as("somebody else holds it")
                    .isEmpty();
        }
    }

    /** The first of many leases is to live until the last one is taken, however slow this machine is. */
    private Duration longestOfMany() {
        Duration longest = Duration.ofMinutes(10);
        Duration bound = store().longestTtl();
        return longest.compareTo(bound) < 0 ? longest : bound;
    }

    @Test
    void hundreds_of_leases_are_listed_once_each() {
        Duration ttl = longestOfMany();
        List<OwnerId> owners = new ArrayList<>();
        for (int n = 0; n < 700; n++) {
            owners.add(granted(store(), freshLock(), ttl).owner());
        }
        List<OwnerId> found = get(admin(otherClient()).leases(10_000)).stream()
                .map(held -> held.holder().owner())
                .toList();
        assertThat(found).containsAll(owners).doesNotHaveDuplicates();
        assertThat(get(admin(otherClient()).leases(5))).hasSize(5);
    }

    @Test
    void a_listed_lease_is_taken_away_only_while_its_holder_holds_it_and_the_audit_says_who_did_it() {
        JobIdentity identity = freshPair();
        Lease first = granted(store(), identity);
        HeldLease seen = listed(otherClient(), first).orElseThrow();
        get(store().release(first, Ending.NOT_DONE));
        Lease second = granted(store(), identity);
        Intervention why = new Intervention("ann", "its worker is gone, see ticket | 42");

        assertThat(get(admin(otherClient()).forceRelease(seen, why))).isEmpty();
        assertHolder(holder(store(), identity).orElseThrow(), second);
        HeldLease current = listed(otherClient(), second).orElseThrow();
        assertHolder(get(admin(otherClient()).forceRelease(current, why)).orElseThrow(), second);
        assertThat(holder(store(), identity)).isEmpty();

        List<AuditEntry> audit = get(admin(store()).audit(1000)).stream()
                .filter(entry -> entry.subject().contains(identity.leaseName()))
                .toList();
        assertThat(audit).hasSize(1);
        AuditEntry entry = audit.get(0);
        assertThat(entry.action()).isEqualTo(AuditEntry.FORCE_RELEASE);
        assertThat(entry.why().actor()).isEqualTo("ann");
        assertThat(entry.why().reason())
                .startsWith("its worker is gone, see ticket ")
                .endsWith(" 42");
        assertThat(entry.holder()).contains(second.owner().value());
    }

    @Test
    void the_audit_also_has_those_who_name_a_key_and_the_newest_comes_first() {
        JobIdentity nobodys = freshLock();
        get(admin(store()).forceRelease(nobodys, new Intervention("bob", "to be sure")));
        JobIdentity run = freshRun();
        Lease lease = granted(store(), run);
        get(admin(otherClient()).forceRelease(run));

        List<AuditEntry> audit = get(admin(otherClient()).audit(1000)).stream()
                .filter(entry -> Stream.of(nobodys, run)
                        .anyMatch(identity -> entry.subject().contains(identity.leaseName())))
                .toList();
        assertThat(audit).hasSize(2);
        assertThat(audit.get(0).why()).isEqualTo(Intervention.UNNAMED);
        assertThat(audit.get(0).holder()).contains(lease.owner().value());
        assertThat(audit.get(1).why()).isEqualTo(new Intervention("bob", "to be sure"));
        assertThat(audit.get(1).holder()).isEmpty();
        assertThat(get(admin(store()).audit(1))).hasSize(1);
    }

    static final Intervention ANN = new Intervention("ann", "deploy 7");
    private static final Intervention BOB = new Intervention("bob", "the goods came back");

    private static Acquisition.Paused paused(Acquisition answer) {
        return assertThat(answer).asInstanceOf(type(Acquisition.Paused.class)).actual();
    }

    @Test
    void what_is_over_runs_again_when_a_person_says_so() {
        for (JobIdentity identity : List.of(freshRun(), freshPair())) {
            assertThat(get(admin(store()).runAgain(identity, ANN))).isFalse();
            for (Ending over : List.of(Ending.done(LONG), Ending.failed(LONG))) {
                Lease lease = granted(store(), identity);
                Intervention why = over.outcome() == OccurrenceOutcome.DONE ? ANN : BOB;
                assertThat(get(admin(otherClient()).runAgain(identity, why))).isFalse();
                assertThat(get(store().release(lease, over))).isTrue();
                assertThat(acquire(otherClient(), identity)).isInstanceOf(Acquisition.Done.class);
                assertThat(get(admin(otherClient()).runAgain(identity, why))).isTrue();
                assertThat(get(admin(store()).runAgain(identity, why))).isFalse();
            }
            granted(otherClient(), identity);
            assertThat(get(admin(store()).audit(1000)))
                    .filteredOn(entry -> entry.subject().equals("run " + identity.runKey()))
                    .extracting(AuditEntry::action, AuditEntry::why)
                    .containsExactly(tuple(AuditEntry.RUN_AGAIN, BOB), tuple(AuditEntry.RUN_AGAIN, ANN));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> admin(store()).runAgain(freshLock(), ANN));
    }

    @Test
    void a_paused_key_is_granted_to_nobody_until_it_is_resumed_and_the_audit_says_who_did_it() {
        for (JobIdentity identity : List.of(freshLock(), freshRun(), freshPair())) {
            assertThat(get(admin(store()).paused(identity))).isEmpty();
            get(admin(store()).pause(identity, LONG, ANN));
            for (LeaseStore client : List.of(store(), otherClient())) {
                KeyPause pause = paused(acquire(client, identity)).pause();
                assertThat(pause.why()).isEqualTo(ANN);
                assertThat(pause.left()).isBetween(LONG.dividedBy(2), LONG);
                assertThat(get(admin(client).paused(identity)).orElseThrow().why())
                        .isEqualTo(ANN);
            }
            Intervention bob = new Intervention("bob", "all is well");
            assertThat(get(admin(otherClient()).resume(identity, bob))).isTrue();
            assertThat(get(admin(otherClient()).resume(identity, bob))).isFalse();
            granted(store(), identity);
            List<AuditEntry> audit = get(admin(store()).audit(1000)).stream()
                    .filter(entry -> entry.subject().contains(identity.leaseName()))
                    .toList();
            assertThat(audit)
                    .extracting(AuditEntry::action, AuditEntry::why)
                    .containsExactly(tuple(AuditEntry.RESUME, bob), tuple(AuditEntry.PAUSE, ANN));
        }
    }

    @Test
    void paused_keys_are_listed_with_who_and_why_and_resumed_as_they_are_listed() {
        String odd = "odd key é " + OwnerId.random() + " " + "x".repeat(150);
        for (JobIdentity identity : List.of(freshPair(), freshRun(), new JobIdentity(new LockKey(odd), null))) {
            // Other tests pause keys at the same time.
            Intervention why = new Intervention("ann", "deploy " + OwnerId.random());
            get(admin(store()).pause(identity, LONG, why));
            PausedKey listed = pausedFor(why).orElseThrow();
            if (identity.leaseName().length() < 100) {
                assertThat(listed.name()).isEqualTo(identity.leaseName());
            }
            assertThat(listed.onRunKey()).isEqualTo(identity.lockKey() == null);
            assertThat(listed.pause().left()).isBetween(LONG.dividedBy(2), LONG);
            assertThat(get(admin(otherClient()).pauses(0))).isEmpty();

            assertThat(get(admin(otherClient()).resume(listed, BOB))).isTrue();
            assertThat(get(admin(store()).resume(listed, BOB))).isFalse();
            granted(store(), identity);
            assertThat(pausedFor(why)).isEmpty();
            String subject = (listed.onRunKey() ? "run " : "lock ") + listed.name();
            assertThat(get(admin(store()).audit(1000)))
                    .filteredOn(entry ->
                            entry.subject().equals(subject) && entry.action().equals(AuditEntry.RESUME))
                    .extracting(AuditEntry::why)
                    .containsExactly(BOB);
        }
    }

    private Optional<PausedKey> pausedFor(Intervention why) {
        return get(admin(otherClient()).pauses(10_000)).stream()
                .filter(key -> key.pause().why().equals(why))
                .findFirst();
    }

    @Test
    void who_holds_a_key_that_is_paused_goes_on_and_whoever_asks_is_told_of_him() {
        LeaseRequest request = request(freshPair(), LONG);
        Lease lease = granted(store(), request);
        get(admin(otherClient()).pause(request.identity(), LONG, ANN));

        assertThat(renew(store(), lease)).isEqualTo(new Renewal.Renewed(false));
        assertThat(granted(otherClient(), request).token()).isEqualTo(lease.token());
        assertHolder(held(acquire(otherClient(), request.identity())).holder(), lease);
        assertThat(get(store().release(lease, Ending.done(RETENTION)))).isTrue();
        done(acquire(otherClient(), request.identity()));
        paused(acquire(otherClient(), nextRun(request.identity())));
    }

    /** So a run that hangs is stopped, while no other one starts. */
    @Test
    void a_paused_key_whose_lease_is_taken_away_is_granted_to_nobody_until_it_is_resumed() {
        for (JobIdentity identity : List.of(freshLock(), freshRun(), freshPair())) {
            Lease lease = granted(store(), identity, LONG);
            get(admin(otherClient()).pause(identity, LONG, ANN));
            assertHolder(get(admin(otherClient()).forceRelease(identity)).orElseThrow(), lease);
            assertThat(renew(store(), lease)).isEqualTo(new Renewal.Gone(null));
            paused(acquire(otherClient(), identity));
            assertThat(get(admin(store()).resume(identity, ANN))).isTrue();
            granted(otherClient(), identity);
        }
    }

    @Test
    void the_slots_of_a_key_are_paused_with_it() {
        List<JobIdentity> slots = freshSlots(2);
        get(admin(store()).pause(slots.get(0), LONG, ANN));
        for (JobIdentity slot : slots) {
            paused(acquire(otherClient(), slot));
        }
        paused(acquire(otherClient(), new JobIdentity(slots.get(0).lockKey(), null)));
        assertThat(get(admin(store()).resume(new JobIdentity(slots.get(0).lockKey(), null), ANN)))
                .isTrue();
        slots.forEach(slot -> granted(store(), slot));
    }

    @Test
    void a_pause_ends_when_its_time_is_over_and_another_one_takes_its_place() {
        JobIdentity identity = freshPair();
        Intervention bob = new Intervention("bob", "not yet");
        get(admin(store()).pause(identity, LONG, ANN));
        get(admin(otherClient()).pause(identity, shortTtl(), bob));
        assertThat(get(admin(store()).paused(identity)).map(KeyPause::why)).isIn(Optional.of(bob), Optional.empty());
        letLapse(shortTtl());
        assertThat(get(admin(store()).paused(identity))).isEmpty();
        granted(store(), identity);
        get(admin(store()).pause(identity, LONGEST, ANN));
        assertThat(get(admin(store()).paused(identity))).isPresent();
    }

    @Test
    void how_runs_of_a_job_ended_is_kept_the_last_first() {
        String job = "job é " + OwnerId.random();
        JobIdentity identity = freshPair();
        Lease broken = granted(store(), identity);
        get(store().release(broken, Ending.NOT_DONE.inHistoryOf(job)));
        Lease done = granted(otherClient(), identity);
        get(otherClient().release(done, Ending.done(RETENTION).inHistoryOf(job)));
        get(otherClient().release(done, Ending.done(RETENTION).inHistoryOf(job)));
        Lease failed = granted(store(), freshRun());
        get(store().release(failed, Ending.failed(RETENTION).inHistoryOf(job)));
        get(store().release(granted(store(), freshPair()), Ending.done(RETENTION)));

        List<PastRun> runs = get(admin(otherClient()).history(job, 10));
        assertThat(runs)
                .extracting(PastRun::owner, PastRun::token, PastRun::outcome)
                .containsExactly(
                        tuple(failed.owner(), failed.token(), OccurrenceOutcome.FAILED),
                        tuple(done.owner(), done.token(), OccurrenceOutcome.DONE),
                        tuple(broken.owner(), broken.token(), null));
        PastRun last = runs.get(0);
        assertThat(last.worker()).isEqualTo(WORKER);
        assertThat(last.run()).isEqualTo(failed.identity().leaseName());
        assertThat(last.since()).isCloseTo(failed.since(), within(1, ChronoUnit.SECONDS));
        assertThat(last.took()).isBetween(Duration.ZERO, LONG);
        assertThat(get(admin(store()).history(job, 1))).containsExactly(last);
        assertThat(get(admin(store()).history("another " + job, 10))).isEmpty();
    }

    @Test
    void a_run_that_has_lost_its_lease_is_not_in_the_history() {
        String job = "job " + OwnerId.random();
        Lease lost = granted(store(), freshPair());
        get(admin(otherClient()).forceRelease(lost.identity()));
        assertThat(get(store().release(lost, Ending.done(RETENTION).inHistoryOf(job))))
                .isFalse();
        assertThat(get(admin(store()).history(job, 10))).isEmpty();
    }

    @Test
    void a_history_keeps_the_last_hundred_runs() {
        String job = "job " + OwnerId.random();
        JobIdentity identity = freshLock();
        Lease last = granted(store(), identity);
        for (int n = 0; n < 110; n++) {
            get(store().release(last, Ending.NOT_DONE.inHistoryOf(job)));
            last = granted(store(), identity);
        }
        assertThat(get(admin(store()).history(job, 1000)))
                .hasSize(LeaseAdmin.HISTORY_LENGTH)
                .extracting(PastRun::owner)
                .doesNotHaveDuplicates()
                .doesNotContain(last.owner());
    }

    @Test
    void servers_say_how_they_are() {
        granted(store(), freshLock());
        List<ServerHealth> servers = get(admin(store()).servers());
        assertThat(servers).isNotEmpty().allSatisfy(server -> {
            assertThat(server.server()).isNotBlank();
            assertThat(server.detail()).isNotBlank();
        });
    }

    @Test
    void whoever_waits_is_woken_by_a_release_of_another_client() {
        assertWakes((holder, lease) -> holder.release(lease, Ending.NOT_DONE));
    }

    @Test
    void whoever_waits_is_woken_by_a_completion_of_another_client() {
        assertWakes((holder, lease) -> holder.release(lease, Ending.done(RETENTION)));
    }

    @Test
    void whoever_waits_is_woken_by_a_forced_release() {
        assertWakes((holder, lease) -> admin(holder).forceRelease(lease.identity()));
    }

    @Test
    void waiting_ends_after_the_given_time_at_the_latest() {
        JobIdentity identity = freshPair();
        granted(store(), identity);
        held(get(otherClient().acquire(waiting(identity))));
        CompletionStage<Void> chance = otherClient().nextChance(identity, shortTtl());

        letLapse(shortTtl());
        get(chance);
        assertThat(holder(store(), identity)).isPresent();
    }

    @Test
    void waiting_can_be_cancelled_without_harm() {
        JobIdentity identity = freshPair();
        Lease lease = granted(store(), identity);
        CompletableFuture<Void> chance =
                otherClient().nextChance(identity, LONG).toCompletableFuture();

        assertThat(chance.cancel(true)).isTrue();
        assertThat(get(store().release(lease, Ending.NOT_DONE))).isTrue();
        granted(otherClient(), identity);
    }

    @ParameterizedTest
    @MethodSource("oddTexts")
    void odd_keys_work_like_any_other(String text) {
        JobIdentity lock = new JobIdentity(new LockKey(text), null);
        Lease lease = granted(store(), lock);
        assertHolder(held(acquire(otherClient(), lock)).holder(), lease);
        assertThat(get(store().renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        assertThat(get(store().release(lease, Ending.NOT_DONE))).isTrue();

        JobIdentity pair = new JobIdentity(lock.lockKey(), new RunKey(text));
        assertThat(get(store().release(granted(store(), pair), Ending.done(RETENTION))))
                .isTrue();
        assertThat(acquire(otherClient(), pair)).isInstanceOf(Acquisition.Done.class);
        granted(otherClient(), lock);
    }

    @Test
    void long_keys_that_differ_only_at_their_end_are_different_keys() {
        String start = OwnerId.random() + "x".repeat(400);
        Lease one = granted(store(), new JobIdentity(new LockKey(start + "1"), new RunKey(start + "1")));
        granted(store(), new JobIdentity(new LockKey(start + "2"), new RunKey(start + "2")));

        get(store().release(one, Ending.done(RETENTION)));
        granted(otherClient(), new JobIdentity(new LockKey(start + "1"), new RunKey(start + "3")));
    }

    @Test
    void the_time_to_an_answer_is_bounded() {
        assertThat(store().answerTimeout()).isPositive().isLessThan(LONG);
    }

    /** Fresh identities with a run key: alone, and with a lock key. */
    static Stream<JobIdentity> identitiesWithARun() {
        return Stream.of(freshRun(), freshPair());
    }

    /** Texts that are allowed in keys and easy to get wrong, made unique. */
    static Stream<String> oddTexts() {
        String unique = OwnerId.random().value();
        String filler = "ü".repeat((512 - unique.length()) / 2);
        return Stream.of(
                unique + " Grüße 日本語 🔒",
                "{" + unique + "}",
                "{}" + unique,
                unique + "}{",
                "a:b::" + unique + ":",
                " spaces  inside " + unique,
                unique + " *?[a-z]\\ '\" %s %n $1 ;--",
                unique + filler);
    }

    private static Acquisition.Held held(Acquisition answer) {
        return assertThat(answer).asInstanceOf(type(Acquisition.Held.class)).actual();
    }

    private static Acquisition.Done done(Acquisition answer) {
        return assertThat(answer).asInstanceOf(type(Acquisition.Done.class)).actual();
    }

    private static Renewal renew(LeaseStore store, Lease lease) {
        List<Renewal> answers = get(store.renew(List.of(lease)));
        assertThat(answers).hasSize(1);
        return answers.get(0);
    }

    private static Consumer<Renewal> goneTo(Lease successor) {
        return answer -> {
            Renewal.Gone gone =
                    assertThat(answer).asInstanceOf(type(Renewal.Gone.class)).actual();
            assertHolder(gone.heldBy().orElseThrow(), successor);
        };
    }

    /** A store may keep only a digest of the run key; everything else has to be right. */
    private static void assertHolder(Holder holder, Lease lease) {
        assertThat(holder.owner()).isEqualTo(lease.owner());
        assertThat(holder.token()).isEqualTo(lease.token());
        assertThat(holder.worker()).isEqualTo(lease.worker());
        assertThat(holder.run())
                .isIn("", lease.identity().run().map(RunKey::value).orElse(""));
        assertThat(holder.since()).isCloseTo(lease.since(), within(1, ChronoUnit.SECONDS));
    }

    private static void assertGrowing(List<FencingToken> tokens) {
        assertThat(tokens).isNotEmpty().isSorted().doesNotHaveDuplicates();
    }

    private void assertWakes(BiFunction<LeaseStore, Lease, CompletionStage<?>> freeing) {
        JobIdentity identity = freshPair();
        Lease lease = granted(store(), identity);
        held(get(otherClient().acquire(waiting(identity))));
        CompletionStage<Void> chance = otherClient().nextChance(identity, LONG);

        get(freeing.apply(store(), lease));
        get(chance);
    }

    /** Runs the same call on many threads that start at the same moment. */
    private static <T> List<T> concurrently(int threads, IntFunction<T> call) {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        CountDownLatch start = new CountDownLatch(1);
        try {
            List<CompletableFuture<T>> calls = IntStream.range(0, threads)
                    .mapToObj(thread -> CompletableFuture.supplyAsync(
                            () -> {
                                awaitStart(start);
                                return call.apply(thread);
                            },
                            pool))
                    .toList();
            start.countDown();
            return calls.stream().map(LeaseAttempts::get).toList();
        } finally {
            pool.shutdownNow();
        }
    }

    private static void awaitStart(CountDownLatch start) {
        try {
            assertThat(start.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted before the start", e);
        }
    }

    // Reservations, for stores that have them.

    private static Reservations reservations(LeaseStore store) {
        Optional<Reservations> reservations = store.reservations();
        Assumptions.assumeTrue(reservations.isPresent(), "this store has no reservations");
        return reservations.orElseThrow();
    }

    private static ReservationRequest place(String name, String holder, int places, Duration time) {
        return new ReservationRequest(name, holder, places, time);
    }

    /** A place that is taken is refused, and says who has it and for how long. */
    @Test
    public void a_place_is_kept_for_one_holder_whichever_client_asks() {
        String name = "place-" + OwnerId.random();
        assertThat(get(reservations(store()).reserve(place(name, "a b", 1, LONG))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(get(reservations(otherClient()).reserve(place(name, "c", 1, LONG))))
                .isInstanceOfSatisfying(Reservation.Full.class, full -> {
                    assertThat(full.first()).isEqualTo("a b");
                    assertThat(full.left()).isBetween(LONG.dividedBy(2), LONG);
                });
        assertThat(get(reservations(otherClient()).holders(name))).containsExactly("a b");
    }

    /** Asking again keeps the place. */
    @Test
    public void whoever_has_a_place_keeps_it_by_asking_again() {
        String name = "place-" + OwnerId.random();
        assertThat(get(reservations(store()).reserve(place(name, "a", 1, shortTtl()))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(get(reservations(store()).reserve(place(name, "a", 1, LONG))))
                .isInstanceOf(Reservation.Made.class);
        letLapse(shortTtl());
        assertThat(get(reservations(store()).reserve(place(name, "b", 1, LONG))))
                .isInstanceOf(Reservation.Full.class);
    }

    /** To keep a place prolongs it, whichever client says so. */
    @Test
    public void a_place_that_is_kept_is_prolonged() {
        ShortTtl.with(shortTtl(), time -> {
            String name = "place-" + OwnerId.random();
            long began = System.nanoTime();
            assertThat(get(reservations(store()).reserve(place(name, "a", 1, time))))
                    .isInstanceOf(Reservation.Made.class);
            ShortTtl.before(
                    time,
                    began,
                    () -> assertThat(get(reservations(otherClient()).keep(name, "a", LONG)))
                            .isTrue());
            letLapse(time);
            assertThat(get(reservations(store()).reserve(place(name, "b", 1, LONG))))
                    .isInstanceOf(Reservation.Full.class);
        });
    }

    /** To keep a place makes none, so it may be carried out when the place has been given up. */
    @Test
    public void a_place_is_kept_only_for_a_holder_that_has_one() {
        String name = "place-" + OwnerId.random();
        assertThat(get(reservations(store()).keep(name, "a", LONG))).isFalse();
        assertThat(get(reservations(store()).holders(name))).isEmpty();
        assertThat(get(reservations(store()).reserve(place(name, "a", 1, LONG))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(get(reservations(store()).giveUp(name, "a"))).isTrue();
        assertThat(get(reservations(store()).keep(name, "a", LONG))).isFalse();
        assertThat(get(reservations(store()).reserve(place(name, "b", 1, LONG))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(get(reservations(otherClient()).keep(name, "a", LONG))).isFalse();
        assertThat(get(reservations(otherClient()).holders(name))).containsExactly("b");
    }

    /** A call that is carried out late may be for a shorter time than a later one. */
    @Test
    public void a_place_that_is_kept_for_a_shorter_time_is_not_shortened() {
        String name = "place-" + OwnerId.random();
        assertThat(get(reservations(store()).reserve(place(name, "a", 1, LONG))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(get(reservations(store()).keep(name, "a", shortTtl()))).isTrue();
        assertThat(get(reservations(otherClient()).reserve(place(name, "a", 1, shortTtl()))))
                .isInstanceOf(Reservation.Made.class);
        letLapse(shortTtl());
        assertThat(get(reservations(otherClient()).reserve(place(name, "b", 1, LONG))))
                .isInstanceOf(Reservation.Full.class);
    }

    /** There are as many places as asked for. */
    @Test
    public void there_are_as_many_places_as_asked_for_and_the_next_is_free_when_the_first_time_is_over() {
        ShortTtl.with(shortTtl(), time -> {
            String name = "place-" + OwnerId.random();
            assertThat(get(reservations(store()).reserve(place(name, "long", 2, LONG))))
                    .isInstanceOf(Reservation.Made.class);
            long began = System.nanoTime();
            assertThat(get(reservations(store()).reserve(place(name, "short", 2, time))))
                    .isInstanceOf(Reservation.Made.class);
            ShortTtl.before(
                    time,
                    began,
                    () -> assertThat(get(reservations(store()).reserve(place(name, "late", 2, LONG))))
                            .isInstanceOfSatisfying(
                                    Reservation.Full.class,
                                    full -> assertThat(full.first()).isEqualTo("short")));
            letLapse(time);
            assertThat(get(reservations(store()).holders(name))).containsExactly("long");
            assertThat(get(reservations(store()).reserve(place(name, "late", 2, LONG))))
                    .isInstanceOf(Reservation.Made.class);
            assertThat(get(reservations(store()).holders(name))).containsExactly("long", "late");
        });
    }

    /** A place that is given up is free at once, but only its holder can give it up. */
    @Test
    public void a_place_can_be_given_up_by_its_holder_only() {
        String name = "place-" + OwnerId.random();
        assertThat(get(reservations(store()).reserve(place(name, "a", 1, LONG))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(get(reservations(otherClient()).giveUp(name, "b"))).isFalse();
        assertThat(get(reservations(otherClient()).reserve(place(name, "b", 1, LONG))))
                .isInstanceOf(Reservation.Full.class);
        assertThat(get(reservations(otherClient()).giveUp(name, "a"))).isTrue();
        assertThat(get(reservations(store()).giveUp(name, "a"))).isFalse();
        assertThat(get(reservations(otherClient()).reserve(place(name, "b", 1, LONG))))
                .isInstanceOf(Reservation.Made.class);
    }

    /** The length of a place is its own, whatever others ask for. */
    @Test
    public void whoever_asks_for_a_shorter_time_shortens_nobodys_place() {
        String name = "place-" + OwnerId.random();
        assertThat(get(reservations(store()).reserve(place(name, "long", 1, LONG))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(get(reservations(otherClient()).reserve(place(name, "short", 1, shortTtl()))))
                .isInstanceOfSatisfying(Reservation.Full.class, full -> {
                    assertThat(full.first()).isEqualTo("long");
                    assertThat(full.left()).isBetween(LONG.dividedBy(2), LONG);
                });
        letLapse(shortTtl());
        assertThat(get(reservations(otherClient()).reserve(place(name, "short", 1, shortTtl()))))
                .isInstanceOf(Reservation.Full.class);
        assertThat(get(reservations(store()).holders(name))).containsExactly("long");
    }

    /** Reservations and leases of the same name have nothing to do with each other. */
    @Test
    public void a_reservation_is_no_lease() {
        JobIdentity lock = freshLock();
        assertThat(get(reservations(store()).reserve(place(lock.leaseName(), "a", 1, LONG))))
                .isInstanceOf(Reservation.Made.class);
        assertThat(acquire(store(), lock)).isInstanceOf(Acquisition.Granted.class);
    }
}
