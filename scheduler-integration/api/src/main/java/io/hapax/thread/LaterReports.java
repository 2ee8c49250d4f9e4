package io.hapax.thread;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Reports what failed where a report must hold up nothing: under a lock of the caller, or on the timer's thread. Reports go out on a thread of
 * their own, as the log may be what blocks.
 *
 * <p>The first failure is reported at once. Those that follow are counted, since where one thread cannot be started, hundreds cannot; the first one
 * after a minute is reported with that count. Thread-safe.
 */
final class LaterReports {

    /** Reports to nobody, for the threads of reports. */
    static final LaterReports NONE = new LaterReports((what, failure) -> {}, Runnable::run);

    private static final Duration WINDOW = Duration.ofMinutes(1);

    private record Failure(String doing, String name, Throwable why) {
        String what(long others) {
            return others == 0 ? doing + name : doing + name + " (and " + others + " more since the last such line)";
        }
    }

    private final GuardThreads.Trouble trouble;
    private final Executor executor;
    private final AtomicLong unreported = new AtomicLong();
    private final AtomicBoolean going = new AtomicBoolean();
    private volatile @Nullable Failure last;
    /** When it last reported; written by the one that is going. */
    private volatile long reportedAt;

    private volatile boolean hasReported;

    LaterReports(GuardThreads.Trouble trouble, Executor executor) {
        this.trouble = trouble;
        this.executor = executor;
    }

    /**
     * Takes note of a failure. Never waits; memory may be short, then the report is lost, and nothing else.
     *
     * @param doing what has failed, followed by the name
     * @param name of a thread
     */
    void met(String doing, String name, Throwable why) {
        try {
            last = new Failure(doing, name, why);
            unreported.incrementAndGet();
            if (isDue() && going.compareAndSet(false, true)) {
                handOver();
            }
        } catch (Throwable unreportable) {
            // The next failure is another occasion.
        }
    }

    private boolean isDue() {
        return !hasReported || System.nanoTime() - reportedAt >= WINDOW.toNanos();
    }

    private void handOver() {
        boolean handedOver = false;
        try {
            executor.execute(this::report);
            handedOver = true;
        } finally {
            if (!handedOver) {
                going.set(false);
            }
        }
    }

    private void report() {
        try {
            Failure failure = last;
            long all = unreported.getAndSet(0);
            reportedAt = System.nanoTime();
            hasReported = true;
            if (failure != null) {
                trouble.met(failure.what(Math.max(0, all - 1)), failure.why());
            }
        } finally {
            going.set(false);
        }
    }
}
