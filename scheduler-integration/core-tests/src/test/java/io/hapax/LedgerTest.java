package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.FaultyRunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A guard with a ledger: ttl 30 s, told after 24.998 s. */
class LedgerTest {

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration MORE_THAN_TTL = Duration.ofSeconds(31);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore leases = new InMemoryLeaseStore(ticker);
    private final FaultyLeaseStore store = new FaultyLeaseStore(leases);
    private final InMemoryRunLedger runs = new InMemoryRunLedger(ticker);
    private final FaultyRunLedger ledger = new FaultyRunLedger(runs);
    private final Events events = new Events();
    private final JobGuard guard = guard(store, ledger);
    private final JobGuard other = guard(leases, runs);

    private final RunRequest request = RunRequest.lock("k").once("r");

    private JobGuard guard(io.hapax.lease.LeaseStore leaseStore, RunLedger runLedger) {
        return guard(leaseStore, runLedger, ticker);
    }

    /** Its clock stands still, while that of store and ledger goes on. */
    private JobGuard frozen() {
        return guard(store, ledger, new ManualTicker());
    }

    private JobGuard guard(io.hapax.lease.LeaseStore leaseStore, RunLedger runLedger, ManualTicker clock) {
        return JobGuard.builder(leaseStore)
                .ledger(runLedger)
                .ticker(clock)
                .listener(events)
                .build();
    }

    private static GuardedRun admitted(JobGuard by, RunRequest wanted) throws InterruptedException {
        return Answered.run(by.admit(wanted));
    }

    private static Refusal refused(JobGuard by, RunRequest wanted) throws InterruptedException {
        return Answered.refusal(by.admit(wanted));
    }

    private LedgerEntry entry(RunRequest of) {
        return runs.entry(of.identity()).toCompletableFuture().join().orElseThrow();
    }

    private void advance(Duration total) {
        for (Duration done = Duration.ZERO; done.compareTo(total) < 0; done = done.plus(SECOND)) {
            ticker.advance(SECOND);
        }
    }

    @AfterEach
    void nothing_is_left() {
        boolean unused = Thread.interrupted();
        ledger.healthy();
        store.healthy();
        guard.close();
        other.close();
        assertThat(guard.activeRuns() + other.activeRuns()).isZero();
    }

    @Test
    void a_run_is_claimed_completed_and_remembered_even_when_the_store_forgets_everything() throws Exception {
        GuardedRun run = admitted(guard, request);
        LedgerEntry claimed = entry(request);
        assertThat(claimed.state()).isEqualTo(RunState.RUNNING);
        assertThat(run.fencingToken()).isEqualTo(claimed.token());
        assertThat(run.attempt()).isEqualTo(1);
        assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        assertThat(entry(request).state()).isEqualTo(RunState.DONE);

        leases.forgetEverything();
        Refusal refusal = refused(other, request);
        assertThat(refusal.verdict()).isEqualTo(Verdict.DONE);
        assertThat(leases.admin()
                        .holder(request.identity())
                        .toCompletableFuture()
                        .join())
                .as("the lease taken on the way is given back")
                .isEmpty();
    }

    @Test
    void a_failed_run_may_run_again_with_a_higher_token() throws Exception {
        GuardedRun first = admitted(guard, request);
        first.fail(new IllegalStateException());
        assertThat(entry(request).state()).isEqualTo(RunState.FAILED);
        GuardedRun second = admitted(other, request);
        assertThat(second.attempt()).isEqualTo(2);
        assertThat(second.fencingToken()).isGreaterThan(first.fencingToken());
        second.complete();
    }

    @Test
    void while_the_holder_is_alive_in_the_ledger_a_store_without_memory_cannot_let_another_run_in() throws Exception {
        GuardedRun run = admitted(guard, request);
        leases.forgetEverything();
        assertThat(refused(other, request).verdict()).isEqualTo(Verdict.RUNNING);
        assertThat(refused(other, RunRequest.lock("k").once("another")).verdict())
                .isEqualTo(Verdict.OVERLAP);
        run.complete();
        admitted(other, RunRequest.lock("k").once("another")).complete();
    }

    @Test
    void a_run_that_was_taken_over_completes_nothing() throws Exception {
        GuardedRun frozen = admitted(frozen(), request);
        ticker.advance(MORE_THAN_TTL);
        GuardedRun taker = admitted(other, request);
        assertThat(taker.attempt()).isEqualTo(2);
        assertThat(taker.fencingToken()).isGreaterThan(frozen.fencingToken());
        assertThatThrownBy(() -> frozen.completeIn(noConnection())).isInstanceOf(LeaseLostException.class);
        assertThat(frozen.complete()).isEqualTo(RunOutcome.LOST);
        assertThat(taker.complete()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void the_ledger_refuses_a_run_whose_own_clock_says_that_it_is_valid() throws Exception {
        GuardedRun run = admitted(guard, request);
        Lease claim = run.lease().orElseThrow();
        runs.release(claim, RunState.LOST).toCompletableFuture().join();
        try (var scope = run.enter()) {
            assertThatThrownBy(() -> run.completeIn(noConnection()))
                    .isInstanceOfSatisfying(
                            LeaseLostException.class,
                            loss -> assertThat(loss.reason()).isEqualTo(LossReason.SUPERSEDED));
            assertThat(Interrupts.taken()).isTrue();
            assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
        }
        assertThat(leases.admin()
                        .holder(request.identity())
                        .toCompletableFuture()
                        .join())
                .isEmpty();
    }

    @Test
    void a_renewal_finds_out_that_the_run_was_taken_over() throws Exception {
        GuardedRun run = admitted(guard, request);
        try (var scope = run.enter()) {
            runs.release(run.lease().orElseThrow(), RunState.LOST)
                    .toCompletableFuture()
                    .join();
            advance(Duration.ofSeconds(12));
            assertThat(run.lost()).contains(LossReason.SUPERSEDED);
            assertThat(Interrupts.taken()).isTrue();
        }
        run.close();
    }

    @Test
    void long_runs_are_renewed_in_the_ledger_too() throws Exception {
        GuardedRun run = admitted(guard, request);
        try (var scope = run.enter()) {
            advance(Duration.ofMinutes(5));
            assertThat(run.isHeld()).isTrue();
            assertThat(ledger.renewals()).isBetween(27, 34);
            assertThat(entry(request).renewed()).isNotNull();
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
    }

    @Test
    void a_ledger_that_is_away_for_a_while_ends_no_run_whose_lease_is_renewed() throws Exception {
        GuardedRun run = admitted(guard, request);
        try (var scope = run.enter()) {
            ledger.down();
            advance(Duration.ofMinutes(2));
            assertThat(run.isHeld()).isTrue();
            ledger.healthy();
            advance(Duration.ofSeconds(15));
            assertThat(refused(other, request).verdict()).isEqualTo(Verdict.RUNNING);
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
    }

    @Test
    void a_ledger_that_does_not_answer_refuses_and_leaves_nothing_behind() throws Exception {
        ledger.loseClaimAnswers();
        Refusal refusal = refused(guard, request);
        assertThat(refusal.verdict()).isEqualTo(Verdict.UNAVAILABLE);
        assertThat(refusal.reason()).contains("ledger");
        ledger.healthy();
        assertThat(entry(request).state()).isEqualTo(RunState.RELEASED);
        admitted(other, request).complete();
    }

    @Test
    void a_waiting_run_is_admitted_when_the_ledger_answers_again() {
        ledger.loseClaimAnswers();
        CompletableFuture<Admission> waiting = guard.admitAsync(request.waitAtMost(Duration.ofHours(1)));
        ledger.healthy();
        PassingTime.until(ticker, SECOND, waiting::isDone);
        assertThat(waiting.join().<RunOutcome>fold(GuardedRun::complete, refusal -> null))
                .isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void a_waiting_run_that_may_fail_open_is_claimed_when_the_ledger_answers_before_the_store() {
        store.failAcquires();
        ledger.loseClaimAnswers();
        CompletableFuture<Admission> waiting = guard.admitAsync(request.waitAtMost(Duration.ofHours(1))
                .tune(options -> options.withWhenUnavailable(WhenUnavailable.FAIL_OPEN)));
        ledger.healthy();
        PassingTime.until(ticker, SECOND, waiting::isDone);
        assertThat(waiting.join().<RunOutcome>fold(GuardedRun::complete, refusal -> null))
                .isEqualTo(RunOutcome.COMPLETED);
        assertThat(entry(request).state()).isEqualTo(RunState.DONE);
    }

    @Test
    void a_run_that_waits_for_a_holder_whom_only_the_ledger_knows_asks_now_and_then() throws Exception {
        GuardedRun holder = admitted(other, request);
        try (var scope = holder.enter()) {
            leases.forgetEverything();
            CompletableFuture<Admission> waiting = guard.admitAsync(request.waitAtMost(Duration.ofHours(1)));
            int before = ledger.claims();
            advance(Duration.ofSeconds(5));
            assertThat(ledger.claims() - before).isLessThan(10);
            assertThat(holder.complete()).isEqualTo(RunOutcome.COMPLETED);
            await().until(() -> {
                ticker.advance(SECOND);
                return waiting.isDone();
            });
            assertThat(waiting.join()).isInstanceOf(Admission.Refused.class);
        }
    }

    @Test
    void a_completion_that_the_ledger_did_not_hear_is_repeated_until_it_does() throws Exception {
        GuardedRun run = admitted(guard, request);
        ledger.down();
        assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
        assertThat(leases.admin()
                        .holder(request.identity())
                        .toCompletableFuture()
                        .join())
                .as("the lease keeps others out meanwhile")
                .isPresent();
        ledger.healthy();
        advance(Duration.ofSeconds(3));
        assertThat(entry(request).state()).isEqualTo(RunState.DONE);
        assertThat(refused(other, request).verdict()).isEqualTo(Verdict.DONE);
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void a_completion_whose_answer_was_lost_is_noted_once() throws Exception {
        GuardedRun run = admitted(guard, request);
        ledger.loseEndAnswers();
        assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
        assertThat(entry(request).state()).isEqualTo(RunState.DONE);
        ledger.healthy();
        advance(Duration.ofSeconds(3));
        assertThat(events.awaitOne(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void a_store_that_fails_at_the_end_does_not_make_a_noted_completion_doubtful() throws Exception {
        GuardedRun run = admitted(guard, request);
        store.failReleases();
        assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        store.healthy();
        advance(Duration.ofSeconds(3));
        assertThat(refused(other, request).verdict()).isEqualTo(Verdict.DONE);
    }

    @Test
    void with_abandon_a_run_that_broke_off_is_left_for_a_person() throws Exception {
        RunRequest once = request.tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        GuardedRun crashed = admitted(frozen(), once);
        GuardedRun.Scope work = crashed.enter();
        ticker.advance(MORE_THAN_TTL);
        Refusal refusal = refused(other, once);
        assertThat(refusal.verdict()).isEqualTo(Verdict.ABANDONED);
        assertThat(refusal.holder()).isNotNull();
        assertThat(entry(once).state()).isEqualTo(RunState.ABANDONED);
        assertThat(crashed.complete()).isEqualTo(RunOutcome.LOST);
        work.close();

        assertThat(runs.resolve(once.identity(), RunState.RELEASED)
                        .toCompletableFuture()
                        .join())
                .isTrue();
        admitted(other, once).complete();
    }

    @Test
    void with_abandon_a_lost_run_is_abandoned_but_one_that_never_began_is_not() throws Exception {
        RunRequest once = request.tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        admitted(guard, once).close();
        assertThat(entry(once).state()).isEqualTo(RunState.RELEASED);
        GuardedRun run = admitted(guard, once);
        try (var scope = run.enter()) {
            store.hangRenewals();
            ticker.advance(Duration.ofSeconds(26));
            assertThat(Interrupts.taken()).isTrue();
            run.close();
        }
        assertThat(entry(once).state()).isEqualTo(RunState.ABANDONED);
    }

    @Test
    void with_abandon_a_run_begins_when_the_ledger_has_heard_of_it_and_with_rerun_nobody_asks() throws Exception {
        GuardedRun again = admitted(guard, request);
        try (again;
                var scope = again.enter()) {
            assertThat(ledger.beginnings()).isZero();
            assertThat(entry(request).began()).isNull();
        }
        RunRequest once = request.tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        GuardedRun run = admitted(guard, once);
        assertThat(entry(once).began()).isNull();
        try (var scope = run.enter()) {
            assertThat(ledger.beginnings()).isEqualTo(1);
            assertThat(entry(once).began()).isNotNull();
            run.complete();
        }
    }

    @Test
    void with_abandon_a_run_whose_beginning_the_ledger_did_not_confirm_does_not_begin_and_its_occurrence_is_free()
            throws Exception {
        RunRequest once = request.tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        ledger.loseBeginAnswers();
        GuardedRun run = admitted(guard, once);
        assertThatThrownBy(run::enter)
                .isInstanceOfSatisfying(
                        LeaseLostException.class,
                        unheard -> assertThat(unheard.reason()).isEqualTo(LossReason.NOT_BEGUN))
                .hasRootCauseMessage("injected fault: begin was carried out, but its answer got lost");
        assertThat(entry(once).state()).isEqualTo(RunState.RELEASED);
        assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
        ledger.healthy();
        admitted(other, once).close();
    }

    @Test
    void with_abandon_a_run_that_was_taken_over_before_it_began_does_not_begin() throws Exception {
        RunRequest once = request.tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        GuardedRun slow = admitted(guard, once);
        runs.release(slow.lease().orElseThrow(), RunState.LOST)
                .toCompletableFuture()
                .join();
        assertThatThrownBy(slow::enter)
                .isInstanceOfSatisfying(
                        LeaseLostException.class,
                        loss -> assertThat(loss.reason()).isEqualTo(LossReason.SUPERSEDED));
        slow.close();
    }

    @Test
    void with_ledger_only_runs_go_on_and_begin_while_the_store_is_away() throws Exception {
        RunRequest tough = request.tune(options -> options.withWhenUnavailable(WhenUnavailable.LEDGER_ONLY));
        RunRequest next =
                RunRequest.occurrence("next").tune(options -> options.withWhenUnavailable(WhenUnavailable.LEDGER_ONLY));
        GuardedRun before = admitted(guard, tough);
        try (var scope = before.enter()) {
            store.failRenewals();
            store.failAcquires();
            store.failReleases();
            advance(Duration.ofMinutes(2));
            assertThat(before.isHeld()).isTrue();
            assertThat(refused(guard, tough).verdict()).isEqualTo(Verdict.RUNNING);

            GuardedRun during = admitted(guard, next);
            assertThat(during.guarded()).isTrue();
            try (var inner = during.enter()) {
                advance(Duration.ofMinutes(2));
                assertThat(during.isHeld()).isTrue();
                assertThat(refused(other, next).verdict())
                        .as("to a worker that sees the store, the ledger says who is at work")
                        .isEqualTo(Verdict.RUNNING);
                assertThat(during.complete()).isEqualTo(RunOutcome.COMPLETED);
            }
            store.healthy();
            advance(Duration.ofSeconds(15));
            assertThat(before.isHeld())
                    .as("the lease lapsed while the store was away, but the claim did not")
                    .isTrue();
            assertThat(before.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        assertThat(entry(next).state()).isEqualTo(RunState.DONE);
        assertThat(refused(other, next).verdict()).isEqualTo(Verdict.DONE);
    }

    @Test
    void with_ledger_only_a_quarantined_store_is_no_reason_to_wait() throws Exception {
        leases.quarantine(Duration.ofMinutes(1));
        assertThat(refused(guard, request).verdict()).isEqualTo(Verdict.UNAVAILABLE);
        admitted(guard, request.tune(options -> options.withWhenUnavailable(WhenUnavailable.LEDGER_ONLY)))
                .complete();
    }

    @Test
    void a_lease_taken_away_by_force_is_lost_also_with_ledger_only() throws Exception {
        GuardedRun run =
                admitted(guard, request.tune(options -> options.withWhenUnavailable(WhenUnavailable.LEDGER_ONLY)));
        try (var scope = run.enter()) {
            guard.admin().forceRelease(request.identity(), "op", "hung").join();
            advance(Duration.ofSeconds(12));
            assertThat(run.lost()).contains(LossReason.GONE);
        }
        run.close();
    }

    @Test
    void fail_open_still_asks_the_ledger_and_runs_without_it_only_if_it_is_away_too() throws Exception {
        RunRequest open = request.tune(options -> options.withWhenUnavailable(WhenUnavailable.FAIL_OPEN));
        store.failAcquires();
        GuardedRun claimed = admitted(guard, open);
        assertThat(claimed.guarded()).isTrue();
        assertThat(claimed.complete()).isEqualTo(RunOutcome.COMPLETED);
        assertThat(refused(guard, open).verdict()).isEqualTo(Verdict.DONE);
        ledger.down();
        GuardedRun unguarded = admitted(guard, open);
        assertThat(unguarded.guarded()).isFalse();
        assertThatIllegalStateException()
                .isThrownBy(() -> unguarded.completeIn(noConnection()))
                .withMessageContaining("fail open");
        unguarded.complete();
        assertThat(events.of(GuardEvent.Unguarded.class)).hasSize(1);
    }

    @Test
    void a_transaction_that_did_not_commit_completes_nothing() throws Exception {
        RunLedger forgetful = rollingBack(runs);
        JobGuard careless = guard(leases, forgetful);
        assertThatIllegalStateException()
                .isThrownBy(() -> careless.run(request, run -> {
                    run.completeIn(noConnection());
                    return "swallowed the failed commit";
                }))
                .withMessageContaining("did not commit");
        assertThat(entry(request).state()).isEqualTo(RunState.FAILED);
        admitted(other, request).complete();
        careless.close();
    }

    @Test
    void a_transaction_that_committed_counts_even_if_the_lease_was_lost_after_it() throws Exception {
        GuardedRun run = admitted(guard, request);
        try (var scope = run.enter()) {
            run.completeIn(noConnection());
            store.hangRenewals();
            ticker.advance(MORE_THAN_TTL);
            assertThat(Interrupts.taken()).isTrue();
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        assertThat(refused(other, request).verdict()).isEqualTo(Verdict.DONE);
    }

    @Test
    void a_run_without_a_run_key_claims_its_lock_key_again_and_again() throws Exception {
        RunRequest lock = RunRequest.of(new JobIdentity(new LockKey("k"), null));
        GuardedRun first = admitted(guard, lock);
        assertThat(refused(other, lock).verdict()).isEqualTo(Verdict.OVERLAP);
        first.complete();
        GuardedRun second = admitted(other, lock);
        assertThat(second.fencingToken()).isGreaterThan(first.fencingToken());
        second.complete();
    }

    @Test
    void settings_that_need_a_ledger_are_refused_without_one() {
        JobGuard bare = JobGuard.builder(leases).ticker(ticker).build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JobGuard.builder(leases)
                        .defaults(options -> options.withWhenUnavailable(WhenUnavailable.LEDGER_ONLY))
                        .build())
                .withMessageContaining("LEDGER_ONLY needs a ledger");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> bare.admit(request.tune(options -> options.withAfterCrash(AfterCrash.ABANDON))))
                .withMessageContaining("ABANDON needs a ledger");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        guard.admit(RunRequest.lock("k").tune(options -> options.withAfterCrash(AfterCrash.ABANDON))))
                .withMessageContaining("needs a run key");
        assertThatIllegalStateException()
                .isThrownBy(() -> admitted(bare, RunRequest.occurrence(new RunKey("x").value()))
                        .completeIn(noConnection()))
                .withMessageContaining("needs a ledger");
        bare.close();
    }

    private static Connection noConnection() {
        return (Connection) Proxy.newProxyInstance(
                LedgerTest.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, args) -> {
                    throw new AssertionError("the in-memory ledger has no use for a connection");
                });
    }

    /** A ledger whose transactions all roll back. */
    private static RunLedger rollingBack(RunLedger ledger) {
        return (RunLedger) Proxy.newProxyInstance(
                LedgerTest.class.getClassLoader(),
                new Class<?>[] {RunLedger.class},
                (proxy, method, args) ->
                        method.getName().equals("completeIn") ? Completion.NOTED : method.invoke(ledger, args));
    }
}
