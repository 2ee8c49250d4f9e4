package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The stretch of code that executes a run on one thread, perhaps inside of another run's. */
final class EnteredRun implements GuardedRun.Scope {

    private final GuardedRun run;
    private final Thread thread = Thread.currentThread();
    private final @Nullable GuardedRun outer = CurrentRun.find().orElse(null);
    private final boolean interrupts;
    // An Interrupt in two parts, which take no room: many may be held. Guarded by the lock of the run's life.
    private boolean interruptIsDue;
    private boolean interruptIsTaken;
    // Used by its thread only.
    private boolean closed;
    private @Nullable LogContext context;

    /** Of this thread, because of the loss of this run. */
    enum Interrupt {
        NONE,
        /** The run is lost, and nobody has interrupted the thread yet. */
        WANTED,
        /** Perhaps the thread's flag is set, and perhaps it will be soon. */
        UNDER_WAY,
        SENT
    }

    /** @param interrupts whether the thread is interrupted if the lease is lost */
    EnteredRun(GuardedRun run, boolean interrupts) {
        this.run = run;
        this.interrupts = interrupts;
    }

    /** The thread works on the run from here on, and log lines name it. */
    void bind() {
        var unused = CurrentRun.swap(run);
        context = LogContext.of(run, outer);
    }

    /** Whether the thread is interrupted if the lease is lost. */
    boolean interrupts() {
        return interrupts;
    }

    /** Held: the lock of the run's life. */
    Interrupt interrupt() {
        if (interruptIsTaken) {
            return interruptIsDue ? Interrupt.UNDER_WAY : Interrupt.SENT;
        }
        return interruptIsDue ? Interrupt.WANTED : Interrupt.NONE;
    }

    /** Held: the lock of the run's life. */
    void interrupt(Interrupt now) {
        interruptIsDue = now == Interrupt.WANTED || now == Interrupt.UNDER_WAY;
        interruptIsTaken = now == Interrupt.SENT || now == Interrupt.UNDER_WAY;
    }

    Thread thread() {
        return thread;
    }

    @Nullable
    GuardedRun outer() {
        return outer;
    }

    @Override
    public void close() {
        if (closed) {
            // What came after it may be running by now.
            return;
        }
        closed = true;
        CurrentRun.swap(outer);
        Interrupt ofRun = run.leave(this);
        if (ofRun == Interrupt.SENT) {
            // A late interrupt must not hit the next job of a pool's thread.
            boolean unused = Thread.interrupted();
        }
        // One flag may stand for several runs, though.
        if (ofRun != Interrupt.NONE && isInterrupted(outer)) {
            Thread.currentThread().interrupt();
        }
        LogContext shown = context;
        if (shown != null) {
            shown.close(outer);
        }
    }

    private static boolean isInterrupted(@Nullable GuardedRun innermost) {
        for (GuardedRun run = innermost; run != null; run = run.outer()) {
            if (run.takeInterrupt()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Finds the run that would have to end first if the thread of a run waited for keys.
     *
     * @param innermost the run that the thread is running on
     * @param limit how many may hold the lock key at once, as the asker says
     * @param awaited the smallest limit under which a run waits, which no other run overtakes
     * @return that run or one around it; null if none is in the way, as what others hold becomes free
     */
    static @Nullable GuardedRun inTheWay(
            GuardedRun innermost, Refusal refusal, JobIdentity wanted, int limit, int awaited) {
        Holder holder = refusal.holder();
        LockKey lock = wanted.lockKey();
        GuardedRun named = null;
        GuardedRun onKey = null;
        List<Slot> own = new ArrayList<>();
        for (GuardedRun run = innermost; run != null; run = CurrentRun.around(run)) {
            RunHold hold = run.hold();
            if (holder != null && hold != null && hold.isOwnedBy(holder.owner())) {
                named = run;
            }
            boolean counts = run.isHeld() || run == named;
            if (counts
                    && hold != null
                    && lock != null
                    && lock.equals(run.identity().lockKey())) {
                Slot held = hold.slotOf(lock);
                // Nobody else holds a key beside one who holds it as a whole: another holder is one in another store.
                if (run == named || !held.equals(Slot.WHOLE)) {
                    onKey = run;
                    own.add(held);
                }
            }
        }
        if (refusal.verdict() == Verdict.RUNNING) {
            return named;
        }
        // Another holder may have been named; this one would have to end all the same.
        return holder == null || mayGetSlotBeside(own, limit, awaited) ? null : named == null ? onKey : named;
    }

    /** Whether there is a slot that goes with all of these, and is not beyond the limit of a waiting run. */
    private static boolean mayGetSlotBeside(List<Slot> own, int limit, int awaited) {
        return IntStream.rangeClosed(1, Math.min(limit, awaited))
                .mapToObj(number -> new Slot(number, limit))
                .anyMatch(slot -> own.stream().allMatch(slot::goesWith));
    }
}
