package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.OwnThread;
import io.hapax.testkit.StrictLeaseStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Callers that state different limits for one key, as while a deploy changes it. */
class LimitsTest {

    private static final Duration LONG = Duration.ofMinutes(10);

    private final ManualTicker ticker = new ManualTicker();
    private final StrictLeaseStore strict = new StrictLeaseStore(new InMemoryLeaseStore(ticker), ticker);
    private final FaultyLeaseStore store = new FaultyLeaseStore(strict);
    private final JobGuard guard = JobGuard.builder(store).ticker(ticker).build();

    @AfterEach
    void nothing_is_left_held() {
        strict.assertNothingHeld();
        assertThat(guard.activeRuns()).isZero();
    }

    private static RunRequest limited(int limit) {
        return RunRequest.lock("p").tune(options -> options.withConcurrency(limit));
    }

    private static RunRequest limited(int limit, String occurrence) {
        return limited(limit).once(occurrence);
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return Answered.run(guard.admit(request));
    }

    private Refusal refused(RunRequest request) throws InterruptedException {
        return Answered.refusal(guard.admit(request));
    }

    private List<GuardedRun> full(int limit) throws InterruptedException {
        List<GuardedRun> runs = new ArrayList<>();
        for (int n = 0; n < limit; n++) {
            runs.add(admitted(limited(limit)));
        }
        return runs;
    }

    @Test
    void three_under_a_limit_of_three_and_one_under_a_limit_of_one_are_never_four() throws Exception {
        List<GuardedRun> runs = full(3);
        Refusal refusal = refused(limited(1));
        assertThat(refusal.verdict()).isEqualTo(Verdict.OVERLAP);
        assertThat(refusal.reason()).contains("under a limit of 3").contains("this caller states 1");
        for (GuardedRun run : runs) {
            refused(limited(1));
            run.close();
        }
        try (GuardedRun alone = admitted(limited(1))) {
            Refusal other = refused(limited(3));
            assertThat(alone.isHeld()).isTrue();
            assertThat(other.reason()).contains("under a limit of 1").contains("this caller states 3");
        }
    }

    @Test
    void limits_that_agree_are_not_worth_a_word() throws Exception {
        List<GuardedRun> runs = full(2);
        assertThat(refused(limited(2)).reason()).doesNotContain("limit");
        runs.forEach(GuardedRun::close);
    }

    @Test
    void an_occurrence_that_is_done_under_one_limit_is_done_under_another() throws Exception {
        for (List<Integer> limits : List.of(List.of(3, 1), List.of(1, 3), List.of(3, 2))) {
            String occurrence = "of " + limits;
            admitted(limited(limits.get(0), occurrence)).complete();
            assertThat(refused(limited(limits.get(1), occurrence)).verdict()).isEqualTo(Verdict.DONE);
        }
    }

    @Test
    void an_occurrence_that_runs_in_a_slot_is_told_to_whoever_wants_the_key_alone() throws Exception {
        try (GuardedRun run = admitted(limited(3, "o"))) {
            assertThat(refused(limited(1, "o")).verdict()).isEqualTo(Verdict.RUNNING);
            assertThat(refused(limited(1, "other")).verdict()).isEqualTo(Verdict.OVERLAP);
            assertThat(run.isHeld()).isTrue();
        }
    }

    /** As the peers do: a full key costs one call, any other two. */
    @Test
    void a_full_key_is_asked_for_once() throws Exception {
        List<GuardedRun> runs = full(20);
        int before = store.acquireCalls();
        refused(limited(20));
        assertThat(store.acquireCalls() - before).isOne();
        runs.remove(12).close();
        before = store.acquireCalls();
        runs.add(admitted(limited(20)));
        assertThat(store.acquireCalls() - before).isEqualTo(2);
        runs.forEach(GuardedRun::close);
    }

    @Test
    void whoever_waits_under_a_small_limit_gets_in_although_others_go_on_asking_under_a_larger_one() throws Exception {
        List<GuardedRun> runs = full(3);
        CompletableFuture<Admission> waiting = guard.admitAsync(limited(1).waitAtMost(Duration.ofMinutes(10)));
        assertThat(waiting).isNotDone();
        refused(limited(4));
        for (GuardedRun run : runs) {
            assertThat(waiting).isNotDone();
            run.close();
        }
        GuardedRun alone = Answered.run(waiting.get());
        refused(limited(3));
        alone.close();
    }

    /** It would wait for a run that waits for it. */
    @Test
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_run_that_asks_for_its_own_key_under_another_limit_is_refused_at_once() throws Exception {
        for (List<Integer> limits : List.of(List.of(1, 3), List.of(3, 1))) {
            GuardedRun other = limits.get(0) == 3 ? admitted(limited(3)) : null;
            try (GuardedRun outer = admitted(limited(limits.get(0)));
                    var scope = outer.enter()) {
                Refusal refusal = refused(limited(limits.get(1)).waitAtMost(Duration.ofMinutes(10)));
                assertThat(refusal.verdict()).isEqualTo(Verdict.OVERLAP);
            }
            if (other != null) {
                other.close();
            }
        }
    }

    /** No slot within the smaller limit goes with the one beyond it that this thread holds. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Timeout(value = 40, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_run_in_a_slot_beyond_the_smaller_limit_that_it_asks_under_is_refused_at_once(boolean once) throws Exception {
        List<GuardedRun> others = List.of(admitted(limited(3)), admitted(limited(3)));
        RunRequest third = once ? limited(3, "outer") : limited(3);
        try (GuardedRun outer = admitted(third.job("import"));
                var scope = outer.enter()) {
            others.forEach(GuardedRun::close);
            Refusal refusal = refused(limited(2).waitAtMost(LONG));
            assertThat(refusal.verdict()).isEqualTo(Verdict.OVERLAP);
            assertThat(refusal.reason()).contains("this thread", "import");
        }
    }

    /** Whoever waits lets nobody in before the run around has ended. */
    @Test
    @Timeout(value = 40, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_run_that_asks_for_its_own_key_while_somebody_waits_for_it_alone_is_refused_at_once() throws Exception {
        GuardedRun outer = admitted(limited(3).job("import"));
        CompletableFuture<Admission> waiting = guard.admitAsync(limited(1).waitAtMost(LONG));
        try (var scope = outer.enter()) {
            Refusal refusal = refused(limited(3).waitAtMost(LONG));
            assertThat(refusal.verdict()).isEqualTo(Verdict.OVERLAP);
            assertThat(refusal.reason()).contains("this thread", "import", "waits for it under a limit of 1");
        }
        outer.close();
        Answered.run(waiting.get()).close();
    }

    /** What others hold becomes free: two slots under the smaller limit, and one while somebody waits under it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Timeout(value = 40, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_run_that_asks_for_its_own_key_waits_for_slots_of_others(boolean awaited) throws Exception {
        GuardedRun outer = admitted(limited(3));
        GuardedRun second = admitted(limited(3));
        GuardedRun third = admitted(limited(3));
        CompletableFuture<Admission> before =
                awaited ? guard.admitAsync(limited(2).waitAtMost(LONG)) : new CompletableFuture<>();
        CompletableFuture<Admission> inner = OwnThread.supply(() -> {
            try (var scope = outer.enter()) {
                return guard.admit(limited(awaited ? 3 : 2).waitAtMost(LONG));
            } catch (InterruptedException e) {
                throw new CompletionException(e);
            }
        });
        await().until(() -> guard.admin().waiting().size() == (awaited ? 2 : 1));
        third.close();
        second.close();
        if (awaited) {
            passUntil(() -> before.isDone() || inner.isDone());
            (before.isDone() ? Answered.run(before.get()) : outer).close();
        }
        passUntil(inner::isDone);
        Answered.run(inner.get()).close();
        outer.close();
        if (awaited) {
            passUntil(before::isDone);
            Answered.run(before.get()).close();
        }
    }

    /** Redis answers one worker and not the other, whose run has a claim only. */
    @ParameterizedTest
    @CsvSource({"LEDGER_ONLY, false", "LEDGER_ONLY, true", "FAIL_OPEN, false", "FAIL_OPEN, true"})
    void a_run_without_a_lease_counts_against_every_limit_of_its_key(WhenUnavailable tough, boolean once)
            throws Exception {
        InMemoryRunLedger runs = new InMemoryRunLedger(ticker);
        JobGuard near = JobGuard.builder(strict).ledger(runs).ticker(ticker).build();
        JobGuard cutOff = JobGuard.builder(store).ledger(runs).ticker(ticker).build();
        RunRequest alone =
                (once ? limited(1, "alone") : limited(1)).tune(options -> options.withWhenUnavailable(tough));
        RunRequest several = once ? limited(3, "one of three") : limited(3);
        store.failAcquires();

        GuardedRun inSlot = Answered.run(near.admit(several));
        Refusal refusal = Answered.refusal(cutOff.admit(alone));
        assertThat(refusal.verdict()).isEqualTo(Verdict.OVERLAP);
        assertThat(refusal.holder()).isNotNull();
        inSlot.close();

        GuardedRun withoutLease = Answered.run(cutOff.admit(alone));
        assertThat(withoutLease.guarded()).isTrue();
        assertThat(Answered.refusal(near.admit(several)).verdict()).isEqualTo(Verdict.OVERLAP);
        withoutLease.close();
        Answered.run(near.admit(several)).close();
        near.close();
        cutOff.close();
    }

    private void passUntil(BooleanSupplier done) {
        await().atMost(Duration.ofSeconds(40)).until(() -> {
            ticker.advance(Duration.ofMillis(100));
            return done.getAsBoolean();
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 508, 509, 510, 511, 512})
    void a_key_may_be_as_long_with_a_limit_as_without(int length) throws Exception {
        for (int limit : List.of(1, 2, 100)) {
            RunRequest request = RunRequest.lock("k".repeat(length)).tune(options -> options.withConcurrency(limit));
            admitted(request).complete();
            admitted(request.once("a run of " + limit)).complete();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {513, 520})
    void a_key_that_is_too_long_is_refused_with_any_limit(int length) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunRequest.lock("k".repeat(length)))
                .withMessageContaining("512");
    }
}
