package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Ending;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.AfterCrash;
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
final class RunEnding extends Charge {

    private final GuardedRun run;
    private final Engine engine;
    private final RunHold hold;
    private final @Nullable Lease lease;
    private final @Nullable Lease claim;
    private final Ending how;
    private final RunOutcome success;
    private final boolean completes;
    private final NanoTime giveUpAt;
    private final CallersEvents events;
    private final AtomicBoolean settled = new AtomicBoolean();
    /** The ledger's answer, once there is one. */
    private volatile @Nullable RunOutcome noted;

    /** @param events where the one who ends it finds what listeners are to receive; what comes later they receive without that caller */
    RunEnding(GuardedRun run, Engine engine, RunHold hold, Ending how, RunOutcome success, CallersEvents events) {
        this.run = run;
        this.engine = engine;
        this.hold = hold;
        this.lease = hold.grant().lease();
        this.claim = hold.grant().claim();
        this.how = how;
        this.success = success;
        this.completes = success == RunOutcome.COMPLETED && (how.isDone() || claim != null);
        this.giveUpAt = hold.surelyOverAt();
        this.events = events;
    }

    /**
     * Starts.
     *
     * @param first the store to ask first: one that blocks, if the calling thread will wait for the result
     */
    void start(RunLife.End end, LeaseStore first) {
        if (end.isLost()) {
            try {
                run.lose(LossReason.NOT_RENEWED, null);
            } catch (Throwable owed) {
                // Who is yet to be called for it is called by the watchdog: its caller gets the end.
            } finally {
                lost(end.result());
            }
        } else if (success == RunOutcome.UNCONFIRMED) {
            // It is unknown how it has ended, so no store is asked: all of it expires.
            try {
                hold.letLapse();
            } finally {
                settle(success);
                end.result().complete(success);
            }
        } else {
            tell(end.result(), first);
        }
    }

    /** What a lost run has is perhaps still its own, and is freed for others. The owner is checked. */
    private void lost(CompletableFuture<RunOutcome> result) {
        try {
            freeForOthers();
        } catch (Throwable expires) {
            // As it does where a store does not answer.
        }
        settle(RunOutcome.LOST);
        result.complete(RunOutcome.LOST);
    }

    private void freeForOthers() {
        LossReason reason = run.lossReason();
        if (lease != null && (reason != LossReason.GONE || hold.grant().slot() != null)) {
            var unused = engine.store().release(lease, Ending.NOT_DONE).exceptionally(ignored -> false);
        }
        RunLedger ledger = engine.ledger();
        if (claim != null && ledger != null && reason != LossReason.SUPERSEDED) {
            var unused = isUnbegun()
                    ? ClaimWithdrawal.unbegun(engine, ledger, claim, hold.timing())
                    : ledger.release(claim, brokenOff()).exceptionally(ignored -> Completion.SUPERSEDED);
        }
    }

    /** Whether its claim may be marked as started all the same: it was asked so, and its answer counts for nothing. */
    private boolean isUnbegun() {
        return run.options().afterCrash() == AfterCrash.ABANDON && success != RunOutcome.COMPLETED && !run.wasEntered();
    }

    private RunState brokenOff() {
        return run.brokenOff(run.options().afterCrash());
    }

    private void tell(CompletableFuture<RunOutcome> result, LeaseStore first) {
        boolean follows = false;
        try {
            var unused = tryOnce(first).whenComplete((outcome, failure) -> {
                try {
                    if (outcome != null) {
                        settle(outcome);
                    } else {
                        tryAgain();
                    }
                } finally {
                    // The caller that ends the run waits for this.
                    result.complete(outcome != null ? outcome : asFarAsKnown());
                }
            });
            follows = true;
        } finally {
            if (!follows) {
                tryAgain();
            }
        }
    }

    /** If it cannot be added to what the watchdog looks after, the run is, until all of it has expired. */
    private void tryAgain() {
        engine.watchdog().add(this, nextTry());
        // The slot is kept until the completion is noted: it may be all that keeps a caller with another limit away.
        hold.stopRenewing();
    }

    private NanoTime nextTry() {
        try {
            return engine.now().plus(hold.timing().retryEvery());
        } catch (Throwable unreadable) {
            // As soon as the watchdog can read the clock.
            return run.grantedAt();
        }
    }

    private RunOutcome asFarAsKnown() {
        RunOutcome known = noted;
        return known != null ? known : completes ? RunOutcome.UNCONFIRMED : success;
    }

    private CompletionStage<RunOutcome> tryOnce(LeaseStore first) {
        try {
            RunLedger ledger = engine.ledger();
            if (ledger == null || claim == null) {
                return releaseLease(first, success);
            }
            RunOutcome known = noted;
            CompletionStage<RunOutcome> told = known != null
                    ? CompletableFuture.completedFuture(known)
                    : endClaim(ledger, claim).thenApply(this::note);
            return told.thenCompose(outcome -> releaseLease(engine.store(), outcome));
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
            case COMPLETED -> completion(ledger, mine);
            // The occurrence was free for others already if this changes nothing.
            case FAILED -> ledger.release(mine, failed(how)).thenApply(answer -> success);
            default -> ledger.release(mine, brokenOff()).thenApply(answer -> success);
        };
    }

    private CompletionStage<RunOutcome> completion(RunLedger ledger, Lease mine) {
        if (run.isCommitted()) {
            return CompletableFuture.completedFuture(RunOutcome.COMPLETED);
        }
        return run.completedIn() ? confirm(ledger, mine) : complete(ledger, mine);
    }

    private static RunState failed(Ending failure) {
        return failure.isOver() ? RunState.FAILED_FOR_GOOD : RunState.FAILED;
    }

    private static CompletionStage<RunOutcome> complete(RunLedger ledger, Lease mine) {
        return ledger.complete(mine)
                .thenApply(answer -> answer == Completion.NOTED ? RunOutcome.COMPLETED : RunOutcome.LOST);
    }

    /** The completion was part of a transaction: if that did not commit, nothing has completed. */
    private CompletionStage<RunOutcome> confirm(RunLedger ledger, Lease mine) {
        return ledger.entry(mine.identity())
                .thenCompose(entry -> isDoneBy(mine, entry)
                        ? CompletableFuture.completedFuture(RunOutcome.COMPLETED)
                        : ledger.release(mine, failed(hold.failure()))
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
        Ending ending = ending(outcome);
        engine.admissions().polls().releases(run.identity(), run.options().concurrency(), engine.watchdog());
        return store.release(lease, ending)
                .thenCompose(released -> released && ending.isOver() ? endSlot(ending, outcome) : answer(released))
                // A lease that is given back unused was perhaps lost, but nobody relied on it.
                .thenApply(released -> claim != null || released || !how.isDone() ? outcome : RunOutcome.LOST);
    }

    /** A caller that asks for the occurrence under another limit looks for it beside the slot. It has ended, whatever happens to this. */
    private CompletionStage<Boolean> endSlot(Ending ending, RunOutcome outcome) {
        noted = outcome;
        return hold.endSlot(ending.onceMore()).thenApply(freed -> true);
    }

    private static CompletionStage<Boolean> answer(boolean released) {
        return CompletableFuture.completedFuture(released);
    }

    private Ending ending(RunOutcome outcome) {
        if (outcome == success) {
            return how;
        }
        // It completed in a transaction that did not commit.
        return outcome == RunOutcome.FAILED ? hold.failure() : Ending.NOT_DONE;
    }

    private void settle(RunOutcome outcome) {
        if (settled.compareAndSet(false, true)) {
            finish(run, hold, outcome, success == RunOutcome.COMPLETED, events);
        }
    }

    /**
     * Marks a run as over and tells so; does nothing if that was done.
     *
     * @param completes whether its code says that it has completed
     * @param events takes what listeners are to receive: they may block, and this may be the watchdog's thread, or a port's
     */
    static void finish(GuardedRun run, RunHold hold, RunOutcome outcome, boolean completes, CallersEvents events) {
        if (outcome == RunOutcome.LOST) {
            run.lostAtEnd(LossReason.GONE);
        }
        if (!run.ended()) {
            return;
        }
        try {
            hold.drop();
        } finally {
            try {
                tell(run, hold.grant(), outcome, completes, events);
            } finally {
                if (outcome == RunOutcome.LOST) {
                    // If that fails, as where there is no memory, the watchdog does it: who ends the run gets its end.
                    run.engine().notifier().quietly("calling for a loss", run::callBack);
                }
            }
        }
    }

    private static void tell(GuardedRun run, Grant grant, RunOutcome outcome, boolean completes, CallersEvents events) {
        if (!completes && !run.wasEntered()) {
            run.engine().notifier().quietly("giving back what was not used", grant.unused());
        }
        GuardEvent released = new GuardEvent.Released(
                run.job(),
                grant.shown(),
                outcome,
                run.held(),
                run.terms().request().untilNext());
        if (!run.keepsBack(released)) {
            events.add(released);
        }
    }

    @Override
    boolean isRun() {
        return true;
    }

    @Override
    Duration ttl() {
        return hold.timing().ttl();
    }

    @Override
    Action act(NanoTime now) {
        if (settled.get()) {
            return Action.FORGET;
        }
        if (!now.isBefore(giveUpAt)) {
            settle(asFarAsKnown());
            RunLedger ledger = engine.ledger();
            if (claim != null && ledger != null && noted == null && isUnbegun()) {
                var unused = ClaimWithdrawal.unbegun(engine, ledger, claim, hold.timing());
            }
            return Action.FORGET;
        }
        var unused = tryOnce(engine.store()).whenComplete((outcome, failure) -> {
            if (outcome != null) {
                settle(outcome);
            }
        });
        if (settled.get()) {
            return Action.FORGET;
        }
        NanoTime next = now.plus(hold.answerTimeout()).plus(hold.timing().retryEvery());
        return new Action(false, next.isBefore(giveUpAt) ? next : giveUpAt);
    }
}
