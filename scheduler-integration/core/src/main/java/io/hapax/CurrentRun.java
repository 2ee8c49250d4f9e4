package io.hapax;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The run that the calling thread executes. */
public final class CurrentRun {

    private static final ThreadLocal<@Nullable GuardedRun> RUN = new ThreadLocal<>();

    private CurrentRun() {}

    /**
     * Returns the run of the calling thread.
     *
     * @return the run
     * @throws IllegalStateException if this thread executes no guarded run
     */
    public static GuardedRun get() {
        return find().orElseThrow(
                        () -> new IllegalStateException(
                                "this thread executes no guarded run: is the guard installed, and is the code called on the job's own thread?"));
    }

    /**
     * Returns the run of the calling thread, if there is one.
     *
     * @return the run
     */
    public static Optional<GuardedRun> find() {
        return Optional.ofNullable(RUN.get());
    }

    /** Binds a run and returns the one bound before, to be put back. */
    static @Nullable GuardedRun swap(@Nullable GuardedRun run) {
        GuardedRun before = RUN.get();
        if (run == null) {
            RUN.remove();
        } else {
            RUN.set(run);
        }
        return before;
    }
}
