package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import io.hapax.WorkTransaction.End;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Runs that end as their transactions do. */
class WorkTransactionTest {

    /** The ledger in memory has no use for it. */
    private static final Connection CONNECTION = (Connection) Proxy.newProxyInstance(
            WorkTransactionTest.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, args) -> {
                throw new UnsupportedOperationException(method.getName());
            });

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final InMemoryRunLedger ledger = new InMemoryRunLedger(ticker);
    private final JobGuard guard = JobGuard.builder(store).ticker(ticker).build();
    private final JobGuard ledgered =
            JobGuard.builder(store.otherClient()).ledger(ledger).ticker(ticker).build();
    private final RunRequest request = RunRequest.lock("k").once("r");

    @AfterEach
    void nothing_is_left() {
        guard.close();
        ledgered.close();
        assertThat(guard.activeRuns() + ledgered.activeRuns()).isZero();
    }

    private static GuardedRun entered(JobGuard by, RunRequest wanted) throws InterruptedException {
        GuardedRun run = Answered.run(by.admit(wanted));
        run.enter().close();
        return run;
    }

    private RunState state() {
        return ledger.entry(request.identity())
                .toCompletableFuture()
                .join()
                .orElseThrow()
                .state();
    }

    @Test
    void a_run_that_was_left_is_renewed_and_may_be_entered_again() throws Exception {
        GuardedRun run = entered(guard, request);
        ticker.advance(Duration.ofSeconds(20));
        ticker.advance(Duration.ofSeconds(20));
        assertThat(run.isHeld()).isTrue();
        try (GuardedRun.Scope scope = run.enter()) {
            assertThat(CurrentRun.find()).contains(run);
            assertThatIllegalStateException().isThrownBy(run::enter).withMessageContaining("running already");
            assertThat(scope).isNotNull();
        }
        assertThat(CurrentRun.find()).isEmpty();
        assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        assertThatIllegalStateException().isThrownBy(run::enter).withMessageContaining("has ended");
    }

    @Test
    void a_shutdown_neither_waits_for_nor_interrupts_a_run_that_ends_with_a_transaction_of_its_thread()
            throws Exception {
        GuardedRun run = entered(guard, request);
        new WorkTransaction(run).endsOnThisThread();
        // Nobody moves the clock: whoever waited for the run would wait for ever.
        CompletableFuture<Boolean> elsewhere = new CompletableFuture<>();
        Thread other = new Thread(() -> {
            try {
                elsewhere.complete(guard.shutdown(Duration.ZERO));
            } catch (InterruptedException | RuntimeException e) {
                elsewhere.completeExceptionally(e);
            }
        });
        assertThat(guard.shutdown(Duration.ofSeconds(1))).isTrue();
        assertThat(run.isHeld()).isTrue();
        // On any other thread it is one like others.
        other.start();
        other.join();
        assertThat(elsewhere.join()).isFalse();
        assertThat(run.lost()).contains(LossReason.SHUTDOWN);
        run.close();
    }

    @Test
    void a_run_that_was_lost_after_it_was_left_can_not_be_entered_again() throws Exception {
        GuardedRun run = entered(guard, request);
        store.forgetEverything();
        ticker.advance(Duration.ofSeconds(12));
        assertThat(run.lost()).isPresent();
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(run::enter);
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
    }

    @Test
    void what_was_rolled_back_has_failed_although_its_code_succeeded() throws Exception {
        GuardedRun run = entered(guard, request);
        new WorkTransaction(run).ended(End.ROLLED_BACK);
        assertThat(run.complete()).isEqualTo(RunOutcome.FAILED);
        assertThat(entered(guard, request).complete()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void the_last_of_several_transactions_counts() throws Exception {
        GuardedRun run = entered(ledgered, request);
        WorkTransaction work = new WorkTransaction(run);
        work.complete(CONNECTION);
        work.ended(End.ROLLED_BACK);
        assertThat(work.isOpenInLedger()).isTrue();
        work.ended(End.COMMITTED);
        assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void plain_code_whose_transaction_rolled_back_returns_its_value() throws Exception {
        RunResult<Integer> result = guard.run(request, run -> {
            new WorkTransaction(run).ended(End.ROLLED_BACK);
            return 7;
        });
        assertThat(result).isEqualTo(new RunResult.Ran<>(7, RunOutcome.FAILED));
    }

    @Test
    void what_was_committed_is_completed_without_asking_the_ledger_again() throws Exception {
        GuardedRun run = entered(ledgered, request);
        WorkTransaction work = new WorkTransaction(run);
        assertThat(work.isOpenInLedger()).isTrue();
        work.complete(CONNECTION);
        assertThat(work.isOpenInLedger()).isFalse();
        work.ended(End.COMMITTED);
        assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        assertThat(state()).isEqualTo(RunState.DONE);
    }

    @Test
    void a_run_without_a_claim_can_not_be_completed_in_a_transaction() throws Exception {
        GuardedRun run = entered(guard, request);
        assertThat(new WorkTransaction(run).isOpenInLedger()).isFalse();
        run.close();
    }

    private void inDoubt(Consumer<GuardedRun> end) throws Exception {
        GuardedRun run = entered(guard, request);
        new WorkTransaction(run).ended(End.UNKNOWN);
        end.accept(run);
        assertThat(guard.activeRuns()).isZero();
        assertThat(Answered.refusal(guard.admit(request)).verdict()).isEqualTo(Verdict.RUNNING);
        ticker.advance(Duration.ofSeconds(31));
        entered(guard, request).close();
    }

    @Test
    void what_is_in_doubt_is_neither_done_nor_free_until_its_lease_runs_out() throws Exception {
        inDoubt(run -> assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED));
        inDoubt(run -> assertThat(run.fail(new IllegalStateException("commit"))).isEqualTo(RunOutcome.UNCONFIRMED));
        inDoubt(GuardedRun::close);
    }

    @Test
    void what_is_in_doubt_is_left_in_the_ledger_as_after_a_crash() throws Exception {
        RunRequest abandoning = request.tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
        GuardedRun run = entered(ledgered, abandoning);
        new WorkTransaction(run).ended(End.UNKNOWN);
        assertThat(run.complete()).isEqualTo(RunOutcome.UNCONFIRMED);
        assertThat(state()).isEqualTo(RunState.RUNNING);
        ticker.advance(Duration.ofSeconds(31));
        assertThat(Answered.refusal(ledgered.admit(abandoning)).verdict()).isEqualTo(Verdict.ABANDONED);
    }

    @Test
    void of_what_is_in_doubt_and_was_completed_in_the_transaction_the_ledger_knows() throws Exception {
        GuardedRun run = entered(ledgered, request);
        WorkTransaction work = new WorkTransaction(run);
        work.complete(CONNECTION);
        work.ended(End.UNKNOWN);
        assertThat(run.fail(new IllegalStateException("no answer"))).isEqualTo(RunOutcome.COMPLETED);
    }

    /** Implements what a job names. */
    private static final class Mails implements Runnable {
        @Override
        public void run() {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void a_run_is_found_by_the_method_that_it_was_said_to_be() throws Exception {
        GuardedRun run = Answered.run(guard.admit(request));
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            assertThat(WorkTransaction.find(Mails.class, "run")).isEmpty();
            new WorkTransaction(run).around(Runnable.class.getName(), "run");
            assertThat(WorkTransaction.find(Mails.class, "run")).contains(run);
            assertThat(WorkTransaction.find(Mails.class, "send")).isEmpty();
            assertThat(WorkTransaction.find(String.class, "run")).isEmpty();
            assertThat(scope).isNotNull();
        }
        assertThat(WorkTransaction.find(Mails.class, "run")).isEmpty();
    }

    @Test
    void who_waited_in_vain_while_holding_keys_is_told_so() throws Exception {
        GuardedRun holder = entered(guard, RunRequest.lock("b"));
        RunRequest wanted = RunRequest.lock("b").whileHolding("lock a");
        assertThat(Answered.refusal(guard.admit(wanted)).reason()).doesNotContain("lock a");
        var waiting = guard.admitAsync(wanted.waitAtMost(Duration.ofSeconds(2)));
        // Pauses end on a thread that the clock does not know.
        await().pollInterval(Duration.ofMillis(10)).until(() -> {
            ticker.advance(Duration.ofSeconds(1));
            return waiting.isDone();
        });
        assertThat(Answered.refusal(waiting.join()).reason())
                .contains("the key is held by", "waitTimeout=2s", "holds lock a", "same order");
        holder.close();
    }

    @Test
    void plain_code_is_refused_where_its_run_could_not_end_with_its_work_unless_that_is_meant() throws Exception {
        try (JobGuard inside = JobGuard.builder(store.otherClient())
                .ticker(ticker)
                .obstacle(() -> Optional.of("there is a transaction"))
                .build()) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> inside.run(request, run -> 1))
                    .withMessageContaining("lock k, run r")
                    .withMessageEndingWith("there is a transaction");
            assertThat(inside.run(request.apart(), run -> 1).ran()).isTrue();
        }
    }
}
