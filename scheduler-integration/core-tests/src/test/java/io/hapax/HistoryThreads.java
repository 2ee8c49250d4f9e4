package io.hapax;

import io.hapax.testkit.NoThreads;
import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/** No threads: what lasts is kept until the history lets it run, and what a pool is given is done at once, or as the pool does it. */
final class HistoryThreads extends GuardThreads {

    private final NoThreads none;
    private final List<Runnable> kept = new ArrayList<>();

    /** @param pool carries out whatever any pool is given; null for whoever hands it over */
    HistoryThreads(@Nullable Executor pool) {
        super((what, failure) -> {
            throw new AssertionError(what, failure);
        });
        this.none = pool == null ? new NoThreads() : NoThreads.withPools(pool);
    }

    @Override
    public Thread start(String name, Runnable work) {
        kept.add(work);
        return Thread.currentThread();
    }

    @Override
    public ExecutorService pool(String name, int most) {
        return none.pool(name, most);
    }

    @Override
    public ExecutorService growingPool(String name, int usual) {
        return none.growingPool(name, usual);
    }

    @Override
    public Runnable after(Duration delay, Executor executor, Runnable task) {
        return none.after(delay, executor, task);
    }

    /** Runs what was started and has not run yet; for work that has nothing to wait for any more. */
    void runKept() {
        while (!kept.isEmpty()) {
            kept.remove(0).run();
        }
    }
}
