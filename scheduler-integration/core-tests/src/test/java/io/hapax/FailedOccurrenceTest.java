package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An occurrence whose run fails is over only if the request says so. */
class FailedOccurrenceTest {

    private static final Throwable FAILURE = new IllegalStateException("the job fails");

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore leases = new InMemoryLeaseStore(ticker);
    private final InMemoryRunLedger runs = new InMemoryRunLedger(ticker);
    private final Events events = new Events();
    private final JobGuard guard = guard(false);
    private final JobGuard withLedger = guard(true);

    private final RunRequest usual = RunRequest.lock("report").once("report@1");
    private final RunRequest scheduled = usual.planned().endsWithFailure();

    private JobGuard guard(boolean ledger) {
        JobGuardBuilder builder =
                JobGuard.builder(leases).worker("here").ticker(ticker).listener(events);
        return (ledger ? builder.ledger(runs) : builder).build();
    }

    private static GuardedRun admitted(JobGuard by, RunRequest request) throws InterruptedException {
        return Answered.run(by.admit(request));
    }

    private static void assertFailed(Refusal refusal) {
        assertThat(refusal.verdict()).isEqualTo(Verdict.DONE);
        assertThat(refusal.reason()).startsWith("noted as failed by here");
    }

    private Optional<RunState> noted() {
        return runs.entry(usual.identity()).toCompletableFuture().join().map(entry -> entry.state());
    }

    @AfterEach
    void nothing_is_left() {
        guard.close();
        withLedger.close();
        assertThat(guard.activeRuns() + withLedger.activeRuns()).isZero();
    }

    @Test
    void it_is_over_for_everybody_until_it_is_forgotten() throws Exception {
        GuardedRun run = admitted(guard, scheduled);
        assertThat(run.fail(FAILURE)).isEqualTo(RunOutcome.FAILED);
        assertFailed(Answered.refusal(guard.admit(scheduled)));
        assertFailed(Answered.refusal(guard.admit(usual)));
        admitted(guard, RunRequest.lock("report").once("report@2")).complete();

        ticker.advance(RunOptions.DEFAULTS.retention().plus(Duration.ofSeconds(1)));
        admitted(guard, scheduled).complete();
        assertThat(events.of(GuardEvent.Released.class))
                .extracting(GuardEvent.Released::outcome)
                .containsExactly(RunOutcome.FAILED, RunOutcome.COMPLETED, RunOutcome.COMPLETED);
    }

    @Test
    void the_ledger_knows_it_when_the_store_has_forgotten_everything() throws Exception {
        admitted(withLedger, scheduled).fail(FAILURE);
        assertThat(noted()).contains(RunState.FAILED_FOR_GOOD);
        assertFailed(Answered.refusal(withLedger.admit(scheduled)));
        leases.forgetEverything();
        assertFailed(Answered.refusal(withLedger.admit(scheduled)));
    }

    @Test
    void it_is_free_by_default_and_when_it_is_to_be_tried_again() throws Exception {
        admitted(withLedger, usual).fail(FAILURE);
        assertThat(noted()).contains(RunState.FAILED);
        admitted(withLedger, scheduled).failForNow(FAILURE);
        assertThat(noted()).contains(RunState.FAILED);
        GuardedRun third = admitted(withLedger, scheduled);
        assertThat(third.attempt()).isEqualTo(3);
        assertThat(third.complete()).isEqualTo(RunOutcome.COMPLETED);
    }

    @Test
    void a_run_that_was_given_back_or_has_lost_its_lease_has_not_failed() throws Exception {
        admitted(guard, scheduled).close();
        GuardedRun frozen = admitted(guard, scheduled);
        try (var scope = frozen.enter(OnLeaseLost.SIGNAL)) {
            frozen.lose(LossReason.MAX_HOLD, null);
            assertThat(frozen.fail(FAILURE)).isEqualTo(RunOutcome.LOST);
        }
        admitted(guard, scheduled).complete();
    }

    @Test
    void a_run_without_a_run_key_has_no_occurrence_that_could_be_over() throws Exception {
        RunRequest locked = RunRequest.lock("report").endsWithFailure();
        admitted(withLedger, locked).fail(FAILURE);
        admitted(withLedger, locked).complete();
    }
}
