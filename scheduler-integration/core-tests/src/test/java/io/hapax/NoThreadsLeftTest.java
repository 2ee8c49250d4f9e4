package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.OwnThread;
import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A thread that cannot be started, as native threads are exhausted, is started with the next need. */
class NoThreadsLeftTest {

    private static final Duration TTL = Duration.ofSeconds(1);
    private static final int RUNS = 400;
    private static final Duration LONG = Duration.ofSeconds(10);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private volatile boolean exhausted = true;
    private final GuardThreads threads = new GuardThreads((what, failure) -> {}, thread -> {
        if (exhausted) {
            throw new OutOfMemoryError("unable to create native thread");
        }
    });
    private final JobGuard guard =
            JobGuard.builder(memory).ticker(ticker).threads(threads).build();
    private final JobGuard other =
            JobGuard.builder(memory.otherClient()).ticker(ticker).build();

    @AfterEach
    void the_guard_ends() throws InterruptedException {
        exhausted = false;
        assertThat(guard.shutdown(Duration.ofSeconds(40))).isTrue();
    }

    private static RunRequest request(String key) {
        return RunRequest.lock(key).ttl(TTL).tune(options -> options.withOnLeaseLost(OnLeaseLost.SIGNAL));
    }

    private GuardedRun entered(String key) throws InterruptedException {
        GuardedRun run = Answered.run(guard.admit(request(key)));
        GuardedRun.Scope unused = run.enter();
        return run;
    }

    private void isRenewed(GuardedRun run, String key) throws InterruptedException {
        for (int tenth = 0; tenth < 25; tenth++) {
            ticker.advance(TTL.dividedBy(10));
            assertThat(other.admit(request(key))).isInstanceOf(Admission.Refused.class);
            assertThat(run.isHeld()).isTrue();
        }
    }

    @Test
    void a_short_run_needs_no_thread() throws Exception {
        assertThat(entered("k").complete()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void the_next_run_starts_the_thread_that_the_last_one_lacked_and_both_are_renewed() throws Exception {
        GuardedRun first = entered("first");
        exhausted = false;
        GuardedRun second = entered("second");
        isRenewed(second, "second");
        isRenewed(first, "first");
        assertThat(first.complete()).isEqualTo(RunOutcome.COMPLETED);
        assertThat(second.complete()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void a_run_without_a_watchdog_does_not_believe_in_its_lease_once_others_may_have_it() throws Exception {
        GuardedRun run = entered("k");
        ticker.advance(TTL);
        assertThat(other.admit(request("k"))).isInstanceOf(Admission.Admitted.class);
        assertThat(run.isHeld()).isFalse();
        assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
    }

    @Test
    void a_callback_for_which_there_was_no_thread_is_called_with_the_next() throws Exception {
        StringBuffer told = new StringBuffer();
        GuardedRun first = entered("first");
        first.onLeaseLost(loss -> told.append("first "));
        first.lose(LossReason.GONE, null);
        exhausted = false;
        GuardedRun second = entered("second");
        second.onLeaseLost(loss -> told.append("second "));
        second.lose(LossReason.GONE, null);
        FaultWorld.patiently("both are told")
                .untilAsserted(() -> assertThat(told.toString()).contains("first ", "second "));
        assertThat(first.complete()).isEqualTo(RunOutcome.LOST);
        assertThat(second.complete()).isEqualTo(RunOutcome.LOST);
    }

    /** Nor is there a thread for the timer: what it is given is done when others give it something again, which nobody does here. */
    private JobGuard withoutTimer() {
        GuardThreads neither =
                new GuardThreads((what, failure) -> {}, thread -> {
                    if (exhausted) {
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                }) {
                    @Override
                    public Runnable after(Duration delay, Executor executor, Runnable task) {
                        return exhausted ? () -> {} : super.after(delay, executor, task);
                    }
                };
        return JobGuard.builder(memory).ticker(ticker).threads(neither).build();
    }

    @Test
    void a_run_that_is_entered_when_there_are_threads_again_is_renewed_also_if_nobody_else_runs() throws Exception {
        try (JobGuard lone = withoutTimer()) {
            GuardedRun run = Answered.run(lone.admit(request("k")));
            exhausted = false;
            try (GuardedRun.Scope work = run.enter()) {
                isRenewed(run, "k");
            }
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
    }

    @Test
    void a_run_that_nobody_watches_is_renewed_once_somebody_looks_at_the_runs_of_its_guard() throws Exception {
        try (JobGuard lone = withoutTimer()) {
            GuardedRun run = Answered.run(lone.admit(request("k")));
            try (GuardedRun.Scope work = run.enter()) {
                exhausted = false;
                assertThat(lone.activeRuns()).isEqualTo(1);
                isRenewed(run, "k");
            }
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
    }

    /** As where standard output blocks: threads are started under locks, which all runs of a guard take. */
    @Test
    void a_log_that_blocks_because_no_thread_can_be_started_holds_nobody() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        GuardThreads blocked = new GuardThreads((what, failure) -> awaitUninterrupted(goOn), thread -> {
            if (exhausted) {
                throw new OutOfMemoryError("unable to create native thread");
            }
        });
        JobGuard quiet = JobGuard.builder(memory).threads(blocked).build();
        CompletableFuture<GuardedRun> run = OwnThread.supply(() -> unchecked(quiet, "k"));
        try {
            assertThat(run).succeedsWithin(LONG);
            assertThat(OwnThread.supply(quiet::activeRuns)).succeedsWithin(LONG).isEqualTo(1);
        } finally {
            goOn.countDown();
        }
        run.join().close();
        quiet.close();
    }

    private static GuardedRun unchecked(JobGuard guard, String key) {
        try {
            return Answered.run(guard.admit(request(key)));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** With a thread for each of them, those for which none could be started would not be told. */
    @Test
    void hundreds_of_runs_that_are_lost_at_once_are_all_told_by_the_few_threads_that_there_are() throws Exception {
        AtomicInteger callbackThreads = new AtomicInteger();
        GuardThreads few = new GuardThreads((what, failure) -> {}, thread -> {
            if (thread.getName().startsWith("hapax-callback") && callbackThreads.incrementAndGet() > 2) {
                throw new OutOfMemoryError("unable to create native thread");
            }
        });
        Set<String> told = ConcurrentHashMap.newKeySet();
        try (JobGuard crowded = JobGuard.builder(memory)
                .ticker(ticker)
                .threads(few)
                .withoutLogging()
                .build()) {
            List<GuardedRun> runs = new ArrayList<>();
            for (int n = 0; n < RUNS; n++) {
                GuardedRun run = Answered.run(crowded.admit(request("run-" + n)));
                run.enter().close();
                run.onLeaseLost(loss -> told.add(run.job()));
                runs.add(run);
            }
            memory.forgetEverything();
            ticker.advance(TTL);
            await().until(() -> told.size() == RUNS);
            runs.forEach(run -> assertThat(run.complete()).isEqualTo(RunOutcome.LOST));
        }
    }
}
