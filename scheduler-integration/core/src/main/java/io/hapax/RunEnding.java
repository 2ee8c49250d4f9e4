package io.hapax;

import io.hapax.event.RunOutcome;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.Renewal;
import io.hapax.time.NanoTime;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Gives a lease back, and goes on trying when the store does not answer.
 *
 * <p>A completion that is not noted lets a late replica run the occurrence again, so it is worth repeating. Each try is
 * safe at any time: the store checks the owner. After validity and one more ttl the lease is surely gone, and so is the
 * chance.
 */
final class RunEnding extends Watchdog.Charge {

    private final GuardedRun run;
    private final Lease lease;
    private final Ending how;
    private final RunOutcome success;
    private final NanoTime giveUpAt;
    private final AtomicBoolean settled = new AtomicBoolean();

    RunEnding(GuardedRun run, Lease lease, Ending how, RunOutcome success) {
        this.run = run;
        this.lease = lease;
        this.how = how;
        this.success = success;
        this.giveUpAt = run.validSince().plus(lease.ttl().multipliedBy(2));
    }

    void start(CompletableFuture<RunOutcome> result) {
        var unused = tryOnce().whenComplete((released, failure) -> {
            if (released != null) {
                RunOutcome outcome = outcome(released);
                settle(outcome);
                result.complete(outcome);
            } else {
                NanoTime next = run.guard().now().plus(run.timing().retryEvery());
                run.guard().watchdog().add(this, next);
                run.unwatch();
                result.complete(how.isDone() ? RunOutcome.UNCONFIRMED : success);
            }
        });
    }

    private CompletionStage<Boolean> tryOnce() {
        try {
            return run.guard().store().release(lease, how);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** A lease that is given back unused was perhaps lost, but nobody relied on it. */
    private RunOutcome outcome(boolean released) {
        return released || !how.isDone() ? success : RunOutcome.LOST;
    }

    private void settle(RunOutcome outcome) {
        if (settled.compareAndSet(false, true)) {
            run.finish(outcome);
        }
    }

    @Override
    Lease lease() {
        return lease;
    }

    @Override
    Watchdog.Action act(NanoTime now) {
        if (settled.get()) {
            return Watchdog.Action.FORGET;
        }
        if (!now.isBefore(giveUpAt)) {
            settle(how.isDone() ? RunOutcome.UNCONFIRMED : success);
            return Watchdog.Action.FORGET;
        }
        var unused = tryOnce().whenComplete((released, failure) -> {
            if (released != null) {
                settle(outcome(released));
            }
        });
        if (settled.get()) {
            return Watchdog.Action.FORGET;
        }
        NanoTime next = now.plus(run.guard().answerTimeout()).plus(run.timing().retryEvery());
        return new Watchdog.Action(false, next.isBefore(giveUpAt) ? next : giveUpAt);
    }

    @Override
    @Nullable
    NanoTime renewed(Renewal answer, NanoTime sentAt, NanoTime now) {
        return null;
    }
}
