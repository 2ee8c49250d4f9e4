package io.hapax.benchmarks.adapters;

import io.hapax.benchmarks.cycle.SocketPeer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What the no-op jobs of this process leave behind. Thread-safe. */
final class Runs {

    /** Nothing but a scheduler that waits for its next poll takes so long. */
    private static final long POLL_NANOS = 1_000_000_000;

    private static final AtomicLong FIRST = new AtomicLong();
    private static final AtomicLong LAST = new AtomicLong();
    private static final AtomicLong IDLE = new AtomicLong();
    private static volatile CountDownLatch open = new CountDownLatch(0);
    private static final AtomicLong LOCKED = new AtomicLong();
    private static volatile @Nullable SocketPeer lock;

    private Runs() {}

    static void expect(int jobs) {
        FIRST.set(Long.MAX_VALUE);
        LAST.set(Long.MIN_VALUE);
        IDLE.set(0);
        open = new CountDownLatch(jobs);
    }

    /** Has each job work under a key of its own. */
    static void lockWith(SocketPeer used) {
        lock = used;
    }

    /** Called by a job. */
    static void ran() {
        SocketPeer used = lock;
        if (used == null) {
            count();
            return;
        }
        try {
            used.around("job:" + LOCKED.incrementAndGet(), Runs::count);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void count() {
        long now = System.nanoTime();
        FIRST.accumulateAndGet(now, Math::min);
        long before = LAST.getAndAccumulate(now, Math::max);
        if (before != Long.MIN_VALUE && now - before > POLL_NANOS) {
            IDLE.addAndGet(now - before);
        }
        open.countDown();
    }

    static void await() throws InterruptedException {
        if (!open.await(3, TimeUnit.MINUTES)) {
            throw new IllegalStateException(open.getCount() + " jobs did not run");
        }
    }

    /** From the first job to the last, without waiting for polls. */
    static long nanos() {
        return LAST.get() - FIRST.get() - IDLE.get();
    }
}
