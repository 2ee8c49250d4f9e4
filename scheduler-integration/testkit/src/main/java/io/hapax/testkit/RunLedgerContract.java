package io.hapax.testkit;

import static io.hapax.testkit.LeaseAttempts.LONG;
import static io.hapax.testkit.LeaseAttempts.WORKER;
import static io.hapax.testkit.LeaseAttempts.freshLock;
import static io.hapax.testkit.LeaseAttempts.freshPair;
import static io.hapax.testkit.LeaseAttempts.freshRun;
import static io.hapax.testkit.LeaseAttempts.get;
import static io.hapax.testkit.LeaseAttempts.nextRun;
import static io.hapax.testkit.LeaseAttempts.ownedBy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import io.hapax.lease.FencingToken;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AuditEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every {@link RunLedger} has to do. A ledger passes if a subclass of this one passes, for each configuration of
 * the ledger. Every test uses fresh keys, so the database may be shared; only {@link #freshNamespace()} must not be.
 */
public abstract class RunLedgerContract extends LedgerLimitContract {

    /** The longest that is allowed. */
    private static final Duration LONGEST = Duration.ofDays(36_500);

    private static final Duration RETENTION = Duration.ofMinutes(1);
    private static final int MANY = 32;

    /** For subclasses. */
    protected RunLedgerContract() {}

    /**
     * Returns the ledger under test.
     *
     * @return the same one throughout a test
     */
    @Override
    protected abstract RunLedger ledger();

    /**
     * Returns another client of the same ledger, as another replica has one.
     *
     * @return the same one throughout a test
     */
    @Override
    protected abstract RunLedger otherClient();

    /**
     * Returns a client of a namespace in which nobody has agreed on anything yet. The subclass closes it.
     *
     * @return a client; each call another namespace
     */
    protected abstract RunLedger freshNamespace();

    /**
     * Completes a run by {@link RunLedger#completeIn} in a transaction that has nothing else in it, and ends the
     * transaction as the answer says.
     *
     * @param client of the ledger
     * @param claim the run's claim
     * @return the answer
     */
    protected abstract Completion completeInTransaction(RunLedger client, Lease claim);

    /**
     * Lets time pass until a deadline that was set just now has passed.
     *
     * @param ttl how far ahead the deadline was set
     */
    @Override
    protected abstract void letPass(Duration ttl);

    /**
     * Returns a ttl that is short, and yet longer than several requests take.
     *
     * @return the ttl
     */
    @Override
    protected Duration shortTtl() {
        return Duration.ofMillis(300);
    }

    @Test
    void the_longest_retention_is_kept() {
        JobIdentity identity = freshPair();
        ClaimRequest request = new ClaimRequest(identity, OwnerId.random(), "w", LONGEST, AfterCrash.RERUN, LONGEST);
        assertThat(get(ledger().complete(claimed(ledger(), request).lease()))).isEqualTo(Completion.NOTED);
        assertThat(claim(otherClient(), identity)).isInstanceOf(Claim.Done.class);
    }

    @ParameterizedTest
    @MethodSource("identities")
    void a_first_claim_is_granted_with_what_was_asked_for(JobIdentity identity) {
        ClaimRequest request = request(identity);
        Claim.Claimed claimed = claimed(ledger(), request);

        assertThat(claimed.attempt()).isEqualTo(1);
        assertThat(claimed.lease().identity()).isEqualTo(identity);
        assertThat(claimed.lease().owner()).isEqualTo(request.owner());
        assertThat(claimed.lease().worker()).isEqualTo(WORKER);
        assertThat(claimed.lease().ttl()).isEqualTo(LONG);
    }

    @ParameterizedTest
    @MethodSource("identities")
    void asking_again_with_the_same_owner_gives_the_same_claim(JobIdentity identity) {
        ClaimRequest request = request(identity);
        Claim.Claimed first = claimed(ledger(), request);

        assertThat(claimed(otherClient(), request)).isEqualTo(first);
    }

    @ParameterizedTest
    @MethodSource("identities")
    void whoever_is_refused_is_told_who_holds_it_and_for_how_long(JobIdentity identity) {
        Lease holder = claimed(ledger(), identity);

        Claim.Held held = held(claim(otherClient(), identity));
        assertThat(held.holder().owner()).isEqualTo(holder.owner());
        assertThat(held.holder().token()).isEqualTo(holder.token());
        assertThat(held.holder().worker()).isEqualTo(WORKER);
        assertThat(held.holder().since()).isEqualTo(holder.since());
        assertThat(held.sameRun()).isEqualTo(identity.runKey() != null);
        assertThat(held.ttlLeft()).isPositive().isLessThanOrEqualTo(LONG);
    }

    @Test
    void another_occurrence_of_the_same_lock_key_is_refused_as_another_run() {
        JobIdentity identity = freshPair();
        Lease holder = claimed(ledger(), identity);

        Claim.Held held = held(claim(otherClient(), nextRun(identity)));
        assertThat(held.sameRun()).isFalse();
        assertThat(held.holder().owner()).isEqualTo(holder.owner());
        held(claim(otherClient(), new JobIdentity(identity.lockKey(), null)));
        get(ledger().complete(holder));
        claimed(otherClient(), nextRun(identity));
    }

    @Test
    void a_lock_key_and_a_run_key_of_the_same_text_do_not_collide() {
        String text = OwnerId.random().value();
        claimed(ledger(), new JobIdentity(new LockKey(text), null));
        claimed(ledger(), new JobIdentity(null, new RunKey(text)));
    }

    @ParameterizedTest
    @MethodSource("oddTexts")
    void odd_and_long_keys_work_like_any_other(String text) {
        JobIdentity identity = new JobIdentity(new LockKey(text), new RunKey(text));
        Lease lease = claimed(ledger(), identity);
        assertThat(get(ledger().renew(List.of(lease)))).containsExactly(new Renewal.Renewed(false));
        assertThat(get(ledger().complete(lease))).isEqualTo(Completion.NOTED);
        assertThat(claim(otherClient(), identity)).isInstanceOf(Claim.Done.class);
    }

    @ParameterizedTest
    @MethodSource("identitiesWithARun")
    void a_completed_occurrence_is_never_claimed_again(JobIdentity identity) {
        Lease lease = claimed(ledger(), identity);
        assertThat(get(ledger().complete(lease))).isEqualTo(Completion.NOTED);

        Claim.Done done = assertThat(claim(otherClient(), identity))
                .asInstanceOf(type(Claim.Done.class))
                .actual();
        assertThat(done.by().owner()).isEqualTo(lease.owner());
        assertThat(done.by().token()).isEqualTo(lease.token());
        assertThat(get(otherClient().complete(lease))).isEqualTo(Completion.NOTED);
    }

    @ParameterizedTest
    @MethodSource("identitiesWithARun")
    void a_late_repetition_of_a_claim_revives_nothing(JobIdentity identity) {
        ClaimRequest request = request(identity);
        Lease lease = claimed(ledger(), request).lease();
        get(ledger().release(lease, RunState.FAILED));
        claimNever(request);
        Lease next = claimed(otherClient(), identity);
        claimNever(request);
        get(otherClient().complete(next));
        claimNever(request);

        assertThat(entry(identity).state()).isEqualTo(RunState.DONE);
        assertThat(entry(identity).owner()).isEqualTo(next.owner());
    }

    @Test
    void a_lock_key_without_a_run_key_is_claimed_again_and_again() {
        JobIdentity identity = freshLock();
        ClaimRequest first = request(identity);
        get(ledger().complete(claimed(ledger(), first).lease()));
        claimNever(first);

        Lease second = claimed(otherClient(), identity);
        claimNever(first);
        assertThat(get(otherClient().complete(second))).isEqualTo(Completion.NOTED);
    }

    @ParameterizedTest
    @EnumSource(
            value = RunState.class,
            names = {"FAILED", "RELEASED", "LOST"})
    void an_occurrence_that_was_not_completed_is_claimed_again_as_the_next_attempt(RunState state) {
        JobIdentity identity = freshPair();
        Lease first = claimed(ledger(), identity);
        assertThat(get(ledger().release(first, state))).isEqualTo(Completion.NOTED);
        assertThat(get(ledger().release(first, state))).isEqualTo(Completion.NOTED);
        assertThat(entry(identity).state()).isEqualTo(state);
        assertThat(entry(identity).finished()).isNotNull();

        Claim.Claimed second = claimed(otherClient(), request(identity));
        assertThat(second.attempt()).isEqualTo(2);
        assertThat(second.lease().token()).isGreaterThan(first.token());
        assertThat(get(ledger().complete(first))).isEqualTo(Completion.SUPERSEDED);
        assertThat(entry(identity).state()).isEqualTo(RunState.RUNNING);
    }

    @ParameterizedTest
    @MethodSource("identitiesWithARun")
    void an_occurrence_that_failed_for_good_is_over_and_says_so(JobIdentity identity) {
        ClaimRequest request = request(identity);
        Lease lease = claimed(ledger(), request).lease();
        assertThat(get(ledger().release(lease, RunState.FAILED_FOR_GOOD))).isEqualTo(Completion.NOTED);
        assertThat(get(ledger().release(lease, RunState.FAILED_FOR_GOOD))).isEqualTo(Completion.NOTED);
        assertThat(entry(identity).state()).isEqualTo(RunState.FAILED_FOR_GOOD);

        for (Claim answer : List.of(claim(otherClient(), identity), get(ledger().claim(request)))) {
            assertThat(answer).isInstanceOfSatisfying(Claim.Done.class, over -> {
                assertThat(over.outcome()).isEqualTo(OccurrenceOutcome.FAILED);
                assertThat(over.by().owner()).isEqualTo(lease.owner());
            });
        }
        assertThat(get(ledger().complete(lease))).isEqualTo(Completion.SUPERSEDED);
        assertThat(get(ledger().release(lease, RunState.FAILED))).isEqualTo(Completion.SUPERSEDED);
        assertThat(entry(identity).state()).isEqualTo(RunState.FAILED_FOR_GOOD);
    }

    @Test
    void a_run_that_ended_otherwise_cannot_complete() {
        JobIdentity identity = freshPair();
        Lease lease = claimed(ledger(), identity);
        get(ledger().release(lease, RunState.LOST));

        assertThat(get(ledger().complete(lease))).isEqualTo(Completion.SUPERSEDED);
        assertThat(completeInTransaction(ledger(), lease)).isEqualTo(Completion.SUPERSEDED);
        assertThat(entry(identity).state()).isEqualTo(RunState.LOST);
    }

    @Test
    void a_completed_run_cannot_be_released() {
        JobIdentity identity = freshPair();
        Lease lease = claimed(ledger(), identity);
        get(ledger().complete(lease));

        assertThat(get(ledger().release(lease, RunState.FAILED))).isEqualTo(Completion.SUPERSEDED);
        assertThat(claim(ledger(), identity)).isInstanceOf(Claim.Done.class);
    }

    @Test
    void whoever_is_not_the_owner_or_has_another_token_changes_nothing() {
        JobIdentity identity = freshPair();
        get(ledger().release(claimed(ledger(), identity), RunState.FAILED));
        Lease lease = claimed(ledger(), identity);
        Lease other = ownedBy(OwnerId.random(), lease);
        Lease older = withToken(lease, lease.token().value() - 1);
        Lease newer = withToken(lease, lease.token().value() + 1);

        for (Lease stranger : List.of(other, older, newer)) {
            assertThat(get(ledger().complete(stranger))).isEqualTo(Completion.SUPERSEDED);
            assertThat(get(ledger().release(stranger, RunState.FAILED))).isEqualTo(Completion.SUPERSEDED);
            assertThat(completeInTransaction(ledger(), stranger)).isEqualTo(Completion.SUPERSEDED);
            assertThat(renew(ledger(), stranger)).isInstanceOf(Renewal.Gone.class);
        }
        assertThat(entry(identity).state()).isEqualTo(RunState.RUNNING);
        assertThat(get(ledger().complete(lease))).isEqualTo(Completion.NOTED);
    }

    @Test
    void a_run_that_nobody_claimed_cannot_be_completed() {
        Lease lease = claimed(ledger(), freshPair());
        Lease unknown = new Lease(freshPair(), lease.owner(), lease.token(), WORKER, LONG, lease.since());
        assertThat(get(ledger().complete(unknown))).isEqualTo(Completion.SUPERSEDED);
        assertThat(get(ledger().entry(unknown.identity()))).isEmpty();
    }

    @Test
    void a_completion_in_a_transaction_is_noted_once_and_for_all() {
        JobIdentity identity = freshPair();
        Lease lease = claimed(ledger(), identity);

        assertThat(completeInTransaction(ledger(), lease)).isEqualTo(Completion.NOTED);
        assertThat(claim(otherClient(), identity)).isInstanceOf(Claim.Done.class);
        assertThat(get(ledger().complete(lease))).isEqualTo(Completion.NOTED);
        assertThat(completeInTransaction(ledger(), lease))
                .as("a transaction repeated after a lost answer to its commit would write its effects twice")
                .isEqualTo(Completion.SUPERSEDED);
        claimed(otherClient(), nextRun(identity));
    }

    @ParameterizedTest
    @MethodSource("identities")
    void a_run_past_its_deadline_is_taken_over_with_a_higher_token_and_cannot_complete(JobIdentity identity) {
        Lease sleeper = claimed(ledger(), request(identity, shortTtl(), AfterCrash.RERUN))
                .lease();
        letPass(shortTtl());
        Claim.Claimed taker = claimed(otherClient(), request(identity));

        assertThat(taker.attempt()).isEqualTo(2);
        assertThat(taker.lease().token()).isGreaterThan(sleeper.token());
        assertThat(get(ledger().complete(sleeper))).isEqualTo(Completion.SUPERSEDED);
        assertThat(completeInTransaction(ledger(), sleeper)).isEqualTo(Completion.SUPERSEDED);
        Renewal.Gone gone = assertThat(renew(ledger(), sleeper))
                .asInstanceOf(type(Renewal.Gone.class))
                .actual();
        assertThat(gone.heldBy().orElseThrow().owner()).isEqualTo(taker.lease().owner());
        assertThat(get(otherClient().complete(taker.lease()))).isEqualTo(Completion.NOTED);
    }

    @Test
    void a_lock_key_whose_holder_is_past_its_deadline_goes_to_another_occurrence() {
        JobIdentity identity = freshPair();
        Lease sleeper = claimed(ledger(), request(identity, shortTtl(), AfterCrash.RERUN))
                .lease();
        letPass(shortTtl());
        Lease taker = claimed(otherClient(), nextRun(identity));

        assertThat(taker.token()).isGreaterThan(sleeper.token());
        assertThat(entry(identity).state()).isEqualTo(RunState.LOST);
        assertThat(get(ledger().complete(sleeper))).isEqualTo(Completion.SUPERSEDED);
        assertThat(renew(ledger(), sleeper)).isInstanceOf(Renewal.Gone.class);
    }

    @Test
    void a_run_past_its_deadline_completes_if_nobody_took_it_over() {
        Lease slow = claimed(ledger(), request(freshPair(), shortTtl(), AfterCrash.RERUN))
                .lease();
        letPass(shortTtl());
        assertThat(get(ledger().complete(slow))).isEqualTo(Completion.NOTED);
    }

    @Test
    void a_run_past_its_deadline_lives_again_when_renewed_before_anybody_took_it_over() {
        ShortTtl.with(shortTtl(), ttl -> {
            JobIdentity identity = freshPair();
            Lease slow =
                    claimed(ledger(), request(identity, ttl, AfterCrash.RERUN)).lease();
            letPass(ttl);
            long renewed = System.nanoTime();
            assertThat(renew(ledger(), slow)).isEqualTo(new Renewal.Renewed(false));
            ShortTtl.before(ttl, renewed, () -> held(claim(otherClient(), identity)));
            assertThat(get(ledger().complete(slow))).isEqualTo(Completion.NOTED);
        });
    }

    @Test
    void a_renewed_run_lives_for_a_whole_ttl_from_the_renewal() {
        ShortTtl.with(shortTtl(), quarter -> {
            Duration ttl = quarter.multipliedBy(4);
            Duration more = quarter.multipliedBy(3);
            JobIdentity identity = freshPair();
            Lease lease =
                    claimed(ledger(), request(identity, ttl, AfterCrash.RERUN)).lease();
            assertThat(entry(identity).renewed()).isNull();

            letPass(more);
            long renewed = System.nanoTime();
            assertThat(renew(ledger(), lease)).isEqualTo(new Renewal.Renewed(false));
            assertThat(entry(identity).renewed()).isNotNull();
            letPass(more);
            ShortTtl.before(ttl, renewed, () -> held(claim(otherClient(), identity)));
            letPass(ttl);
            claimed(otherClient(), identity);
        });
    }

    @Test
    void a_batch_of_renewals_is_answered_in_order() {
        Lease first = claimed(ledger(), freshPair());
        Lease ended = claimed(ledger(), freshRun());
        Lease last = claimed(ledger(), freshLock());
        get(ledger().release(ended, RunState.FAILED));

        List<Renewal> answers = get(ledger().renew(List.of(first, ended, last)));
        assertThat(answers)
                .containsExactly(new Renewal.Renewed(false), new Renewal.Gone(null), new Renewal.Renewed(false));
        assertThat(get(ledger().renew(List.of()))).isEmpty();
    }

    @Test
    void three_hundred_runs_are_renewed_in_one_call() {
        List<Lease> leases = inFlight(IntStream.range(0, 300)
                        .mapToObj(i -> request(freshPair()))
                        .toList())
                .stream()
                .map(answer -> ((Claim.Claimed) answer).lease())
                .toList();
        assertThat(get(ledger().renew(leases))).hasSize(300).containsOnly(new Renewal.Renewed(false));
    }

    @ParameterizedTest
    @MethodSource("identitiesWithARun")
    void what_must_not_be_repeated_is_abandoned_after_a_crash_until_a_person_decides(JobIdentity identity) {
        Lease broken = begun(identity);
        letPass(broken.ttl());
        assertThat(abandoned(claim(otherClient(), identity)).by().owner()).isEqualTo(broken.owner());
        assertThat(entry(identity).state()).isEqualTo(RunState.ABANDONED);
        assertThat(get(ledger().complete(broken))).isEqualTo(Completion.SUPERSEDED);

        assertThat(get(otherClient().resolve(identity, RunState.RELEASED))).isTrue();
        assertThat(get(otherClient().resolve(identity, RunState.RELEASED))).isFalse();
        Lease again = claimed(otherClient(), identity);
        assertThat(get(otherClient().release(again, RunState.ABANDONED))).isEqualTo(Completion.NOTED);
        assertThat(get(otherClient().resolve(identity, RunState.DONE))).isTrue();
        assertThat(claim(ledger(), identity)).isInstanceOf(Claim.Done.class);
    }

    @ParameterizedTest
    @MethodSource("identitiesWithARun")
    void what_is_over_runs_again_when_a_person_says_so(JobIdentity identity) {
        Intervention why = new Intervention("ann", "the goods came back");
        assertThat(get(ledger().runAgain(identity, null, why))).isFalse();
        for (RunState over : List.of(RunState.DONE, RunState.FAILED_FOR_GOOD)) {
            Lease lease = claimed(ledger(), identity);
            assertThat(get(otherClient().runAgain(identity, null, why))).isFalse();
            assertThat(get(over == RunState.DONE ? ledger().complete(lease) : ledger().release(lease, over)))
                    .isEqualTo(Completion.NOTED);
            assertThat(claim(otherClient(), identity)).isInstanceOf(Claim.Done.class);
            FencingToken another = new FencingToken(lease.token().value() + 1);
            assertThat(get(otherClient().runAgain(identity, another, why))).isFalse();
            assertThat(get(otherClient().runAgain(identity, lease.token(), why)))
                    .isTrue();
            assertThat(get(otherClient().runAgain(identity, null, why))).isFalse();
        }
        assertThat(claimed(otherClient(), identity).identity()).isEqualTo(identity);
        assertThat(get(ledger().audit(1000)))
                .filteredOn(entry -> entry.subject().contains(String.valueOf(identity.runKey())))
                .extracting(AuditEntry::action, AuditEntry::why)
                .containsExactly(tuple(AuditEntry.RUN_AGAIN, why), tuple(AuditEntry.RUN_AGAIN, why));
    }

    @Test
    void whoever_decides_about_an_abandoned_run_is_kept_with_the_reason() {
        JobIdentity identity = freshPair();
        Lease lease = claimed(ledger(), identity);
        get(ledger().release(lease, RunState.ABANDONED));
        Intervention why = new Intervention("ann", "the bank's statement has the payment");
        FencingToken another = new FencingToken(lease.token().value() + 1);
        assertThat(get(otherClient().resolve(identity, another, RunState.DONE, why)))
                .isFalse();
        assertThat(get(otherClient().resolve(identity, lease.token(), RunState.DONE, why)))
                .isTrue();
        assertThat(get(otherClient().resolve(identity, null, RunState.RELEASED, new Intervention("bob", "too late"))))
                .isFalse();

        List<AuditEntry> audit = get(ledger().audit(1000)).stream()
                .filter(entry -> entry.subject().contains(String.valueOf(identity.runKey())))
                .toList();
        assertThat(audit).hasSize(1);
        assertThat(audit.get(0).action()).isEqualTo("RESOLVE_DONE");
        assertThat(audit.get(0).why()).isEqualTo(why);
        assertThat(audit.get(0).holder()).contains(lease.owner().value());
        assertThat(get(ledger().audit(1))).hasSize(1);
    }

    @Test
    void occurrences_are_found_by_state_text_and_age() {
        JobIdentity running = freshPair();
        JobIdentity abandoned = freshPair();
        JobIdentity done = freshRun();
        Lease first = claimed(ledger(), running);
        get(ledger().release(claimed(ledger(), abandoned), RunState.ABANDONED));
        get(ledger().complete(claimed(ledger(), done)));

        assertThat(found(LedgerQuery.in(1000, RunState.RUNNING)))
                .contains(running)
                .doesNotContain(abandoned, done);
        assertThat(found(LedgerQuery.in(1000, RunState.ABANDONED, RunState.DONE)))
                .contains(abandoned, done)
                .doesNotContain(running)
                .as("last started first")
                .containsSubsequence(done, abandoned);
        assertThat(found(query(String.valueOf(running.lockKey()), Duration.ZERO)))
                .containsExactly(running);
        String run = String.valueOf(done.runKey());
        assertThat(found(query(run.substring(4), Duration.ZERO))).containsExactly(done);
        assertThat(found(query(run + "%", Duration.ZERO))).isEmpty();
        assertThat(found(query("", Duration.ofHours(1)))).doesNotContain(running, abandoned, done);
        assertThat(get(otherClient().entries(LedgerQuery.in(1, RunState.values()))))
                .hasSize(1);
        assertThat(get(otherClient().entries(query(String.valueOf(running.lockKey()), Duration.ZERO)))
                        .get(0)
                        .owner())
                .isEqualTo(first.owner());
    }

    private static LedgerQuery query(String text, Duration olderThan) {
        return new LedgerQuery(Set.of(RunState.values()), text, olderThan, 1000);
    }

    private List<JobIdentity> found(LedgerQuery query) {
        return get(otherClient().entries(query)).stream()
                .map(LedgerEntry::identity)
                .toList();
    }

    @Test
    void an_abandoned_run_does_not_keep_its_lock_key() {
        JobIdentity identity = freshPair();
        letPass(begun(identity).ttl());
        claimed(otherClient(), nextRun(identity));
        abandoned(claim(otherClient(), identity));
    }

    /** A run that must not be repeated, and has started, with a ttl that is short, but long enough for that. */
    private Lease begun(JobIdentity identity) {
        for (Duration ttl = shortTtl(); ; ttl = ttl.multipliedBy(4)) {
            Lease lease = claimed(ledger(), request(identity, ttl, AfterCrash.ABANDON))
                    .lease();
            if (get(ledger().begin(lease)) == Completion.NOTED) {
                return lease;
            }
            assertThat(ttl).as("long enough for a start").isLessThan(LONG);
        }
    }

    @Test
    void what_has_not_begun_is_never_abandoned_and_may_be_claimed_again() {
        JobIdentity identity = freshPair();
        Lease unheard = claimed(ledger(), request(identity, shortTtl(), AfterCrash.ABANDON))
                .lease();
        letPass(shortTtl());
        Claim.Claimed next = claimed(otherClient(), request(identity, shortTtl(), AfterCrash.ABANDON));
        assertThat(next.attempt()).isEqualTo(2);
        assertThat(next.lease().token()).isGreaterThan(unheard.token());
        assertThat(get(ledger().begin(unheard))).isEqualTo(Completion.SUPERSEDED);
        letPass(shortTtl());
        claimed(otherClient(), nextRun(identity));
        assertThat(entry(identity).state()).isEqualTo(RunState.LOST);
    }

    @Test
    void a_run_that_says_that_it_never_began_frees_its_occurrence_even_if_it_was_abandoned_meanwhile() {
        JobIdentity identity = freshPair();
        Lease unheard = begun(identity);
        letPass(unheard.ttl());
        abandoned(claim(otherClient(), identity));
        assertThat(get(ledger().release(ownedBy(OwnerId.random(), unheard), RunState.RELEASED)))
                .isEqualTo(Completion.SUPERSEDED);
        assertThat(get(ledger().release(unheard, RunState.LOST))).isEqualTo(Completion.SUPERSEDED);
        assertThat(entry(identity).state()).isEqualTo(RunState.ABANDONED);
        assertThat(get(ledger().release(unheard, RunState.RELEASED))).isEqualTo(Completion.NOTED);
        claimed(otherClient(), identity);
    }

    @Test
    void a_beginning_is_noted_once_for_its_own_run_only() {
        JobIdentity identity = freshPair();
        Lease lease =
                claimed(ledger(), request(identity, LONG, AfterCrash.ABANDON)).lease();
        for (Lease stranger : List.of(
                ownedBy(OwnerId.random(), lease), withToken(lease, lease.token().value() + 1))) {
            assertThat(get(otherClient().begin(stranger))).isEqualTo(Completion.SUPERSEDED);
        }
        assertThat(entry(identity).began()).isNull();
        assertThat(get(ledger().begin(lease))).isEqualTo(Completion.NOTED);
        assertThat(entry(identity).began()).isNotNull();
        assertThat(get(otherClient().begin(lease))).isEqualTo(Completion.NOTED);
        assertThat(get(ledger().release(lease, RunState.FAILED))).isEqualTo(Completion.NOTED);
        assertThat(get(ledger().begin(lease))).isEqualTo(Completion.SUPERSEDED);
        claimed(otherClient(), identity);
        assertThat(entry(identity).began()).isNull();
    }

    @Test
    void a_beginning_that_comes_after_the_deadline_or_after_the_end_changes_nothing() {
        JobIdentity identity = freshPair();
        Lease late = claimed(ledger(), request(identity, shortTtl(), AfterCrash.ABANDON))
                .lease();
        letPass(shortTtl());
        assertThat(get(ledger().begin(late))).isEqualTo(Completion.SUPERSEDED);
        Lease ended = claimed(otherClient(), request(identity, shortTtl(), AfterCrash.ABANDON))
                .lease();
        get(otherClient().release(ended, RunState.RELEASED));
        assertThat(get(otherClient().begin(ended))).isEqualTo(Completion.SUPERSEDED);
        claimed(ledger(), identity);
    }

    @ParameterizedTest
    @MethodSource("identities")
    void the_token_of_a_claim_is_its_leases_or_above_all_granted_before_on_its_key(JobIdentity identity) {
        long far = claimed(ledger(), freshPair()).token().value()
                + Duration.ofHours(3).toNanos() / 1000;
        FencingToken ahead = new FencingToken(far);
        Lease first = claimed(ledger(), request(identity).withSeen(ahead)).lease();
        assertThat(first.token()).isEqualTo(ahead);
        get(ledger().release(first, RunState.FAILED));

        Lease behind = claimed(otherClient(), request(identity).withSeen(new FencingToken(7)))
                .lease();
        assertThat(behind.token()).isGreaterThan(ahead);
        get(otherClient().release(behind, RunState.FAILED));
        Lease without = claimed(ledger(), identity);
        assertThat(without.token()).isGreaterThan(behind.token());
        get(ledger().release(without, RunState.FAILED));
        FencingToken next = new FencingToken(without.token().value() + 5);
        assertThat(claimed(ledger(), request(identity).withSeen(next)).lease().token())
                .isEqualTo(next);
    }

    @Test
    void the_tokens_of_a_lock_key_grow_also_where_a_lease_brings_an_older_one() {
        JobIdentity identity = freshPair();
        Lease first = claimed(ledger(), identity);
        get(ledger().complete(first));
        FencingToken older = new FencingToken(first.token().value() - 1);
        Lease second = claimed(otherClient(), request(nextRun(identity)).withSeen(older))
                .lease();
        assertThat(second.token()).isGreaterThan(first.token());
        get(otherClient().complete(second));
        FencingToken equal = second.token();
        assertThat(claimed(ledger(), request(nextRun(identity)).withSeen(equal))
                        .lease()
                        .token())
                .isGreaterThan(equal);
    }

    @Test
    void a_claim_without_a_lease_does_not_follow_the_leases_of_other_keys() {
        Lease before = claimed(ledger(), freshPair());
        FencingToken ahead =
                new FencingToken(before.token().value() + Duration.ofHours(3).toNanos() / 1000);
        claimed(ledger(), request(freshPair()).withSeen(ahead));
        assertThat(claimed(ledger(), freshPair()).token()).isLessThan(ahead);
    }

    @Test
    void only_what_is_abandoned_can_be_resolved() {
        JobIdentity identity = freshPair();
        assertThat(get(ledger().resolve(identity, RunState.DONE))).isFalse();
        Lease lease = claimed(ledger(), identity);
        assertThat(get(ledger().resolve(identity, RunState.DONE))).isFalse();
        assertThat(get(ledger().complete(lease))).isEqualTo(Completion.NOTED);
        assertThat(get(ledger().resolve(identity, RunState.RELEASED))).isFalse();
    }

    @Test
    void withdrawing_gives_back_what_this_request_holds_and_nothing_else() {
        ClaimRequest request = request(freshPair());
        claimed(ledger(), request);
        ClaimRequest refused = request(request.identity());
        held(get(otherClient().claim(refused)));
        get(otherClient().withdraw(refused));
        held(claim(otherClient(), request.identity()));

        get(ledger().withdraw(request));
        get(ledger().withdraw(request));
        assertThat(entry(request.identity()).state()).isEqualTo(RunState.RELEASED);
        claimed(otherClient(), request.identity());
        get(ledger().withdraw(request));
        held(claim(ledger(), request.identity()));
    }

    @Test
    void withdrawing_what_has_completed_does_not_undo_it() {
        ClaimRequest request = request(freshPair());
        get(ledger().complete(claimed(ledger(), request).lease()));
        get(ledger().withdraw(request));
        assertThat(claim(otherClient(), request.identity())).isInstanceOf(Claim.Done.class);
    }

    @Test
    void an_entry_tells_all_about_an_occurrence() {
        ClaimRequest request = request(freshPair(), LONG, AfterCrash.ABANDON);
        assertThat(get(ledger().entry(request.identity()))).isEmpty();
        Lease lease = claimed(ledger(), request).lease();

        LedgerEntry entry = entry(request.identity());
        assertThat(entry.identity()).isEqualTo(request.identity());
        assertThat(entry.state()).isEqualTo(RunState.RUNNING);
        assertThat(entry.owner()).isEqualTo(lease.owner());
        assertThat(entry.token()).isEqualTo(lease.token());
        assertThat(entry.attempt()).isEqualTo(1);
        assertThat(entry.worker()).isEqualTo(WORKER);
        assertThat(entry.afterCrash()).isEqualTo(AfterCrash.ABANDON);
        assertThat(entry.started()).isEqualTo(lease.since());
        assertThat(entry.deadline()).isAfter(lease.since());
        assertThat(entry.renewed()).isNull();
        assertThat(entry.finished()).isNull();
    }

    @Test
    void of_many_concurrent_claims_on_one_occurrence_exactly_one_is_granted() {
        JobIdentity identity = freshPair();
        List<Claim> answers = inFlight(
                IntStream.range(0, MANY).mapToObj(i -> request(identity)).toList());
        assertThat(answers).filteredOn(Claim.Claimed.class::isInstance).hasSize(1);
        assertThat(answers).filteredOn(Claim.Held.class::isInstance).hasSize(MANY - 1);
    }

    @Test
    void of_many_concurrent_claims_on_one_lock_key_exactly_one_is_granted() {
        JobIdentity identity = freshPair();
        List<Claim> answers = inFlight(IntStream.range(0, MANY)
                .mapToObj(i -> request(nextRun(identity)))
                .toList());
        assertThat(answers).filteredOn(Claim.Claimed.class::isInstance).hasSize(1);
        assertThat(answers).filteredOn(Claim.Held.class::isInstance).hasSize(MANY - 1);
    }

    @Test
    void of_many_concurrent_takeovers_exactly_one_is_granted() {
        JobIdentity identity = freshPair();
        Lease sleeper = claimed(ledger(), request(identity, shortTtl(), AfterCrash.RERUN))
                .lease();
        letPass(shortTtl());
        List<Claim> answers = inFlight(
                IntStream.range(0, MANY).mapToObj(i -> request(identity)).toList());

        List<Claim> granted =
                answers.stream().filter(Claim.Claimed.class::isInstance).toList();
        assertThat(granted).hasSize(1);
        assertThat(((Claim.Claimed) granted.get(0)).lease().token()).isGreaterThan(sleeper.token());
        assertThat(((Claim.Claimed) granted.get(0)).attempt()).isEqualTo(2);
    }

    @Test
    void fencing_tokens_of_a_lock_key_grow_over_its_occurrences() {
        JobIdentity identity = freshPair();
        List<FencingToken> tokens = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            RunLedger client = i % 2 == 0 ? ledger() : otherClient();
            Lease lease = claimed(client, nextRun(identity));
            tokens.add(lease.token());
            get(i % 3 == 0 ? client.complete(lease) : client.release(lease, RunState.FAILED));
        }
        assertThat(tokens).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void states_that_make_no_sense_are_refused_at_once() {
        Lease lease = claimed(ledger(), freshPair());
        for (RunState state : List.of(RunState.RUNNING, RunState.DONE)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ledger().release(lease, state))
                    .withMessageContaining(state.name());
        }
        for (RunState state : List.of(RunState.RUNNING, RunState.FAILED, RunState.LOST, RunState.ABANDONED)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ledger().resolve(lease.identity(), state))
                    .withMessageContaining(state.name());
        }
    }

    @Test
    void workers_with_other_settings_are_refused_and_both_are_named() {
        try (RunLedger client = freshNamespace()) {
            client.agree("buckets=1");
            client.agree("buckets=1");
            assertThatIllegalStateException()
                    .isThrownBy(() -> client.agree("buckets=64"))
                    .withMessageContaining("buckets=1")
                    .withMessageContaining("buckets=64");
            client.agree("buckets=1");
        }
    }

    @Test
    void the_time_to_an_answer_is_bounded() {
        assertThat(ledger().answerTimeout()).isPositive().isLessThan(LONG);
    }

    /** Fresh identities of every kind. */
    static Stream<JobIdentity> identities() {
        return Stream.of(freshRun(), freshPair(), freshLock());
    }

    /** Fresh identities with a run key: alone, and with a lock key. */
    static Stream<JobIdentity> identitiesWithARun() {
        return Stream.of(freshRun(), freshPair());
    }

    /** Texts that are allowed in keys and easy to get wrong, made unique. */
    static Stream<String> oddTexts() {
        String unique = OwnerId.random().value();
        return Stream.concat(LeaseStoreContract.oddTexts(), Stream.of("{\"" + unique + "\",NULL}", "NULL" + unique));
    }

    private static ClaimRequest request(JobIdentity identity) {
        return request(identity, LONG, AfterCrash.RERUN);
    }

    private static ClaimRequest request(JobIdentity identity, Duration ttl, AfterCrash afterCrash) {
        return new ClaimRequest(identity, OwnerId.random(), WORKER, ttl, afterCrash, RETENTION);
    }

    private static Claim claim(RunLedger client, JobIdentity identity) {
        return get(client.claim(request(identity)));
    }

    private static Lease claimed(RunLedger client, JobIdentity identity) {
        return claimed(client, request(identity)).lease();
    }

    private static Claim.Claimed claimed(RunLedger client, ClaimRequest request) {
        return assertThat(get(client.claim(request)))
                .asInstanceOf(type(Claim.Claimed.class))
                .actual();
    }

    private static Claim.Held held(Claim answer) {
        return assertThat(answer).asInstanceOf(type(Claim.Held.class)).actual();
    }

    private static Claim.Abandoned abandoned(Claim answer) {
        return assertThat(answer).asInstanceOf(type(Claim.Abandoned.class)).actual();
    }

    private void claimNever(ClaimRequest request) {
        assertThat(get(ledger().claim(request))).isNotInstanceOf(Claim.Claimed.class);
    }

    private LedgerEntry entry(JobIdentity identity) {
        return get(otherClient().entry(identity)).orElseThrow();
    }

    private static Renewal renew(RunLedger client, Lease lease) {
        List<Renewal> answers = get(client.renew(List.of(lease)));
        assertThat(answers).hasSize(1);
        return answers.get(0);
    }

    private static Lease withToken(Lease lease, long token) {
        return new Lease(
                lease.identity(), lease.owner(), new FencingToken(token), lease.worker(), lease.ttl(), lease.since());
    }

    /** Sends all requests through both clients before it waits for the first answer. */
    private List<Claim> inFlight(List<ClaimRequest> requests) {
        List<CompletableFuture<Claim>> stages = new ArrayList<>();
        for (ClaimRequest request : requests) {
            RunLedger client = stages.size() % 2 == 0 ? ledger() : otherClient();
            stages.add(client.claim(request).toCompletableFuture());
        }
        return stages.stream().map(LeaseAttempts::get).toList();
    }
}
