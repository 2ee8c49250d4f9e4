package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Ending;
import io.hapax.ledger.AfterCrash;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.StrictLeaseStore;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A run that was admitted and is not at work yet: it counts, for one ttl, and whatever it holds is given back then. */
class UnenteredRunTest {

    private static final Duration TTL = RunOptions.DEFAULTS.ttl();

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final StrictLeaseStore store = new StrictLeaseStore(memory, ticker);
    private final Events events = new Events();
    private final JobGuard guard = JobGuard.builder(store)
            .ticker(ticker)
            .listener(events)
            .closesStore()
            .build();

    @AfterEach
    void close() {
        guard.close();
        store.assertNothingHeld();
    }

    private GuardedRun admitted(RunRequest request) throws InterruptedException {
        return Answered.run(guard.admit(request));
    }

    @Test
    void it_counts_as_active_so_that_the_store_stays_open_for_its_completion() throws Exception {
        GuardedRun run = admitted(RunRequest.occurrence("report"));
        assertThat(guard.activeRuns()).isEqualTo(1);
        guard.close();
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        await().until(() -> guard.activeRuns() == 0);
    }

    @Test
    void it_is_given_back_after_its_ttl_and_can_not_be_entered_any_more() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("report"));
        ticker.advance(TTL);
        await().until(() -> guard.activeRuns() == 0);
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(run::enter)
                .withMessageContaining("NOT_RENEWED. The run was not entered");
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(run::ensureHeld)
                .withMessageContaining("from enter() on");
        assertThat(run.lost()).contains(LossReason.NOT_RENEWED);
        assertThat(events.of(GuardEvent.Lost.class)).isEmpty();
        assertThat(run.complete()).isNotEqualTo(RunOutcome.COMPLETED);
    }

    /** The watchdog takes along what is due soon after. */
    @Test
    void it_is_given_back_after_its_ttl_also_if_another_one_was_admitted_just_before() throws Exception {
        GuardedRun first = admitted(RunRequest.lock("report"));
        ticker.advance(TTL.dividedBy(300));
        GuardedRun second = admitted(RunRequest.lock("bill"));
        ticker.advance(TTL);
        await().until(() -> guard.activeRuns() == 0);
        assertThat(first.isHeld() || second.isHeld()).isFalse();
    }

    @Test
    void its_place_in_a_throttle_is_given_back_when_it_is_closed() throws Exception {
        RunRequest request =
                RunRequest.lock("mail").tune(options -> options.withThrottle(new Throttle(1, Duration.ofMinutes(10))));
        admitted(request).close();
        admitted(request).close();
    }

    @Test
    void its_place_in_a_throttle_is_given_back_after_its_ttl() throws Exception {
        RunRequest request =
                RunRequest.lock("mail").tune(options -> options.withThrottle(new Throttle(1, Duration.ofMinutes(10))));
        GuardedRun vetoed = admitted(request);
        ticker.advance(TTL);
        await().until(() -> guard.activeRuns() == 0);
        assertThat(vetoed.isHeld()).isFalse();
        admitted(request).close();
    }

    @Test
    void the_place_of_a_run_that_was_at_work_stays_taken() throws Exception {
        RunRequest request =
                RunRequest.lock("mail").tune(options -> options.withThrottle(new Throttle(1, Duration.ofMinutes(10))));
        GuardedRun run = admitted(request);
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            run.fail(new IllegalStateException("on purpose"));
        }
        assertThat(guard.admit(request)).isInstanceOf(Admission.Refused.class);
    }

    @Test
    void its_claim_is_free_for_others_even_if_the_job_says_abandon() throws Exception {
        InMemoryRunLedger ledger = new InMemoryRunLedger(ticker);
        try (JobGuard fenced =
                JobGuard.builder(memory).ticker(ticker).ledger(ledger).build()) {
            RunRequest request =
                    RunRequest.occurrence("pay").tune(options -> options.withAfterCrash(AfterCrash.ABANDON));
            assertThat(fenced.admit(request)).isInstanceOf(Admission.Admitted.class);
            ticker.advance(TTL);
            await().until(() -> fenced.activeRuns() == 0);
            fenced.admit(request)
                    .fold(run -> run, refusal -> {
                        throw new AssertionError(refusal);
                    })
                    .close();
        }
    }

    @Test
    void a_shutdown_gives_it_back_after_the_grace() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("report"));
        assertThat(guard.shutdown(Duration.ZERO)).isTrue();
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(run::enter);
    }

    @Test
    void who_wants_to_know_of_its_loss_after_its_ttl_is_called_at_once() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("report"));
        ticker.advance(TTL);
        await().until(() -> run.lost().isPresent());
        CompletableFuture<LossReason> called = new CompletableFuture<>();
        run.onLeaseLost(loss -> called.complete(loss.reason()));
        assertThat(called.get(40, TimeUnit.SECONDS)).isEqualTo(LossReason.NOT_RENEWED);
    }

    @Test
    void who_wants_to_know_of_a_loss_that_showed_at_the_end_is_called_at_once() throws Exception {
        GuardedRun run = admitted(RunRequest.occurrence("report"));
        try (GuardedRun.Scope scope = run.enter()) {
            store.release(run.lease().orElseThrow(), Ending.NOT_DONE)
                    .toCompletableFuture()
                    .join();
            assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
        }
        CompletableFuture<LossReason> called = new CompletableFuture<>();
        run.onLeaseLost(loss -> called.complete(loss.reason()));
        assertThat(called.get(40, TimeUnit.SECONDS)).isEqualTo(LossReason.GONE);
    }

    @Test
    void it_may_be_entered_again_if_that_has_failed() throws Exception {
        GuardedRun run = admitted(RunRequest.lock("report"));
        guard.engine().watchdog().leaveTo(new FailingAfterFirst());
        assertThatExceptionOfType(InternalError.class).isThrownBy(run::enter);
        assertThat(CurrentRun.find()).isEmpty();
        guard.engine().watchdog().leaveTo(() -> 0.5);
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
    }

    private static final class FailingAfterFirst implements DoubleSupplier {
        private boolean asked;

        @Override
        public double getAsDouble() {
            if (asked) {
                throw new InternalError("as if there were no memory");
            }
            asked = true;
            return 0.5;
        }
    }

    @Test
    void a_scope_that_is_closed_twice_does_not_end_the_one_after_it() throws Exception {
        try (GuardedRun run = admitted(RunRequest.lock("report"))) {
            GuardedRun.Scope first = run.enter();
            first.close();
            try (GuardedRun.Scope second = run.enter()) {
                first.close();
                assertThat(run.thread()).isSameAs(Thread.currentThread());
                assertThat(CurrentRun.find()).contains(run);
            }
            assertThat(CurrentRun.find()).isEmpty();
        }
    }
}
