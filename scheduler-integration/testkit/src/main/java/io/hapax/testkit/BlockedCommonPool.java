package io.hapax.testkit;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;

/**
 * Has all threads of the JDK's common pool, as blocking tasks of an application have, until it is closed. For tests that no others
 * run beside.
 */
public final class BlockedCommonPool implements AutoCloseable {

    /** A test that forgets to close it must not leave the threads blocked for those that come after it. */
    private static final int LONGEST_MINUTES = 5;

    private final CountDownLatch free = new CountDownLatch(1);

    /**
     * Takes all threads.
     *
     * @throws InterruptedException if the caller is interrupted before it has all of them
     * @throws AssertionError if others do not leave them for a minute
     */
    public BlockedCommonPool() throws InterruptedException {
        int threads = Math.max(1, ForkJoinPool.commonPool().getParallelism());
        CountDownLatch blocked = new CountDownLatch(threads);
        for (int n = 0; n < threads; n++) {
            ForkJoinPool.commonPool().execute(() -> {
                blocked.countDown();
                try {
                    boolean unused = free.await(LONGEST_MINUTES, TimeUnit.MINUTES);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        }
        if (!blocked.await(1, TimeUnit.MINUTES)) {
            close();
            throw new AssertionError("the common pool was busy for a minute");
        }
    }

    /**
     * Tells whether it still has the threads.
     *
     * @return false once it is closed
     */
    public boolean isBlocked() {
        return free.getCount() == 1;
    }

    /** Lets the threads go. */
    @Override
    public void close() {
        free.countDown();
    }
}
