package io.hapax;

import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.RunState;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where a run stands: who may still enter, end or lose it, who is notified of a loss, and which thread is interrupted for it.
 *
 * <p>Its own monitor guards all of it, as nobody else has a reference to it, and there may be many thousands of runs; nobody waits for long in
 * it. Thread-safe.
 */
final class RunLife {

    private enum State {
        ADMITTED,
        ACTIVE,
        ENDING,
        ENDED,
        LOST
    }

    /**
     * An end that was asked for.
     *
     * @param result the same for all who ask
     * @param isFirst whether this caller has to bring it about
     * @param isLost whether it can only be a loss
     */
    record End(CompletableFuture<RunOutcome> result, boolean isFirst, boolean isLost) {}

    private State state = State.ADMITTED;
    private List<Consumer<LeaseLostException>> onLost = List.of();
    private @Nullable Thread interruptTarget;
    private boolean interrupted;
    private @Nullable LossReason lossReason;
    private @Nullable CompletableFuture<RunOutcome> ending;
    private boolean entered;
    private boolean lapsed;
    private boolean settled;
    private boolean atWork;
    /** Null for most. */
    private @Nullable Transaction transaction;

    /** What is known of the transaction of its work. Guarded by the monitor of the run's life. */
    private static final class Transaction {
        private boolean completedIn;
        private boolean completedWithWork;
        private boolean workSucceeded;
        private WorkTransaction.@Nullable End work;
        private WorkTransaction.@Nullable Method method;
        private @Nullable Thread endsOn;
    }

    /** Held: the monitor. */
    private Transaction transaction() {
        Transaction known = transaction;
        if (known == null) {
            known = new Transaction();
            transaction = known;
        }
        return known;
    }

    /**
     * Starts the work, or goes on with it; returns false if a thread is at it, or the run has ended.
     *
     * @param evenIfLost whether a loss is no obstacle
     */
    boolean enter(@Nullable Thread toInterrupt, boolean evenIfLost) {
        synchronized (this) {
            boolean lost = state == State.LOST && ending == null;
            if (atWork || !(isActive() || (lost && evenIfLost))) {
                return false;
            }
            state = lost ? State.LOST : State.ACTIVE;
            atWork = true;
            entered = true;
            interruptTarget = toInterrupt;
            return true;
        }
    }

    /** Takes back that the work has started: it was entered too late. */
    void notBegun() {
        synchronized (this) {
            entered = false;
        }
    }

    /** Ends the work on the run's thread; returns whether that was interrupted. */
    boolean leave() {
        synchronized (this) {
            interruptTarget = null;
            atWork = false;
            boolean was = interrupted;
            interrupted = false;
            return was;
        }
    }

    boolean isInterrupted() {
        synchronized (this) {
            return interrupted;
        }
    }

    boolean wasEntered() {
        synchronized (this) {
            return entered;
        }
    }

    /** Whether it is to be renewed: while it is ending, nobody may. */
    boolean isActive() {
        synchronized (this) {
            return state == State.ADMITTED || state == State.ACTIVE;
        }
    }

    /** Whether it is, and has been entered: the watchdog, which looks at many, asks once. */
    boolean isAtWork() {
        synchronized (this) {
            return entered && (state == State.ADMITTED || state == State.ACTIVE);
        }
    }

    /** Does what must not wait while the run is active, so that nobody can end it meanwhile. */
    void whileActive(Runnable task) {
        synchronized (this) {
            if (isActive()) {
                task.run();
            }
        }
    }

    boolean hasEnded() {
        synchronized (this) {
            return state == State.ENDED || state == State.ENDING;
        }
    }

    /** Whether its end has come about, and nothing is left to be done for it. */
    boolean isSettled() {
        synchronized (this) {
            return settled;
        }
    }

    /** Whether somebody has ended it, also where it was lost before that. */
    boolean isOver() {
        synchronized (this) {
            return ending != null || hasEnded();
        }
    }

    @Nullable
    LossReason lossReason() {
        synchronized (this) {
            return lossReason;
        }
    }

    /** Keeps a callback for the loss; returns false if the run is lost already. */
    boolean onLost(Consumer<LeaseLostException> callback) {
        synchronized (this) {
            if (state == State.LOST) {
                return false;
            }
            List<Consumer<LeaseLostException>> more = new ArrayList<>(onLost);
            more.add(callback);
            onLost = more;
            return true;
        }
    }

    /**
     * Takes the run away, and interrupts its thread.
     *
     * @param tell tells of the loss before anybody can tell of the end that it leads to; must not throw or wait
     */
    void lose(LossReason reason, Runnable tell) {
        synchronized (this) {
            if (!isActive()) {
                return;
            }
            state = State.LOST;
            lossReason = reason;
            tell.run();
            if (interruptTarget != null) {
                interrupted = true;
                interruptTarget.interrupt();
            }
        }
    }

    /** Whether somebody wants to be called because of a loss, and has not been. */
    boolean owesCalls() {
        synchronized (this) {
            return state == State.LOST && !onLost.isEmpty();
        }
    }

    /** Hands over each who wants to be called because of a loss; if that fails, as where there is no memory, with the next call of this. */
    void handOver(Consumer<Consumer<LeaseLostException>> caller) {
        for (Consumer<LeaseLostException> next = takeCall(); next != null; next = takeCall()) {
            boolean handed = false;
            try {
                caller.accept(next);
                handed = true;
            } finally {
                if (!handed) {
                    putBack(next);
                }
            }
        }
    }

    private @Nullable Consumer<LeaseLostException> takeCall() {
        synchronized (this) {
            return owesCalls() ? onLost.remove(0) : null;
        }
    }

    /** There is room for it where it was taken out. */
    private void putBack(Consumer<LeaseLostException> callback) {
        synchronized (this) {
            onLost.add(0, callback);
        }
    }

    /** Takes away a run that was not entered, of which nobody has to be notified; returns false if it was, or has ended. */
    boolean lapse(LossReason reason) {
        synchronized (this) {
            if (entered || ending != null || state != State.ADMITTED) {
                return false;
            }
            lossReason = reason;
            lapsed = true;
            state = State.ENDING;
            return true;
        }
    }

    /** The store or the ledger was first to know that the lease was lost. */
    void lostAtEnd(LossReason reason) {
        synchronized (this) {
            if (lossReason == null) {
                lossReason = reason;
            }
        }
    }

    /**
     * Starts the end.
     *
     * @param completes whether as a success
     * @param provable whether that is still the run's to say
     */
    End end(boolean completes, boolean provable) {
        synchronized (this) {
            if (ending != null) {
                // A caller that completes a run that was given back meanwhile has to know that nothing is noted.
                boolean tooLate = completes && lapsed;
                return new End(tooLate ? CompletableFuture.completedFuture(RunOutcome.LOST) : ending, false, tooLate);
            }
            ending = new CompletableFuture<>();
            // A transaction that has committed counts, whatever became of the lease since.
            boolean lost = (state == State.LOST || (completes && !provable)) && !(completes && isCompletedIn());
            if (state != State.LOST && !lost) {
                state = State.ENDING;
            }
            return new End(ending, true, lost);
        }
    }

    void ended() {
        synchronized (this) {
            settled = true;
            // Who waits for a loss is still to be called.
            if (state != State.LOST) {
                state = State.ENDED;
                onLost = List.of();
            }
        }
    }

    void completesIn() {
        synchronized (this) {
            transaction().completedIn = true;
        }
    }

    void completedWithWork() {
        synchronized (this) {
            transaction().completedWithWork = true;
        }
    }

    /** Whether it was completed in a transaction that is known to have committed. */
    boolean isCommitted() {
        synchronized (this) {
            Transaction of = transaction;
            return of != null && of.completedWithWork && of.work == WorkTransaction.End.COMMITTED;
        }
    }

    void workBegins() {
        synchronized (this) {
            Transaction of = transaction;
            if (of != null) {
                of.work = null;
                of.workSucceeded = false;
                of.completedIn = false;
                of.completedWithWork = false;
            }
        }
    }

    /** @param succeeded whether all of the run's code had returned by then */
    void workEnded(WorkTransaction.End how, boolean succeeded) {
        synchronized (this) {
            Transaction of = transaction();
            of.work = how;
            of.workSucceeded = succeeded;
            if (how == WorkTransaction.End.ROLLED_BACK && of.completedWithWork) {
                of.completedIn = false;
                of.completedWithWork = false;
            }
        }
    }

    /** As what the run may end, of which its code says that it is this. */
    RunOutcome decided(RunOutcome said) {
        synchronized (this) {
            Transaction of = transaction;
            if (of == null) {
                return said;
            }
            if (of.work == WorkTransaction.End.UNKNOWN) {
                return of.completedIn ? RunOutcome.COMPLETED : RunOutcome.UNCONFIRMED;
            }
            if (said == RunOutcome.FAILED && of.workSucceeded && of.work == WorkTransaction.End.COMMITTED) {
                return RunOutcome.COMPLETED;
            }
            boolean gone = of.work == WorkTransaction.End.ROLLED_BACK && !of.completedIn;
            return gone && said == RunOutcome.COMPLETED ? RunOutcome.FAILED : said;
        }
    }

    /** Says whose transaction it waits for. */
    void endsOn(Thread thread) {
        synchronized (this) {
            transaction().endsOn = thread;
        }
    }

    boolean isEndedOn(Thread thread) {
        synchronized (this) {
            return transaction != null && transaction.endsOn == thread;
        }
    }

    void isOf(WorkTransaction.Method called) {
        synchronized (this) {
            transaction().method = called;
        }
    }

    WorkTransaction.@Nullable Method method() {
        synchronized (this) {
            return transaction == null ? null : transaction.method;
        }
    }

    boolean completedIn() {
        synchronized (this) {
            return isCompletedIn();
        }
    }

    /** Held: the monitor. */
    private boolean isCompletedIn() {
        return transaction != null && transaction.completedIn;
    }

    /** What the ledger records of a run that ends without completing or failing. */
    RunState brokenOff(AfterCrash afterCrash) {
        synchronized (this) {
            if (!entered) {
                return RunState.RELEASED;
            }
            return afterCrash == AfterCrash.ABANDON
                    ? RunState.ABANDONED
                    : state == State.LOST ? RunState.LOST : RunState.RELEASED;
        }
    }
}
