package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerException;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.LateRunLedger.Operation;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** A ledger that is late on command; and does what any ledger does while it is not. */
class LateRunLedgerTest {

    private static final Duration TTL = Duration.ofSeconds(30);

    @Nested
    class InTime extends RunLedgerContract {
        private final ManualTicker ticker = new ManualTicker();
        private final InMemoryRunLedger memory = new InMemoryRunLedger(ticker);
        private final RunLedger ledger = new LateRunLedger(memory);
        private final RunLedger other = new LateRunLedger(memory.otherClient());

        @Override
        protected RunLedger ledger() {
            return ledger;
        }

        @Override
        protected RunLedger otherClient() {
            return other;
        }

        @Override
        protected RunLedger freshNamespace() {
            return new LateRunLedger(new InMemoryRunLedger(ticker));
        }

        @Override
        protected Completion completeInTransaction(RunLedger client, Lease claim) {
            return InMemoryRunLedgerTest.completeIn(client, claim);
        }

        @Override
        protected void letPass(Duration ttl) {
            ticker.advance(ttl.plusNanos(1));
        }
    }

    private final ManualTicker ticker = new ManualTicker();
    private final LateRunLedger ledger = new LateRunLedger(new InMemoryRunLedger(ticker));
    private final ClaimRequest request = new ClaimRequest(
            new JobIdentity(null, new RunKey("r")), OwnerId.random(), "w", TTL, AfterCrash.ABANDON, TTL);

    private RunState state() {
        return ledger.entry(request.identity())
                .toCompletableFuture()
                .join()
                .orElseThrow()
                .state();
    }

    @Test
    void late_calls_fail_at_once_and_are_carried_out_in_any_order() {
        ledger.calls().next(Operation.CLAIM, 1);
        ledger.calls().next(Operation.WITHDRAW, 1);
        assertThat(ledger.claim(request).toCompletableFuture())
                .failsWithin(Duration.ZERO)
                .withThrowableThat()
                .withCauseInstanceOf(LedgerException.class);
        assertThat(ledger.withdraw(request).toCompletableFuture()).isCompletedExceptionally();
        assertThat(ledger.calls().waiting()).isEqualTo(2);
        assertThat(ledger.entry(request.identity()).toCompletableFuture().join())
                .isEmpty();
        ledger.calls().carryOut(1);
        ledger.calls().carryOut(0);
        assertThat(state()).isEqualTo(RunState.RUNNING);
        assertThat(ledger.claim(request).toCompletableFuture().join()).isInstanceOf(Claim.Claimed.class);
    }

    @Test
    void every_call_that_changes_something_may_be_late() {
        Lease claim =
                ((Claim.Claimed) ledger.claim(request).toCompletableFuture().join()).lease();
        ledger.calls().atRandom(new Random(1), 1);
        var begun = ledger.begin(claim);
        var renewed = ledger.renew(List.of(claim));
        var completed = ledger.complete(claim);
        var released = ledger.release(claim, RunState.FAILED);
        var resolved = ledger.resolve(request.identity(), RunState.DONE);
        for (var stage : List.of(begun, renewed, completed, released, resolved)) {
            assertThat(stage.toCompletableFuture()).isCompletedExceptionally();
        }
        assertThat(state()).isEqualTo(RunState.RUNNING);
        ledger.calls().carryOutAll();
        assertThat(state()).isEqualTo(RunState.DONE);
    }
}
