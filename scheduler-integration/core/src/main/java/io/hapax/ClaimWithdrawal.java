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
final class ClaimWithdrawal extends Charge {

    private final Engine engine;
    private final RunLedger ledger;
    private final ClaimRequest request;
    private final LeaseTiming timing;
    private final NanoTime giveUpAt;
    private volatile boolean heard;

    private ClaimWithdrawal(Engine engine, RunLedger ledger, ClaimRequest request, LeaseTiming timing) {
        this.engine = engine;
        this.ledger = ledger;
        this.request = request;
        this.timing = timing;
        this.giveUpAt = engine.now().plus(timing.ttl()).plus(timing.ttl());
    }

    /** Starts; the stage completes after the first try, whether it was heard or not. */
    static CompletionStage<Void> of(Engine engine, RunLedger ledger, ClaimRequest request, LeaseTiming timing) {
        ClaimWithdrawal withdrawal = new ClaimWithdrawal(engine, ledger, request, timing);
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
            engine.watchdog().add(this, engine.now().plus(timing.retryEvery()));
        }
    }

    @Override
    Action act(NanoTime now) {
        if (heard || !now.isBefore(giveUpAt)) {
            return Action.FORGET;
        }
        var unused = tryOnce();
        return new Action(false, now.plus(engine.answerTimeout()).plus(timing.retryEvery()));
    }

    @Override
    Duration ttl() {
        return timing.ttl();
    }
}
