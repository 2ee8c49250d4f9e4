package io.hapax;

import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** No threads: whatever a guard hands over is done at once, and its watchdog is driven by the test. */
final class HistoryThreads extends GuardThreads {

    private final Predicate<String> canStart;

    HistoryThreads() {
        this(any -> true);
    }

    /** @param canStart whether a pool of that name has a thread for what it is given next */
    HistoryThreads(Predicate<String> canStart) {
        super((what, failure) -> {
            throw new AssertionError(what, failure);
        });
        this.canStart = canStart;
    }

    /** A clock that only the test moves, and on which nobody waits. */
    static final class Clock implements Ticker {
        private NanoTime now = new NanoTime(Long.MAX_VALUE - TimeUnit.MINUTES.toNanos(1));

        @Override
        public NanoTime now() {
            return now;
        }

        void moveTo(NanoTime later) {
            now = later;
        }

        @Override
        public void parkUntil(NanoTime deadline) {
            throw new AssertionError("nobody waits here");
        }

        @Override
        public void wake(Thread thread) {}
    }

    @Override
    public Thread start(String name, Runnable work) {
        return Thread.currentThread();
    }

    @Override
    public ExecutorService pool(String name, int most) {
        return new AtOnce(() -> canStart.test(name));
    }

    @Override
    public Runnable after(Duration delay, Executor executor, Runnable task) {
        throw new AssertionError("no timers here");
    }

    private static final class AtOnce extends AbstractExecutorService {

        private final BooleanSupplier canStart;

        AtOnce(BooleanSupplier canStart) {
            this.canStart = canStart;
        }

        @Override
        public void execute(Runnable task) {
            if (canStart.getAsBoolean()) {
                task.run();
            }
        }

        @Override
        public void shutdown() {}

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
