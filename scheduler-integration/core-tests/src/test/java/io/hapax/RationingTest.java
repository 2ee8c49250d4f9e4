package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.Slot;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.StrictLeaseStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How many runs of a key may be at work at once, and may begin in a time. */
class RationingTest {

    private static final Duration TTL = Duration.ofSeconds(30);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final StrictLeaseStore strict = new StrictLeaseStore(memory, ticker);
    private final FaultyLeaseStore store = new FaultyLeaseStore(strict);
    private final Events events = new Events();
    private final JobGuard guard = JobGuard.builder(store)
            .worker("here")
            .ticker(ticker)
            .listener(events)
            .build();

    @AfterEach
    void nothing_is_left_held() {
        strict.assertNothingHeld();
        assertThat(guard.activeRuns()).isZero();
    }

    private static RunRequest limited(int concurrency, String occurrence) {
        return RunRequest.lock("partner-api").once(occurrence).tune(options -> options.withConcurrency(concurrency));
    }

    private Admission admit(RunRequest request) throws InterruptedException {
        return guard.admit(request);
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return Answered.run(admit(request));
    }

    private Refusal refused(RunRequest request) throws InterruptedException {
        return Answered.refusal(admit(request));
    }

    private static Verdict verdict(JobGuard asked, RunRequest request) throws InterruptedException {
        return ((Admission.Refused) asked.admit(request)).refusal().verdict();
    }

    @Test
    void as_many_runs_as_the_limit_hold_a_key_at_once_and_the_next_one_when_one_has_ended() throws Exception {
        List<GuardedRun> runs = new ArrayList<>();
        for (int n = 0; n < 3; n++) {
            runs.add(admitted(limited(3, "order/" + n)));
        }
        Refusal refusal = refused(limited(3, "order/3"));
        assertThat(refusal.verdict()).isEqualTo(Verdict.OVERLAP);
        assertThat(refusal.heldBy()).get().extracting(holder -> holder.worker()).isEqualTo("here");
        runs.get(1).complete();
        runs.set(1, admitted(limited(3, "order/3")));
        assertThat(runs).extracting(run -> run.fencingToken().value()).doesNotHaveDuplicates();
        runs.forEach(GuardedRun::close);
    }

    @Test
    void an_occurrence_does_not_run_twice_although_there_is_room_for_others() throws Exception {
        try (GuardedRun run = admitted(limited(3, "order/1"))) {
            assertThat(refused(limited(3, "order/1")).verdict()).isEqualTo(Verdict.RUNNING);
            run.complete();
        }
        assertThat(refused(limited(3, "order/1")).verdict()).isEqualTo(Verdict.DONE);
    }

    @Test
    void a_limit_without_a_run_key_is_a_number_of_slots() throws Exception {
        RunRequest request = RunRequest.lock("slots").tune(options -> options.withConcurrency(2));
        try (GuardedRun one = admitted(request);
                GuardedRun two = admitted(request)) {
            assertThat(refused(request).verdict()).isEqualTo(Verdict.OVERLAP);
            assertThat(List.of(one, two))
                    .extracting(run -> run.lease().orElseThrow().identity().leaseName())
                    .containsExactlyInAnyOrder("slots #1", "slots #2");
        }
        admitted(request).close();
    }

    @Test
    void who_waits_for_a_slot_is_woken_by_whichever_is_free_first() throws Exception {
        RunRequest request = RunRequest.lock("slots").tune(options -> options.withConcurrency(2));
        GuardedRun one = admitted(request);
        GuardedRun two = admitted(request);
        CompletableFuture<Admission> third = guard.admitAsync(request.waitAtMost(Duration.ofMinutes(1)));
        assertThat(third).isNotDone();
        two.close();
        third.get()
                .fold(run -> run, refusal -> {
                    throw new AssertionError(refusal);
                })
                .close();
        one.close();
    }

    @Test
    void slot_and_run_key_are_both_renewed_and_both_free_when_the_run_ends() throws Exception {
        GuardedRun run = admitted(limited(2, "long"));
        try (run;
                var scope = run.enter()) {
            for (int n = 0; n < 12; n++) {
                ticker.advance(TTL.dividedBy(6));
                assertThat(run.isHeld()).isTrue();
            }
            assertThat(store.renewCalls()).isGreaterThanOrEqualTo(2);
        }
        assertThat(memory.admin()
                        .holder(new JobIdentity(new LockKey("partner-api"), null, new Slot(1, 2)))
                        .toCompletableFuture()
                        .join())
                .isEmpty();
    }

    @Test
    void a_run_whose_slot_was_taken_away_is_told() throws Exception {
        GuardedRun run = admitted(limited(2, "long"));
        try (run;
                var scope = run.enter()) {
            for (int n = 1; n <= 2; n++) {
                memory.admin()
                        .forceRelease(new JobIdentity(new LockKey("partner-api"), null, new Slot(n, 2)))
                        .toCompletableFuture()
                        .join();
            }
            ticker.advance(TTL.dividedBy(2));
            events.awaitOne(GuardEvent.Lost.class);
            assertThat(run.lost()).contains(LossReason.GONE);
            assertThat(Interrupts.taken()).isTrue();
        }
    }

    @Test
    void each_slot_that_is_held_when_the_store_fails_lapses_and_nothing_is_left() throws Exception {
        store.loseAcquireAnswers(1);
        assertThat(refused(limited(2, "order/1")).verdict()).isEqualTo(Verdict.UNAVAILABLE);
        try (GuardedRun one = admitted(limited(2, "order/1"));
                GuardedRun two = admitted(limited(2, "order/2"))) {
            assertThat(one.isHeld() && two.isHeld()).isTrue();
        }
    }

    @Test
    void a_limit_is_kept_with_a_ledger_too() throws Exception {
        try (JobGuard fenced = JobGuard.builder(store)
                .ticker(ticker)
                .ledger(new InMemoryRunLedger(ticker))
                .build()) {
            GuardedRun one = fenced.admit(limited(2, "a")).fold(run -> run, refusal -> null);
            GuardedRun two = fenced.admit(limited(2, "b")).fold(run -> run, refusal -> null);
            assertThat(one).isNotNull();
            assertThat(two).isNotNull();
            assertThat(verdict(fenced, limited(2, "c"))).isEqualTo(Verdict.OVERLAP);
            one.complete();
            two.complete();
            assertThat(verdict(fenced, limited(2, "a"))).isEqualTo(Verdict.DONE);
        }
    }

    @Test
    void a_minimal_hold_keeps_the_key_after_a_short_run_and_even_if_its_process_dies() throws Exception {
        RunRequest request = RunRequest.lock("report")
                .tune(options -> options.withThrottle(new Throttle(1, Duration.ofMinutes(10))));
        admitted(request).complete();
        ticker.advance(Duration.ofMinutes(9));
        Refusal refusal = refused(request);
        assertThat(refusal.verdict()).isEqualTo(Verdict.THROTTLED);
        assertThat(refusal.retryAfter()).isEqualTo(Duration.ofMinutes(1));
        assertThat(refusal.reason()).contains("one run of 'report' may start in PT10M");
        ticker.advance(Duration.ofMinutes(1));
        admitted(request).close();
    }

    @Test
    void a_throttle_lets_so_many_runs_begin_in_any_stretch_of_its_length() throws Exception {
        RunRequest request = RunRequest.lock("mail").tune(options -> options.with("throttle", "2/1m"));
        admitted(request).complete();
        ticker.advance(Duration.ofSeconds(40));
        admitted(request).complete();
        assertThat(refused(request).retryAfter()).isEqualTo(Duration.ofSeconds(20));
        ticker.advance(Duration.ofSeconds(20));
        admitted(request).complete();
        assertThat(refused(request).retryAfter()).isEqualTo(Duration.ofSeconds(40));
    }

    @Test
    void a_run_that_is_refused_for_another_reason_does_not_count() throws Exception {
        RunRequest request = RunRequest.lock("mail").tune(options -> options.with("throttle", "2/1m"));
        GuardedRun run = admitted(request);
        assertThat(refused(request).verdict()).isEqualTo(Verdict.OVERLAP);
        run.complete();
        admitted(request).complete();
        assertThat(refused(request).verdict()).isEqualTo(Verdict.THROTTLED);
    }

    @Test
    void without_a_lock_key_the_runs_of_the_job_are_counted() throws Exception {
        RunRequest request =
                RunRequest.occurrence("mail/1").job("mails").tune(options -> options.with("throttle", "1/1m"));
        admitted(request).complete();
        Refusal refusal =
                refused(RunRequest.occurrence("mail/2").job("mails").tune(options -> options.with("throttle", "1/1m")));
        assertThat(refusal.verdict()).isEqualTo(Verdict.THROTTLED);
        assertThat(refusal.reason()).contains("'mails'");
    }

    @Test
    void a_throttled_run_that_waits_is_let_in_when_it_is_time() throws Exception {
        RunRequest request = RunRequest.lock("mail").tune(options -> options.with("throttle", "1/10s"));
        admitted(request).complete();
        CompletableFuture<Admission> waiting = guard.admitAsync(request.waitAtMost(Duration.ofHours(1)));
        PassingTime.until(ticker, Duration.ofSeconds(1), waiting::isDone);
        waiting.get()
                .fold(run -> run, refusal -> {
                    throw new AssertionError(refusal);
                })
                .close();
    }

    @Test
    void keys_and_names_of_workers_may_be_as_long_and_odd_as_elsewhere() throws Exception {
        try (JobGuard odd = JobGuard.builder(store)
                .worker("line\nbreak \uD83D " + "x".repeat(2000))
                .ticker(ticker)
                .build()) {
            RunRequest request = RunRequest.lock("k".repeat(512)).tune(options -> options.with("throttle", "1/1m"));
            assertThat(odd.run(request, run -> "ran")).isInstanceOf(RunResult.Ran.class);
            assertThat(verdict(odd, request)).isEqualTo(Verdict.THROTTLED);
        }
    }

    @Test
    void plain_code_runs_under_a_limit() throws Exception {
        RunRequest request = RunRequest.lock("plain").tune(options -> options.with("throttle", "1/1m"));
        assertThat(guard.run(request, run -> "first")).isInstanceOf(RunResult.Ran.class);
        assertThat(guard.run(request, run -> "second")).isInstanceOf(RunResult.Refused.class);
    }

    @Test
    void a_limit_without_a_lock_key_is_refused_at_once() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> guard.admit(RunRequest.occurrence("x").tune(options -> options.withConcurrency(2))))
                .withMessageContaining("concurrency")
                .withMessageContaining("Give it a lock key");
    }
}
