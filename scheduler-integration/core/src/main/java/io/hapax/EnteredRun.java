package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import org.jspecify.annotations.Nullable;

/** The stretch of code that executes a run on one thread, perhaps inside of another run's. */
final class EnteredRun implements GuardedRun.Scope {

    private final GuardedRun run;
    private final RunLife life;
    private final Thread thread = Thread.currentThread();
    private final @Nullable GuardedRun outer;
    private @Nullable LogContext context;

    EnteredRun(GuardedRun run, RunLife life) {
        this.run = run;
        this.life = life;
        this.outer = CurrentRun.swap(run);
    }

    /** Has log lines name the run from here on. */
    void showInLog() {
        context = LogContext.of(run);
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
        CurrentRun.swap(outer);
        run.left();
        if (life.leave()) {
            // A late interrupt must not hit the next job of a pool's thread. One flag may stand for several runs,
            // though.
            boolean unused = Thread.interrupted();
            if (isInterrupted(outer)) {
                Thread.currentThread().interrupt();
            }
        }
        LogContext shown = context;
        if (shown != null) {
            shown.close();
        }
    }

    private static boolean isInterrupted(@Nullable GuardedRun innermost) {
        for (GuardedRun run = innermost; run != null; run = run.outer()) {
            if (run.life().isInterrupted()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Finds the run that would have to end first if the thread of a run waited for keys.
     *
     * @param innermost the run that the thread is at work on
     * @param atOnce how many may hold the lock key at once, if no run around states less: somebody else's slot may become free
     * @return that run or one around it; null if none is in the way
     */
    static @Nullable GuardedRun inTheWay(GuardedRun innermost, Refusal refusal, JobIdentity wanted, int atOnce) {
        Holder holder = refusal.holder();
        LockKey lock = wanted.lockKey();
        GuardedRun named = null;
        GuardedRun onKey = null;
        int slots = 0;
        int atMost = atOnce;
        for (GuardedRun run = innermost; run != null; run = run.outer()) {
            RunHold hold = run.hold();
            if (holder != null && hold != null && hold.isOwnedBy(holder.owner())) {
                named = run;
            }
            if (lock != null && lock.equals(run.identity().lockKey())) {
                onKey = run.isHeld() ? run : onKey;
                slots++;
                atMost = Math.min(atMost, run.options().concurrency());
            }
        }
        if (refusal.verdict() == Verdict.RUNNING) {
            return named;
        }
        // Another holder may have been named; this one would have to end all the same.
        return holder == null || slots < atMost ? null : named == null ? onKey : named;
    }
}
