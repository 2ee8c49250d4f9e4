package io.hapax;

import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Ends a run in the ledger, then gives its lease back, and goes on trying when they do not answer.
 *
 * <p>A completion that is not noted lets a late replica run the occurrence again, so it is worth repeating. Each try is
 * safe at any time: ledger and store check the owner. After validity and one more ttl the lease is surely gone, and so is
 * the chance. What the ledger has said stands, whatever the store says after it.
 */
final class RunEnding extends Watchdog.Charge {

    private final GuardedRun run;
    private final @Nullable Lease lease;
    private final @Nullable Lease claim;
    private final Ending how;
    private final RunOutcome success;
    private final boolean completes;
    private final NanoTime giveUpAt;
    private final AtomicBoolean settled = new AtomicBoolean();
    /** The ledger's answer, once there is one. */
    private volatile @Nullable RunOutcome noted;

    RunEnding(GuardedRun run, Grant grant, Ending how, RunOutcome success) {
        this.run = run;
        this.lease = grant.lease();
        this.claim = grant.claim();
        this.how = how;
        this.success = success;
        this.completes = success == RunOutcome.COMPLETED && (how.isDone() || claim != null);
        this.giveUpAt =
                run.validSince().plus(run.timing().ttl()).plus(run.timing().ttl());
    }

    /**
     * Starts.
     *
     * @param first the store to be told first: one that blocks, if the calling thread will wait for the result
     */
    void start(CompletableFuture<RunOutcome> result, LeaseStore first) {
        var unused = tryOnce(first).whenComplete((outcome, failure) -> {
            try {
                if (outcome != null) {
                    settle(outcome);
                } else {
                    NanoTime next = run.guard().now().plus(run.timing().retryEvery());
                    run.guard().watchdog().add(this, next);
                    run.unwatch();
                }
            } finally {
                // Whoever ends the run waits for this.
                result.complete(outcome != null ? outcome : asFarAsKnown());
            }
        });
    }

    private RunOutcome asFarAsKnown() {
        RunOutcome known = noted;
        return known != null ? known : completes ? RunOutcome.UNCONFIRMED : success;
    }

    private CompletionStage<RunOutcome> tryOnce(LeaseStore first) {
        try {
            RunLedger ledger = run.guard().ledger();
            if (ledger == null || claim == null) {
                return releaseLease(first, success);
            }
            RunOutcome known = noted;
            CompletionStage<RunOutcome> told = known != null
                    ? CompletableFuture.completedFuture(known)
                    : endClaim(ledger, claim).thenApply(this::note);
            return told.thenCompose(outcome -> releaseLease(run.guard().store(), outcome));
        } catch (Throwable e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private RunOutcome note(RunOutcome outcome) {
        if (outcome == RunOutcome.LOST) {
            run.lostAtEnd(LossReason.SUPERSEDED);
        }
        noted = outcome;
        return outcome;
    }

    private CompletionStage<RunOutcome> endClaim(RunLedger ledger, Lease mine) {
        return switch (success) {
            case COMPLETED -> run.completedIn() ? confirm(ledger, mine) : complete(ledger, mine);
            // The occurrence was free for others already if this changes nothing.
            case FAILED -> ledger.release(mine, RunState.FAILED).thenApply(answer -> success);
            default -> ledger.release(mine, run.brokenOff()).thenApply(answer -> success);
        };
    }

    private static CompletionStage<RunOutcome> complete(RunLedger ledger, Lease mine) {
        return ledger.complete(mine)
                .thenApply(answer -> answer == Completion.NOTED ? RunOutcome.COMPLETED : RunOutcome.LOST);
    }

    /** The completion was part of a transaction: if that did not commit, nothing has completed. */
    private static CompletionStage<RunOutcome> confirm(RunLedger ledger, Lease mine) {
        return ledger.entry(mine.identity())
                .thenCompose(entry -> isDoneBy(mine, entry)
                        ? CompletableFuture.completedFuture(RunOutcome.COMPLETED)
                        : ledger.release(mine, RunState.FAILED)
                                .thenCompose(answer -> answer == Completion.NOTED
                                        ? CompletableFuture.completedFuture(RunOutcome.FAILED)
                                        : ledger.entry(mine.identity())
                                                .thenApply(now ->
                                                        isDoneBy(mine, now) ? RunOutcome.COMPLETED : RunOutcome.LOST)));
    }

    private static boolean isDoneBy(Lease mine, Optional<LedgerEntry> entry) {
        return entry.filter(row -> row.state() == RunState.DONE
                        && row.owner().equals(mine.owner())
                        && row.token().equals(mine.token()))
                .isPresent();
    }

    private CompletionStage<RunOutcome> releaseLease(LeaseStore store, RunOutcome outcome) {
        if (lease == null) {
            return CompletableFuture.completedFuture(outcome);
        }
        Ending ending = outcome == RunOutcome.COMPLETED ? how : Ending.NOT_DONE;
        return store.release(lease, ending)
                // A lease that is given back unused was perhaps lost, but nobody relied on it.
                .thenApply(released -> claim != null || released || !how.isDone() ? outcome : RunOutcome.LOST);
    }

    private void settle(RunOutcome outcome) {
        if (settled.compareAndSet(false, true)) {
            run.finish(outcome);
        }
    }

    @Override
    boolean isRun() {
        return true;
    }

    @Override
    Duration ttl() {
        return run.timing().ttl();
    }

    @Override
    Watchdog.Action act(NanoTime now) {
        if (settled.get()) {
            return Watchdog.Action.FORGET;
        }
        if (!now.isBefore(giveUpAt)) {
            settle(asFarAsKnown());
            return Watchdog.Action.FORGET;
        }
        var unused = tryOnce(run.guard().store()).whenComplete((outcome, failure) -> {
            if (outcome != null) {
                settle(outcome);
            }
        });
        if (settled.get()) {
            return Watchdog.Action.FORGET;
        }
        NanoTime next = now.plus(run.guard().answerTimeout()).plus(run.timing().retryEvery());
        return new Watchdog.Action(false, next.isBefore(giveUpAt) ? next : giveUpAt);
    }
}
