package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A loss that nobody knew of until the run ended: those who want to be called for a loss are called for this one too. */
class LossAtEndTest {

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore leases = new InMemoryLeaseStore(ticker);
    private final InMemoryRunLedger runs = new InMemoryRunLedger(ticker);
    private final JobGuard plain = JobGuard.builder(leases).ticker(ticker).build();
    private final JobGuard exact =
            JobGuard.builder(leases).ledger(runs).ticker(ticker).build();
    private final List<LossReason> losses = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        plain.close();
        exact.close();
    }

    private GuardedRun admitted(JobGuard guard, RunRequest request) throws InterruptedException {
        GuardedRun run = Answered.run(guard.admit(request));
        run.onLeaseLost(loss -> losses.add(loss.reason()));
        return run;
    }

    private void assertCalledOnce(GuardedRun run, LossReason reason) {
        await().untilAsserted(() -> assertThat(losses).containsExactly(reason));
        run.onLeaseLost(loss -> losses.add(loss.reason()));
        await().untilAsserted(() -> assertThat(losses).containsExactly(reason, reason));
    }

    @Test
    void of_a_lease_that_was_taken_away() throws Exception {
        GuardedRun run = admitted(plain, RunRequest.occurrence("report"));
        try (GuardedRun.Scope scope = run.enter()) {
            leases.admin()
                    .forceRelease(run.lease().orElseThrow().identity())
                    .toCompletableFuture()
                    .join();
            assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
        }
        assertCalledOnce(run, LossReason.GONE);
    }

    @Test
    void of_a_run_that_was_taken_over() throws Exception {
        GuardedRun run = admitted(exact, RunRequest.occurrence("report"));
        try (GuardedRun.Scope scope = run.enter()) {
            runs.release(run.lease().orElseThrow(), RunState.LOST)
                    .toCompletableFuture()
                    .join();
            assertThat(run.complete()).isEqualTo(RunOutcome.LOST);
        }
        assertCalledOnce(run, LossReason.SUPERSEDED);
    }

    @Test
    void a_run_that_keeps_its_lease_to_the_end_calls_nobody() throws Exception {
        GuardedRun run = admitted(exact, RunRequest.occurrence("report"));
        try (GuardedRun.Scope scope = run.enter()) {
            assertThat(run.complete()).isEqualTo(RunOutcome.COMPLETED);
        }
        plain.close();
        exact.close();
        assertThat(losses).isEmpty();
        assertThat(run.lost()).isEmpty();
    }
}
