package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.test.FaultyRunLedger;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.LateLeaseStore;
import io.hapax.testkit.LateLeaseStore.Operation;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the store carries out after its caller gave up ends no later grant: it may block a key for one ttl at most. */
class LateAnswersTest {

    private final ManualTicker ticker = new ManualTicker();
    private final InMemoryLeaseStore memory = new InMemoryLeaseStore(ticker);
    private final LateLeaseStore store = new LateLeaseStore(memory);
    private final JobGuard stalling =
            JobGuard.builder(store).worker("stalling").ticker(ticker).build();
    private final JobGuard other =
            JobGuard.builder(memory).worker("other").ticker(ticker).build();

    @AfterEach
    void close() {
        stalling.close();
        other.close();
    }

    /** Pauses end on a thread that the clock does not know. */
    private GuardedRun awaited(CompletableFuture<Admission> waiting) throws Exception {
        PassingTime.until(ticker, Duration.ofSeconds(1), waiting::isDone);
        return Answered.run(waiting.get());
    }

    private void assertStaysAlone(GuardedRun run, RunRequest contender) throws Exception {
        store.calls().carryOutAll();
        assertThat(run.isHeld()).isTrue();
        assertThat(Answered.refusal(other.admit(contender)).verdict()).isIn(Verdict.OVERLAP, Verdict.RUNNING);
        assertThat(run.complete()).isNotEqualTo(RunOutcome.LOST);
    }

    @Test
    void a_lease_that_was_given_back_because_of_a_throttle() throws Exception {
        RunRequest request = RunRequest.lock("mail").tune(options -> options.with("throttle", "1/10s"));
        Answered.run(other.admit(request)).complete();
        store.calls().next(Operation.RELEASE, 1);
        GuardedRun run = awaited(stalling.admitAsync(request.waitAtMost(Duration.ofHours(1))));

        assertStaysAlone(run, RunRequest.lock("mail"));
    }

    @Test
    void a_run_key_that_was_given_back_because_no_slot_was_free() throws Exception {
        RunRequest request = RunRequest.lock("api").tune(options -> options.withConcurrency(2));
        GuardedRun one = Answered.run(other.admit(request.once("one")));
        GuardedRun two = Answered.run(other.admit(request.once("two")));
        store.calls().next(Operation.RELEASE, 1);
        CompletableFuture<Admission> waiting =
                stalling.admitAsync(request.once("three").waitAtMost(Duration.ofHours(1)));
        one.complete();
        two.complete();
        GuardedRun run = awaited(waiting);

        assertStaysAlone(run, RunRequest.occurrence("three"));
    }

    @Test
    void a_lease_that_was_given_back_because_the_ledger_did_not_answer() throws Exception {
        FaultyRunLedger ledger = new FaultyRunLedger(new InMemoryRunLedger(ticker));
        try (JobGuard fenced = JobGuard.builder(store)
                .worker("fenced")
                .ticker(ticker)
                .ledger(ledger)
                .build()) {
            store.calls().next(Operation.RELEASE, 1);
            ledger.down();
            CompletableFuture<Admission> waiting = fenced.admitAsync(
                    RunRequest.lock("payment").once("payment/1").waitAtMost(Duration.ofHours(1)));
            ledger.healthy();
            GuardedRun run = awaited(waiting);

            assertStaysAlone(run, RunRequest.lock("payment").once("payment/1"));
        }
    }

    @Test
    void a_request_that_was_granted_after_it_was_repeated() throws Exception {
        store.calls().next(Operation.ACQUIRE, 2);
        GuardedRun run = awaited(stalling.admitAsync(RunRequest.lock("report").waitAtMost(Duration.ofHours(1))));

        assertStaysAlone(run, RunRequest.lock("report"));
    }

    @Test
    void a_withdrawal_of_a_request_that_was_repeated() throws Exception {
        store.calls().next(Operation.ACQUIRE, 1);
        store.calls().next(Operation.WITHDRAW, 10);
        GuardedRun run = awaited(stalling.admitAsync(RunRequest.lock("report").waitAtMost(Duration.ofHours(1))));

        assertStaysAlone(run, RunRequest.lock("report"));
    }

    /** As where the process stood still meanwhile. */
    @Test
    void a_grant_that_comes_too_late_for_a_request_that_waits() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        LeaseStore slow = new ForwardingLeaseStore(memory) {
            @Override
            public CompletionStage<Acquisition> acquire(LeaseRequest request) {
                CompletionStage<Acquisition> answer = super.acquire(request);
                if (asked.incrementAndGet() == 1) {
                    ticker.advance(request.ttl());
                }
                return answer;
            }
        };
        try (JobGuard late =
                JobGuard.builder(slow).worker("late").ticker(ticker).build()) {
            GuardedRun run = awaited(late.admitAsync(RunRequest.lock("report").waitAtMost(Duration.ofHours(1))));
            assertThat(asked).hasValueGreaterThan(1);
            assertStaysAlone(run, RunRequest.lock("report"));

            asked.set(0);
            assertThat(Answered.refusal(late.admit(RunRequest.lock("another"))).reason())
                    .contains("granted too late");
        }
    }

    @Test
    void what_is_granted_to_nobody_blocks_its_key_for_one_ttl_at_most() throws Exception {
        store.calls().next(Operation.ACQUIRE, 1);
        store.calls().next(Operation.WITHDRAW, 10);
        assertThat(Answered.refusal(stalling.admit(RunRequest.lock("report"))).verdict())
                .isEqualTo(Verdict.UNAVAILABLE);
        store.calls().carryOut(0);
        assertThat(Answered.refusal(other.admit(RunRequest.lock("report"))).verdict())
                .isEqualTo(Verdict.OVERLAP);
        ticker.advance(RunOptions.DEFAULTS.ttl());
        Answered.run(other.admit(RunRequest.lock("report"))).close();
    }
}
