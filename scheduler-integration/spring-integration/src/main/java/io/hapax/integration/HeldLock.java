package io.hapax.integration;

import io.hapax.GuardedRun;
import io.hapax.LeaseLostException;
import io.hapax.event.RunOutcome;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A lock that a thread holds, and how many times. Not thread-safe: only that thread knows it.
 *
 * <p>Locks may be given back in any order; what a thread is bound to ends with the last one first. So the binding of a lock that is
 * given back too early for that stays until those inside of it are given back.
 */
final class HeldLock {

    private static final ThreadLocal<@Nullable Deque<HeldLock>> OF_THREAD = new ThreadLocal<>();

    private final HapaxLockRegistry registry;
    private final String name;
    private final GuardedRun run;
    private final GuardedRun.Scope scope;
    private int times = 1;
    private boolean over;

    private HeldLock(HapaxLockRegistry registry, String name, GuardedRun run) {
        this.registry = registry;
        this.name = name;
        this.run = run;
        this.scope = run.enter();
    }

    /** @throws LeaseLostException if the lease has lapsed since it was granted */
    static void enter(HapaxLockRegistry registry, String name, GuardedRun run) {
        HeldLock lock = new HeldLock(registry, name, run);
        Deque<HeldLock> all = OF_THREAD.get();
        if (all == null) {
            all = new ArrayDeque<>();
            OF_THREAD.set(all);
        }
        all.push(lock);
    }

    /** The calling thread's; null if it does not hold it. */
    static @Nullable HeldLock find(HapaxLockRegistry registry, String name) {
        Deque<HeldLock> all = OF_THREAD.get();
        if (all == null) {
            return null;
        }
        for (HeldLock lock : all) {
            if (!lock.over && lock.registry == registry && lock.name.equals(name)) {
                return lock;
            }
        }
        return null;
    }

    GuardedRun run() {
        return run;
    }

    void again() {
        times++;
    }

    /** Whether it was the last time. */
    boolean less() {
        times--;
        return times == 0;
    }

    /** Null while it is not lost. */
    @Nullable
    LeaseLostException loss() {
        try {
            run.ensureHeld();
            return null;
        } catch (LeaseLostException loss) {
            return loss;
        }
    }

    /** Gives it back, and frees the thread from it. */
    RunOutcome end() {
        try {
            return run.complete();
        } finally {
            over = true;
            leaveWhatIsOver();
        }
    }

    private static void leaveWhatIsOver() {
        Deque<HeldLock> all = OF_THREAD.get();
        if (all == null) {
            return;
        }
        for (HeldLock innermost = all.peek(); innermost != null && innermost.over; innermost = all.peek()) {
            all.pop();
            innermost.scope.close();
        }
        if (all.isEmpty()) {
            OF_THREAD.remove();
        }
    }
}
