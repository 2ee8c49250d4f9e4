package io.hapax;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;

/** Has all threads of the JDK's common pool, as blocking tasks of an application have, until it is closed. */
final class BlockedCommonPool implements AutoCloseable {

    /** A test that forgets to close it must not leave the threads blocked for those that come after it. */
    private static final int LONGEST_MINUTES = 5;

    private final CountDownLatch free = new CountDownLatch(1);

    BlockedCommonPool() throws InterruptedException {
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

    boolean isBlocked() {
        return free.getCount() == 1;
    }

    @Override
    public void close() {
        free.countDown();
    }
}
