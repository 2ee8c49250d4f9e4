package io.hapax;

import org.jspecify.annotations.Nullable;

/**
 * Code that runs under a lease.
 *
 * @param <T> what it returns
 * @param <E> what it may throw
 */
@FunctionalInterface
public interface GuardedBody<T, E extends Exception> {

    /**
     * Does the work.
     *
     * @param run the run; ask it before each step that must not happen without the lease
     * @return a result, or null
     * @throws E if the work fails
     */
    @Nullable
    T run(GuardedRun run) throws E;
}
