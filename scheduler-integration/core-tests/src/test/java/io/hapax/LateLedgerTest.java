package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Lease;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.ForwardingRunLedger;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.LateRunLedger;
import io.hapax.testkit.LateRunLedger.Operation;
import io.hapax.testkit.NoThreads;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the ledger carries out after its caller gave up: nobody waits for a person because of a run that never began. */
class LateLedgerTest {

    private static final Duration TTL = RunOptions.DEFAULTS.ttl();

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(ticker);
    private final InMemoryRunLedger memory = new InMemoryRunLedger(ticker);
    private final LateRunLedger ledger = new LateRunLedger(memory);
    private final JobGuard stalling = JobGuard.builder(store)
            .worker("stalling")
            .ticker(ticker)
            .ledger(ledger)
            .build();
    private final JobGuard other = JobGuard.builder(store.otherClient())
            .worker("other")
            .ticker(ticker)
            .ledger(memory)
            .build();
    private final RunRequest request =
            RunRequest.lock("payment").once("payment/1").tune(options -> options.withAfterCrash(AfterCrash.ABANDON));

    @AfterEach
    void close() {
        boolean unused = Thread.interrupted();
        stalling.close();
        other.close();
    }

    private RunState state() {
        return memory.entry(request.identity())
                .toCompletableFuture()
                .join()
                .orElseThrow()
                .state();
    }

    private void pass(Duration time) {
        for (Duration left = time; left.compareTo(Duration.ZERO) > 0; left = left.minusSeconds(1)) {
            ticker.advance(Duration.ofSeconds(1));
        }
    }

    @Test
    void a_claim_that_is_carried_out_after_its_withdrawal_blocks_for_one_ttl_at_most_and_abandons_nothing()
            throws Exception {
        ledger.calls().next(Operation.CLAIM, 1);
        assertThat(Answered.refusal(stalling.admit(request)).verdict()).isEqualTo(Verdict.UNAVAILABLE);
        ledger.calls().carryOutAll();
        assertThat(Answered.refusal(other.admit(request)).verdict()).isEqualTo(Verdict.RUNNING);
        pass(TTL);
        Answered.run(other.admit(request)).close();
    }

    @Test
    void a_withdrawal_that_was_not_heard_is_repeated() throws Exception {
        ledger.calls().next(Operation.CLAIM, 1);
        ledger.calls().next(Operation.WITHDRAW, 2);
        assertThat(Answered.refusal(stalling.admit(request)).verdict()).isEqualTo(Verdict.UNAVAILABLE);
        ledger.calls().carryOut(0);
        assertThat(state()).isEqualTo(RunState.RUNNING);
        pass(TTL.dividedBy(2));
        assertThat(state()).isEqualTo(RunState.RELEASED);
        Answered.run(other.admit(request)).close();
    }

    @Test
    void a_beginning_that_is_carried_out_after_its_caller_gave_up_abandons_nothing() throws Exception {
        GuardedRun run = Answered.run(stalling.admit(request));
        ledger.calls().next(Operation.BEGIN, 1);
        ledger.calls().next(Operation.RELEASE, 3);
        assertThatExceptionOfType(LeaseLostException.class)
                .isThrownBy(run::enter)
                .satisfies(unheard -> assertThat(unheard.reason()).isEqualTo(LossReason.NOT_BEGUN));
        ledger.calls().carryOut(0);
        assertThat(state()).isEqualTo(RunState.RUNNING);
        pass(TTL.dividedBy(2));
        assertThat(state()).as("its release is repeated").isEqualTo(RunState.RELEASED);
        Answered.run(other.admit(request)).close();
    }

    @Test
    void a_beginning_that_is_carried_out_after_the_deadline_abandons_nothing() throws Exception {
        GuardedRun run = Answered.run(stalling.admit(request));
        ledger.calls().next(Operation.BEGIN, 1);
        ledger.calls().next(Operation.RELEASE, 1_000);
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(run::enter);
        pass(TTL);
        ledger.calls().carryOut(0);
        Answered.run(other.admit(request)).close();
    }

    @Test
    void a_run_that_did_not_begin_is_given_back_until_the_ledger_hears_it() throws Exception {
        GuardedRun run = Answered.run(stalling.admit(request));
        ledger.calls().next(Operation.BEGIN, 1);
        ledger.calls().next(Operation.RELEASE, 1_000);
        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(run::enter);
        ledger.calls().carryOut(0);
        pass(TTL.multipliedBy(5));
        assertThat(state()).isEqualTo(RunState.RUNNING);
        ledger.calls().next(Operation.RELEASE, -1_000);
        pass(TTL);
        assertThat(state()).isEqualTo(RunState.RELEASED);
        Answered.run(other.admit(request)).close();
    }

    /** Its watchdog, which would give it back, is late, too: as in a process that is stopped meanwhile. */
    @Test
    void a_run_whose_lease_ran_out_while_it_said_that_it_begins_abandons_nothing() throws Exception {
        HistoryClock clock = new HistoryClock();
        InMemoryRunLedger fenced = new InMemoryRunLedger(clock);
        RunLedger slow = new ForwardingRunLedger(fenced) {
            @Override
            public CompletionStage<Completion> begin(Lease claim) {
                CompletionStage<Completion> noted = super.begin(claim);
                clock.moveTo(clock.now().plus(TTL));
                return noted;
            }
        };
        try (JobGuard late = JobGuard.builder(new InMemoryLeaseStore(clock))
                .ticker(clock)
                .threads(new NoThreads())
                .ledger(slow)
                .build()) {
            GuardedRun run = ((Admission.Admitted) late.admitAsync(request).join()).run();
            assertThatExceptionOfType(LeaseLostException.class).isThrownBy(run::enter);
            run.close();
            assertThat(fenced.entry(request.identity()).toCompletableFuture().join())
                    .hasValueSatisfying(entry -> assertThat(entry.state()).isEqualTo(RunState.RELEASED));
        }
    }

    @Test
    void a_release_that_is_carried_out_late_ends_no_later_run() throws Exception {
        ledger.calls().next(Operation.RELEASE, 1);
        Answered.run(stalling.admit(request)).close();
        pass(TTL);
        GuardedRun run = Answered.run(other.admit(request));
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            ledger.calls().carryOutAll();
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
    }
}
