package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Time stands still unless a test advances it: whoever waits here waits for ever, and the time-out tells. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class NobodyWaitsForHimselfTest {

    private static final Duration LONG = Duration.ofMinutes(10);

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final Events events = new Events();
    private final JobGuard guard = JobGuard.builder(store)
            .worker("here")
            .ticker(ticker)
            .listener(events)
            .build();
    private final JobGuard withLedger = JobGuard.builder(store)
            .worker("here, too")
            .ticker(ticker)
            .listener(events)
            .ledger(new InMemoryRunLedger(ticker))
            .build();

    @AfterEach
    void close() {
        guard.close();
        withLedger.close();
    }

    private static RunRequest waiting(String key) {
        return RunRequest.lock(key).waitAtMost(LONG);
    }

    private static Refusal refusal(RunResult<?> result) {
        return ((RunResult.Refused<?>) result).refusal();
    }

    @Test
    void a_shutdown_inside_a_run_neither_waits_for_it_nor_interrupts_it() throws Exception {
        RunResult<Boolean> result = guard.run(RunRequest.lock("exit"), run -> {
            boolean others = guard.shutdown(LONG);
            assertThat(run.isHeld()).isTrue();
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            return others;
        });

        assertThat(result).isInstanceOfSatisfying(RunResult.Ran.class, ran -> {
            assertThat(ran.value()).isEqualTo(true);
            assertThat(ran.outcome()).isEqualTo(RunOutcome.COMPLETED);
        });
    }

    @Test
    void a_shutdown_inside_nested_runs_waits_for_none_of_them() throws Exception {
        RunResult<?> result = guard.run(
                RunRequest.lock("outer"), outer -> guard.run(RunRequest.lock("inner"), inner -> guard.shutdown(LONG)));

        assertThat(result).isInstanceOf(RunResult.Ran.class);
        assertThat(events.of(GuardEvent.Lost.class)).isEmpty();
    }

    @Test
    void a_shutdown_inside_a_run_with_a_slot_waits_for_neither() throws Exception {
        RunRequest request = RunRequest.lock("pool").once("pool@1").tune(options -> options.withConcurrency(2));
        RunResult<?> result = guard.run(request, run -> guard.shutdown(LONG));

        assertThat(result).isInstanceOf(RunResult.Ran.class);
        assertThat(events.of(GuardEvent.Lost.class)).isEmpty();
    }

    @Test
    void a_shutdown_inside_a_run_tells_the_others_when_the_grace_is_over() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CompletableFuture<LossReason> told = new CompletableFuture<>();
        Thread other = new Thread(() -> {
            try {
                guard.run(RunRequest.lock("other"), run -> {
                    run.onLeaseLost(loss -> told.complete(loss.reason()));
                    entered.countDown();
                    Thread.sleep(LONG.toMillis());
                    return null;
                });
            } catch (InterruptedException | LeaseLostException expected) {
                // Told to stop.
            }
        });
        other.start();
        entered.await();

        RunResult<Boolean> result = guard.run(RunRequest.lock("exit"), run -> {
            boolean others = guard.shutdown(Duration.ofMillis(1));
            assertThat(run.isHeld()).isTrue();
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            return others;
        });

        assertThat(told.get(40, TimeUnit.SECONDS)).isEqualTo(LossReason.SHUTDOWN);
        assertThat(result).isInstanceOf(RunResult.Ran.class);
        other.join();
    }

    @Test
    void a_shutdown_inside_a_part_of_a_run_neither_waits_for_it_nor_ends_it() throws Exception {
        GuardedRun run = guard.admit(RunRequest.lock("exit")).fold(admitted -> admitted, refused -> null);
        run.enter().close();
        try (GuardedRun.Scope part = run.takePart()) {
            assertThat(guard.shutdown(LONG)).isTrue();
            assertThat(run.isHeld()).isTrue();
        }
        assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void a_shutdown_inside_a_run_of_which_another_thread_has_a_part_waits_for_none_of_both() throws Exception {
        GuardedRun outer = guard.admit(RunRequest.lock("outer")).fold(admitted -> admitted, refused -> null);
        try (GuardedRun.Scope scope = outer.enter()) {
            CompletableFuture<Boolean> others = new CompletableFuture<>();
            Thread helper = new Thread(() -> {
                try (GuardedRun.Scope part = outer.takePart()) {
                    guard.run(RunRequest.lock("inner"), inner -> others.complete(guard.shutdown(LONG)));
                } catch (Throwable failure) {
                    others.completeExceptionally(failure);
                }
            });
            helper.start();
            assertThat(others.get(40, TimeUnit.SECONDS)).isTrue();
            helper.join();
            assertThat(outer.isHeld()).isTrue();
        }
        assertThat(outer.complete()).isEqualTo(RunOutcome.COMPLETED);
        assertThat(events.of(GuardEvent.Lost.class)).isEmpty();
    }

    @Test
    void the_lease_of_a_run_that_shuts_down_is_renewed_until_the_run_ends() throws Exception {
        JobGuard second =
                JobGuard.builder(store).worker("second").ticker(ticker).build();
        guard.run(RunRequest.lock("exit"), run -> {
            guard.shutdown(LONG);
            for (int n = 0; n < 20; n++) {
                ticker.advance(Duration.ofSeconds(5));
            }
            assertThat(run.isHeld()).isTrue();
            assertThat(second.run(RunRequest.lock("exit"), mine -> 1)).isInstanceOf(RunResult.Refused.class);
            return null;
        });
        assertThat(second.run(RunRequest.lock("exit"), mine -> 1)).isInstanceOf(RunResult.Ran.class);
        second.close();
    }

    @Test
    void a_run_that_waits_for_its_own_key_is_refused_at_once_and_named() throws Exception {
        RunResult<?> inner = guard.run(RunRequest.lock("k").job("import"), outer -> guard.run(waiting("k"), run -> 1))
                .fold(RunResult.Ran::value, refused -> null);

        assertThat(inner).isInstanceOf(RunResult.Refused.class);
        assertThat(refusal(inner).verdict()).isEqualTo(Verdict.OVERLAP);
        assertThat(refusal(inner).reason()).contains("import", "this thread");
    }

    @Test
    void the_same_with_another_run_in_between() throws Exception {
        guard.run(
                RunRequest.lock("a").job("outermost"),
                outer -> guard.run(RunRequest.lock("b"), middle -> {
                    RunResult<Integer> inner = guard.run(waiting("a"), run -> 1);
                    assertThat(refusal(inner).reason()).contains("outermost");
                    return null;
                }));
    }

    @Test
    void the_same_with_a_ledger() throws Exception {
        withLedger.run(RunRequest.lock("k").job("import"), outer -> {
            RunResult<Integer> inner = withLedger.run(waiting("k"), run -> 1);
            assertThat(refusal(inner).reason()).contains("import", "this thread");
            return null;
        });
    }

    @Test
    void the_same_with_another_guard_of_the_process() throws Exception {
        guard.run(RunRequest.lock("k").job("import"), outer -> {
            RunResult<Integer> inner = withLedger.run(waiting("k"), run -> 1);
            assertThat(refusal(inner).reason()).contains("import", "this thread");
            return null;
        });
    }

    @Test
    void the_same_between_two_stretches_of_code_where_no_thread_is_at_the_runs() throws Exception {
        GuardedRun outer = Answered.run(
                guard.admitAsync(RunRequest.lock("a").job("outermost")).get());
        outer.enter().close();
        GuardedRun middle = Answered.run(
                guard.admitAsync(RunRequest.lock("b").within(outer)).get());
        middle.enter().close();

        Refusal inner =
                Answered.refusal(guard.admitAsync(waiting("a").within(middle)).get());
        assertThat(inner.reason()).contains("outermost", "would never end");
        try (GuardedRun.Scope part = middle.takePart()) {
            assertThat(guard.shutdown(LONG)).isTrue();
        }
        assertThat(middle.complete()).isEqualTo(RunOutcome.COMPLETED);
        assertThat(outer.complete()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void the_same_for_an_occurrence() throws Exception {
        guard.run(RunRequest.occurrence("report@1"), outer -> {
            RunResult<Integer> inner =
                    guard.run(RunRequest.occurrence("report@1").waitAtMost(LONG), run -> 1);
            assertThat(refusal(inner).verdict()).isEqualTo(Verdict.RUNNING);
            assertThat(refusal(inner).reason()).contains("report@1", "this thread");
            return null;
        });
    }

    @Test
    void a_key_for_several_is_waited_for_unless_this_thread_holds_all_its_slots() throws Exception {
        RunRequest slot = waiting("pool").tune(options -> options.withConcurrency(2));
        guard.run(
                slot,
                first -> guard.run(slot, second -> {
                    RunResult<Integer> third = guard.run(slot, run -> 1);
                    assertThat(refusal(third).reason()).contains("this thread");
                    return null;
                }));
    }

    @Test
    void a_key_that_another_thread_holds_is_waited_for_as_before() throws Exception {
        GuardedRun elsewhere = guard.admit(RunRequest.lock("k")).fold(run -> run, refused -> null);
        CompletableFuture<RunResult<Integer>> result = new CompletableFuture<>();
        Thread waiter = new Thread(() -> {
            try {
                result.complete(guard.run(
                        RunRequest.lock("mine"),
                        outer -> guard.run(waiting("k"), run -> 1).fold(ran -> ran.value(), refused -> 0)));
            } catch (InterruptedException e) {
                result.completeExceptionally(e);
            }
        });
        waiter.start();
        await().until(() -> !guard.admin().waiting().isEmpty());
        elsewhere.close();

        await().until(() -> {
            ticker.advance(Duration.ofMillis(100));
            return result.isDone();
        });
        assertThat(result.get())
                .isInstanceOfSatisfying(
                        RunResult.Ran.class, ran -> assertThat(ran.value()).isEqualTo(1));
        waiter.join();
    }

    @Test
    void the_same_key_of_another_store_is_waited_for_if_another_one_holds_it_there() throws Exception {
        InMemoryLeaseStore elsewhere = new InMemoryLeaseStore(ticker);
        try (JobGuard holding = JobGuard.builder(elsewhere)
                        .worker("there")
                        .ticker(ticker)
                        .build();
                JobGuard asking = JobGuard.builder(elsewhere.otherClient())
                        .worker("here")
                        .ticker(ticker)
                        .build()) {
            GuardedRun held = Answered.run(holding.admit(RunRequest.lock("k")));
            FutureTask<RunResult<Integer>> result =
                    new FutureTask<>(() -> guard.run(RunRequest.lock("k"), outer -> asking.run(waiting("k"), run -> 1))
                            .fold(RunResult.Ran::value, refused -> null));
            new Thread(result).start();
            await().until(() -> result.isDone() || !asking.admin().waiting().isEmpty());
            held.close();
            await().until(() -> {
                ticker.advance(Duration.ofMillis(100));
                return result.isDone();
            });
            assertThat(result.get()).isInstanceOf(RunResult.Ran.class);
        }
    }

    /** A thread that is interrupted before it asks. */
    @Nested
    class ArrivingInterrupted {

        private void refusesToAsk(JobGuard asked) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> asked.admit(RunRequest.lock("k"))).isInstanceOf(InterruptedException.class);
            assertThat(Thread.interrupted()).isFalse();
            assertThat(store.admin()
                            .holder(RunRequest.lock("k").identity())
                            .toCompletableFuture()
                            .join())
                    .isEmpty();
        }

        @Test
        void is_told_so_without_a_ledger() {
            refusesToAsk(guard);
        }

        @Test
        void is_told_so_with_a_ledger() {
            refusesToAsk(withLedger);
        }
    }
}
