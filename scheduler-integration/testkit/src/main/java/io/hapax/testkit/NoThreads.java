package io.hapax.testkit;

import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** No threads: the caller does at once what a guard would hand over to a thread, and nothing that lasts is started. */
public final class NoThreads extends GuardThreads {

    private final Predicate<String> canStart;
    private final Executor pools;

    /** Creates threads that are none. */
    public NoThreads() {
        this(any -> true);
    }

    /**
     * Creates threads that are none, of which some are not to be had.
     *
     * @param canStart whether a pool of that name has a thread for what it is given next; what it refuses is forgotten
     */
    public NoThreads(Predicate<String> canStart) {
        this(canStart, Runnable::run);
    }

    private NoThreads(Predicate<String> canStart, Executor pools) {
        super((what, failure) -> {
            throw new AssertionError(what, failure);
        });
        this.canStart = canStart;
        this.pools = pools;
    }

    /**
     * Creates threads that are none, whose pools do what the test wants.
     *
     * @param pools is given whatever any pool is given
     * @return the threads
     */
    public static NoThreads withPools(Executor pools) {
        return new NoThreads(any -> true, pools);
    }

    @Override
    public Thread start(String name, Runnable work) {
        return Thread.currentThread();
    }

    @Override
    public ExecutorService pool(String name, int most) {
        return new Pool(() -> canStart.test(name), pools);
    }

    @Override
    public ExecutorService growingPool(String name, int usual) {
        return pool(name, usual);
    }

    @Override
    public Runnable after(Duration delay, Executor executor, Runnable task) {
        throw new AssertionError("no timers here");
    }

    private static final class Pool extends AbstractExecutorService {

        private final BooleanSupplier canStart;
        private final Executor pools;

        Pool(BooleanSupplier canStart, Executor pools) {
            this.canStart = canStart;
            this.pools = pools;
        }

        @Override
        public void execute(Runnable task) {
            if (canStart.getAsBoolean()) {
                pools.execute(task);
            }
        }

        @Override
        public void shutdown() {
            // There is nothing to stop.
        }

        @Override
        public List<Runnable> shutdownNow() {
            return List.of();
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return false;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return true;
        }
    }
}
