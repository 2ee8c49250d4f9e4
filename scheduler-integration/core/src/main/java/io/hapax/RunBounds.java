package io.hapax;

import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * How long a run may hold its lock key at most, and for how long it keeps others away at least: what its options have said, said
 * anew while it is running. Locks of other libraries that can be extended need this. Thread-safe.
 */
public final class RunBounds {

    private final GuardedRun run;

    private RunBounds(GuardedRun run) {
        this.run = run;
    }

    /**
     * Names the bounds of a run.
     *
     * @param run whose
     * @return its bounds
     */
    public static RunBounds of(GuardedRun run) {
        return new RunBounds(run);
    }

    /**
     * Replaces {@link RunOptions#maxHold()}: the run is renewed for a time from now, and then notified that it lost its lease.
     *
     * @param time for how long from now; may be shorter than what is left
     * @return whether that holds; false if the lease is lost, the time that was set before is over, the run has ended, or
     *     has no lease. Always true while the guard {@linkplain RunOptions#observe() only observes}
     * @throws IllegalArgumentException if the time is below 1 ms, or longer than {@link DurationText#LONGEST}
     */
    public boolean holdAtMost(Duration time) {
        DurationText.requireStorable("how long a run is held at most", time, 1);
        RunHold hold = run.hold();
        boolean holds = hold != null && hold.holdAtMost(time);
        return holds || run.isObserved();
    }

    /**
     * Lets no other run of the lock key start for a time from now, also after this one has ended, if it has a
     * {@link RunOptions#throttle() throttle}. Replaces what this run's own throttle has left. Does nothing for a run without a
     * lease.
     *
     * @param time for how long from now; zero for no longer
     * @return completes when the store has learned of it; fails with a {@link io.hapax.lease.LeaseStoreException} if it does not
     *     answer. Code that follows may block, as it does after {@link JobGuard#admitAsync}
     * @throws LeaseLostException if the lease is lost
     * @throws IllegalStateException if the run has ended
     * @throws IllegalArgumentException if the time is negative, below 1 ms, or longer than a throttle's longest period, or the store
     *     has no places for that
     */
    public CompletionStage<Void> keepOthersAway(Duration time) {
        if (!time.isZero()) {
            Throttle unused = new Throttle(1, time);
        }
        run.ensureHeld();
        RunHold hold = run.hold();
        if (hold == null || (run.isObserved() && !run.isHeld())) {
            return CompletableFuture.completedFuture(null);
        }
        CompletionStage<Void> known = hold.keepOthersAway(time).thenAccept(kept -> {});
        CompletionStage<Void> shown = run.isObserved() ? known.exceptionally(unreachable -> null) : known;
        return run.engine().delivery().of(shown.toCompletableFuture());
    }
}
