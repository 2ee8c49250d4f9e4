package io.hapax;

import io.hapax.event.GuardEvent;
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
 * <p>It is the part of a {@link GuardedRun} that changes, and no object of its own, as there may be many thousands of runs. A lock that only the
 * guard can get at guards all of it; nobody waits for long in it. Thread-safe.
 */
abstract class RunLife {

    private enum State {
        ACTIVE,
        /** Taken away before it was entered. */
        LAPSED,
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

    // At first these are null and false, and no constructor writes them: so they are seen, however a thread got the
    // run.

    /** Null while it is only admitted. */
    private @Nullable State state;

    private @Nullable LossReason lossReason;
    private @Nullable CompletableFuture<RunOutcome> ending;
    private boolean entered;
    private boolean settled;
    /** Whether listeners have been notified of its start, or have that in their queues. */
    private boolean announced;
    /** Where it is running; null before and after. Written under the lock, and also read without it. */
    private volatile @Nullable EnteredRun work;
    /** Null for most. */
    private @Nullable Details details;

    /** Guards all of it, and is not the run: code that is given the run may lock that for long. No other run is called under it. */
    abstract Object lock();

    /** What is known of few: who is to be called for a loss, and of the transaction of its work. Guarded by the lock. */
    private static final class Details {
        private List<Consumer<LeaseLostException>> onLost = List.of();
        private boolean completedIn;
        private boolean completedWithWork;
        private boolean workSucceeded;
        private WorkTransaction.@Nullable End work;
        private WorkTransaction.@Nullable Method method;
        private @Nullable Thread endsOn;
        /** What listeners are to receive after the start. */
        private List<GuardEvent> keptBack = List.of();
    }

    /** Held: the lock. */
    private Details details() {
        Details known = details;
        if (known == null) {
            known = new Details();
            details = known;
        }
        return known;
    }

    /**
     * Starts the work, or goes on with it; returns false if a thread is at it, or the run has ended.
     *
     * @param evenIfLost whether a loss is no obstacle
     */
    final boolean begin(EnteredRun at, boolean evenIfLost) {
        synchronized (lock()) {
            boolean lost = state == State.LOST && ending == null;
            if (work != null || !(isActive() || (lost && evenIfLost))) {
                return false;
            }
            state = lost ? State.LOST : State.ACTIVE;
            entered = true;
            work = at;
            return true;
        }
    }

    /** Takes back that the work has started: it was entered too late. */
    final void notBegun() {
        synchronized (lock()) {
            entered = false;
        }
    }

    /**
     * Ends the work on the run's thread, unless it has ended before; returns what became of an interrupt, of which none comes any more: one
     * that is under way is waited for.
     */
    final EnteredRun.Interrupt leave(EnteredRun at) {
        synchronized (lock()) {
            boolean wasInterrupted = false;
            while (work == at && at.interrupt() == EnteredRun.Interrupt.UNDER_WAY) {
                try {
                    lock().wait();
                } catch (InterruptedException mayBeTheOne) {
                    // To wait would end again and again with the flag set.
                    wasInterrupted = true;
                }
            }
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
            if (work != at) {
                return EnteredRun.Interrupt.NONE;
            }
            work = null;
            return at.interrupt();
        }
    }

    /** Whether its thread, which calls this, is to have the flag of an interrupt because of it; then nobody else needs to send it. */
    final boolean takeInterrupt() {
        synchronized (lock()) {
            EnteredRun at = work;
            if (at == null || at.interrupt() == EnteredRun.Interrupt.NONE) {
                return false;
            }
            if (at.interrupt() == EnteredRun.Interrupt.WANTED) {
                at.interrupt(EnteredRun.Interrupt.SENT);
            }
            return true;
        }
    }

    /**
     * Interrupts the thread that works on it since it was lost, unless that was done, or the thread has left it. This may block for as long as
     * a system call of that thread lasts, since an interrupt closes the channel that the thread reads or writes: so it is done without the lock.
     */
    final void interrupt(EnteredRun at) {
        synchronized (lock()) {
            if (work != at || at.interrupt() != EnteredRun.Interrupt.WANTED) {
                return;
            }
            // From here on the thread does not leave before the interrupt has come.
            at.interrupt(EnteredRun.Interrupt.UNDER_WAY);
        }
        try {
            at.thread().interrupt();
        } finally {
            synchronized (lock()) {
                at.interrupt(EnteredRun.Interrupt.SENT);
                lock().notifyAll();
            }
        }
    }

    /** The thread that is running on it; null if none is. */
    final @Nullable Thread thread() {
        EnteredRun at = work;
        return at == null ? null : at.thread();
    }

    /** The run in whose code this one was entered; null outside of any, and outside of this one. */
    final @Nullable GuardedRun outer() {
        EnteredRun at = work;
        return at == null ? null : at.outer();
    }

    final boolean wasEntered() {
        synchronized (lock()) {
            return entered;
        }
    }

    /** Whether it is to be renewed: while it is ending, nobody may. */
    final boolean isActive() {
        synchronized (lock()) {
            return state == null || state == State.ACTIVE;
        }
    }

    /** Whether it is, and has been entered: the watchdog, which looks at many, asks once. */
    final boolean isAtWork() {
        synchronized (lock()) {
            return entered && isActive();
        }
    }

    /** Does what must not wait while the run is active, so that nobody can end it meanwhile. */
    final void whileActive(Runnable task) {
        synchronized (lock()) {
            if (isActive()) {
                task.run();
            }
        }
    }

    /** Whether an event has to wait for that of the start, which its caller is about to deliver; then it is kept until then. */
    final boolean keepsBack(GuardEvent event) {
        synchronized (lock()) {
            if (announced) {
                return false;
            }
            Details known = details();
            List<GuardEvent> all = new ArrayList<>(known.keptBack);
            all.add(event);
            known.keptBack = all;
            return true;
        }
    }

    /**
     * Listeners have been notified of its start.
     *
     * @param later takes what was kept back; must not wait
     */
    final void announced(Consumer<GuardEvent> later) {
        synchronized (lock()) {
            announced = true;
            Details known = details;
            if (known != null && !known.keptBack.isEmpty()) {
                known.keptBack.forEach(later);
                known.keptBack = List.of();
            }
        }
    }

    final boolean hasEnded() {
        synchronized (lock()) {
            return state == State.LAPSED || state == State.ENDING || state == State.ENDED;
        }
    }

    /** Whether its end has come about, and nothing is left to be done for it. */
    final boolean isSettled() {
        synchronized (lock()) {
            return settled;
        }
    }

    /** Whether somebody has ended it, also where it was lost before that. */
    final boolean isOver() {
        synchronized (lock()) {
            return ending != null || hasEnded();
        }
    }

    final @Nullable LossReason lossReason() {
        synchronized (lock()) {
            return lossReason;
        }
    }

    /** Keeps a callback for the loss; returns false if the run is lost already, also if nobody else was notified of that. */
    final boolean onLost(Consumer<LeaseLostException> callback) {
        synchronized (lock()) {
            if (lossReason != null) {
                return false;
            }
            Details known = details();
            List<Consumer<LeaseLostException>> all = new ArrayList<>(known.onLost);
            all.add(callback);
            known.onLost = all;
            return true;
        }
    }

    /**
     * Takes the run away.
     *
     * @param tell tells of the loss before anybody can tell of the end that it leads to; must not throw or wait
     * @return where the caller has to {@linkplain #interrupt interrupt} the run's thread; null if nowhere
     */
    final @Nullable EnteredRun markLost(LossReason reason, Runnable tell) {
        synchronized (lock()) {
            if (!isActive()) {
                return null;
            }
            state = State.LOST;
            lossReason = reason;
            EnteredRun at = work;
            if (at != null && at.interrupts()) {
                at.interrupt(EnteredRun.Interrupt.WANTED);
            } else {
                at = null;
            }
            tell.run();
            return at;
        }
    }

    /** Whether somebody wants to be called because of a loss, and has not been. */
    final boolean owesCalls() {
        synchronized (lock()) {
            Details known = details;
            boolean lost = state == State.LOST || (state == State.ENDED && lossReason != null);
            return lost && known != null && !known.onLost.isEmpty();
        }
    }

    /** Hands over each who wants to be called because of a loss; if that fails, as where there is no memory, with the next call of this. */
    final void handOver(Consumer<Consumer<LeaseLostException>> caller) {
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
        synchronized (lock()) {
            return owesCalls() ? details().onLost.remove(0) : null;
        }
    }

    /** There is room for it where it was taken out. */
    private void putBack(Consumer<LeaseLostException> callback) {
        synchronized (lock()) {
            details().onLost.add(0, callback);
        }
    }

    /** Takes away a run that was not entered, of which nobody has to be notified; returns false if it was, or has ended. */
    final boolean markLapsed(LossReason reason) {
        synchronized (lock()) {
            if (entered || ending != null || state != null) {
                return false;
            }
            lossReason = reason;
            state = State.LAPSED;
            return true;
        }
    }

    /** The store or the ledger was first to know that the lease was lost. */
    final void lostAtEnd(LossReason reason) {
        synchronized (lock()) {
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
    final End startEnd(boolean completes, boolean provable) {
        synchronized (lock()) {
            if (ending != null) {
                // A caller that completes a run that was given back meanwhile has to know that nothing is noted.
                boolean tooLate = completes && state == State.LAPSED;
                return new End(tooLate ? CompletableFuture.completedFuture(RunOutcome.LOST) : ending, false, tooLate);
            }
            // A transaction that has committed counts, whatever became of the lease since.
            boolean lost = (state == State.LOST || (completes && !provable)) && !(completes && isCompletedIn());
            // Made before it is said: without memory for it, the next caller is the first.
            End end = new End(new CompletableFuture<>(), true, lost);
            ending = end.result();
            if (isActive() && !lost) {
                state = State.ENDING;
            }
            return end;
        }
    }

    /** Whether it was taken away before it was entered, and nobody has ended it. */
    final boolean isToBeGivenBack() {
        synchronized (lock()) {
            return state == State.LAPSED && ending == null;
        }
    }

    /** As what it has ended, as those who have ended it got it; null if they did not. */
    final @Nullable RunOutcome toldOutcome() {
        synchronized (lock()) {
            return ending == null ? null : ending.getNow(null);
        }
    }

    /** Notes that its end has come about; returns false if that was noted before. */
    final boolean ended() {
        synchronized (lock()) {
            if (settled) {
                return false;
            }
            settled = true;
            if (state != State.LOST && state != State.LAPSED) {
                state = State.ENDED;
            }
            // Who waits for a loss is still to be called for one.
            Details known = details;
            if (known != null && (state == State.LAPSED || lossReason == null)) {
                known.onLost = List.of();
            }
            return true;
        }
    }

    final void completesIn() {
        synchronized (lock()) {
            details().completedIn = true;
        }
    }

    final void completedWithWork() {
        synchronized (lock()) {
            details().completedWithWork = true;
        }
    }

    /** Whether it was completed in a transaction that is known to have committed. */
    final boolean isCommitted() {
        synchronized (lock()) {
            Details of = details;
            return of != null && of.completedWithWork && of.work == WorkTransaction.End.COMMITTED;
        }
    }

    final void workBegins() {
        synchronized (lock()) {
            Details of = details;
            if (of != null) {
                of.work = null;
                of.workSucceeded = false;
                of.completedIn = false;
                of.completedWithWork = false;
            }
        }
    }

    /** @param succeeded whether all of the run's code had returned by then */
    final void workEnded(WorkTransaction.End how, boolean succeeded) {
        synchronized (lock()) {
            Details of = details();
            of.work = how;
            of.workSucceeded = succeeded;
            if (how == WorkTransaction.End.ROLLED_BACK && of.completedWithWork) {
                of.completedIn = false;
                of.completedWithWork = false;
            }
        }
    }

    /** As what the run may end, of which its code says that it is this. */
    final RunOutcome decided(RunOutcome said) {
        synchronized (lock()) {
            Details of = details;
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
    final void endsOn(Thread thread) {
        synchronized (lock()) {
            details().endsOn = thread;
        }
    }

    final boolean isEndedOn(Thread thread) {
        synchronized (lock()) {
            return details != null && details.endsOn == thread;
        }
    }

    final void isOf(WorkTransaction.Method called) {
        synchronized (lock()) {
            details().method = called;
        }
    }

    final WorkTransaction.@Nullable Method workMethod() {
        synchronized (lock()) {
            return details == null ? null : details.method;
        }
    }

    final boolean completedIn() {
        synchronized (lock()) {
            return isCompletedIn();
        }
    }

    /** Held: the lock. */
    private boolean isCompletedIn() {
        return details != null && details.completedIn;
    }

    /** What the ledger records of a run that ends without completing or failing. */
    final RunState brokenOff(AfterCrash afterCrash) {
        synchronized (lock()) {
            if (!entered) {
                return RunState.RELEASED;
            }
            return afterCrash == AfterCrash.ABANDON
                    ? RunState.ABANDONED
                    : state == State.LOST ? RunState.LOST : RunState.RELEASED;
        }
    }
}
