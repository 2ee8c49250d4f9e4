package io.hapax;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
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

    /** The run of the calling thread, and those around it: all that go on only when this thread does. */
    static Set<GuardedRun> all() {
        Set<GuardedRun> all = new HashSet<>();
        GuardedRun run = RUN.get();
        while (run != null && all.add(run)) {
            run = around(run);
        }
        return all;
    }

    /** The run around another one: of its thread, or the one that it was asked for in, as no thread is at it between two signals. */
    static @Nullable GuardedRun around(GuardedRun run) {
        GuardedRun ofThread = run.outer();
        return ofThread == null ? run.terms().request().outer() : ofThread;
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
