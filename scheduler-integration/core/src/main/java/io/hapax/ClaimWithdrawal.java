package io.hapax;

import io.hapax.lease.Lease;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Takes a claim back whose run has not started, again and again until the ledger has confirmed it. */
final class ClaimWithdrawal extends Charge {

    private final Engine engine;
    private final Supplier<CompletionStage<?>> ask;
    private final LeaseTiming timing;
    private final @Nullable NanoTime giveUpAt;
    private volatile boolean heard;

    private ClaimWithdrawal(
            Engine engine, Supplier<CompletionStage<?>> ask, LeaseTiming timing, @Nullable NanoTime giveUpAt) {
        this.engine = engine;
        this.ask = ask;
        this.timing = timing;
        this.giveUpAt = giveUpAt;
    }

    /**
     * Takes back what was perhaps claimed. After twice the ttl the claim, if there is one, is past its deadline; nobody has said
     * that its run starts, so others may have it.
     *
     * @return completes after the first try, whether it was confirmed or not
     */
    static CompletionStage<Void> unheard(Engine engine, RunLedger ledger, ClaimRequest request, LeaseTiming timing) {
        NanoTime giveUpAt = engine.now().plus(timing.ttl()).plus(timing.ttl());
        return new ClaimWithdrawal(engine, () -> ledger.withdraw(request), timing, giveUpAt).start();
    }

    /**
     * Takes back the claim of a run that has perhaps said that it starts, and did not start. It is left for a person until the
     * ledger has confirmed this.
     *
     * @return completes after the first try, whether it was confirmed or not
     */
    static CompletionStage<Void> unbegun(Engine engine, RunLedger ledger, Lease claim, LeaseTiming timing) {
        return new ClaimWithdrawal(engine, () -> ledger.release(claim, RunState.RELEASED), timing, null).start();
    }

    private CompletionStage<Void> start() {
        return tryOnce().whenComplete((ended, impossible) -> repeat());
    }

    private CompletionStage<Void> tryOnce() {
        CompletionStage<?> told;
        try {
            told = ask.get();
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
        if (heard || (giveUpAt != null && !now.isBefore(giveUpAt))) {
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
