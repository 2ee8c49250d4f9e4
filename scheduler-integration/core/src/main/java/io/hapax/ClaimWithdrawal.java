package io.hapax;

import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.RunLedger;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Takes a claim back of which nobody knows whether it was made, again and again until the ledger has heard it. After twice
 * the ttl the claim, if there is one, is past its deadline; it never began, so others may have it.
 */
final class ClaimWithdrawal extends Watchdog.Charge {

    private final JobGuard guard;
    private final RunLedger ledger;
    private final ClaimRequest request;
    private final LeaseTiming timing;
    private final NanoTime giveUpAt;
    private volatile boolean heard;

    private ClaimWithdrawal(JobGuard guard, RunLedger ledger, ClaimRequest request, LeaseTiming timing) {
        this.guard = guard;
        this.ledger = ledger;
        this.request = request;
        this.timing = timing;
        this.giveUpAt = guard.now().plus(timing.ttl()).plus(timing.ttl());
    }

    /** Starts; the stage completes after the first try, whether it was heard or not. */
    static CompletionStage<Void> of(JobGuard guard, RunLedger ledger, ClaimRequest request, LeaseTiming timing) {
        ClaimWithdrawal withdrawal = new ClaimWithdrawal(guard, ledger, request, timing);
        return withdrawal.tryOnce().whenComplete((ended, impossible) -> withdrawal.repeat());
    }

    private CompletionStage<Void> tryOnce() {
        CompletionStage<Void> told;
        try {
            told = ledger.withdraw(request);
        } catch (Throwable unreachable) {
            told = CompletableFuture.failedFuture(unreachable);
        }
        return told.handle((done, unreachable) -> {
            heard |= unreachable == null;
            return null;
        });
    }

    private void repeat() {
        if (!heard) {
            guard.watchdog().add(this, guard.now().plus(timing.retryEvery()));
        }
    }

    @Override
    Watchdog.Action act(NanoTime now) {
        if (heard || !now.isBefore(giveUpAt)) {
            return Watchdog.Action.FORGET;
        }
        var unused = tryOnce();
        return new Watchdog.Action(false, now.plus(guard.answerTimeout()).plus(timing.retryEvery()));
    }

    @Override
    Duration ttl() {
        return timing.ttl();
    }
}
