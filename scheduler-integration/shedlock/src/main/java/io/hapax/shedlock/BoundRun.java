package io.hapax.shedlock;

import io.hapax.GuardedRun;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A run that is bound to the thread that took its lock.
 *
 * <p>Locks may be given back in any order, and on other threads; what a thread is bound to ends only there, the last one first. So
 * a lock that is given back too early for that stays until it is its turn, or until the thread takes the next lock.
 */
final class BoundRun {

    private static final ThreadLocal<@Nullable Deque<BoundRun>> OF_THREAD = new ThreadLocal<>();

    private final GuardedRun run;
    private final GuardedRun.Scope scope;
    private volatile boolean over;

    private BoundRun(GuardedRun run) {
        this.run = run;
        this.scope = run.enter();
    }

    /** @throws io.hapax.LeaseLostException if the lease has lapsed since it was granted */
    static BoundRun enter(GuardedRun run) {
        BoundRun bound = new BoundRun(run);
        Deque<BoundRun> all = OF_THREAD.get();
        if (all == null) {
            all = new ArrayDeque<>();
            OF_THREAD.set(all);
        }
        all.push(bound);
        return bound;
    }

    GuardedRun run() {
        return run;
    }

    /** To be called when the run has ended. */
    void leave() {
        over = true;
        leaveWhatIsOver();
    }

    /** Leaves the runs of the calling thread that have ended, as far as none that is running is inside of them. */
    static void leaveWhatIsOver() {
        Deque<BoundRun> all = OF_THREAD.get();
        if (all == null) {
            return;
        }
        for (BoundRun innermost = all.peek(); innermost != null && innermost.over; innermost = all.peek()) {
            all.pop();
            innermost.scope.close();
        }
        if (all.isEmpty()) {
            OF_THREAD.remove();
        }
    }
}
