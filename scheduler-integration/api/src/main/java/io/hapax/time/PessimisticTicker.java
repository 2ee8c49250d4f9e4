package io.hapax.time;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * A monotonic clock that is pushed forward whenever a reference clock has run ahead of it.
 *
 * <p>{@code CLOCK_MONOTONIC} stands still while Linux is suspended; the wall clock is corrected at resume, and
 * {@code /proc/uptime} counts the suspended time. Differences below {@link #TOLERANCE_NANOS} are jitter and slewing,
 * and are left alone. A reference that was set back only moves its baseline: time never goes back.
 */
final class PessimisticTicker implements Ticker {

    static final long TOLERANCE_NANOS = 50_000_000;
    private static final long BOOT_CLOCK_EVERY_NANOS = 200_000_000;
    /** Nobody wakes a sleeper when time is pushed forward, so it looks by itself: a deadline may have passed meanwhile. */
    private static final long LONGEST_SLEEP_NANOS = 100_000_000;

    private static final Path UPTIME = Path.of("/proc/uptime");

    private static final InstantSource WALL = InstantSource.system();

    private final LongSupplier monotonic;
    private final Reference wall;
    private final Reference boot;
    private final AtomicLong bootReadAt;
    private final AtomicLong pushed = new AtomicLong();

    PessimisticTicker() {
        this(System::nanoTime, () -> WALL.millis() * 1_000_000, PessimisticTicker::uptimeNanos);
    }

    PessimisticTicker(LongSupplier monotonic, LongSupplier wall, LongSupplier boot) {
        this.monotonic = monotonic;
        long now = monotonic.getAsLong();
        this.wall = new Reference(wall, now);
        this.boot = new Reference(boot, now);
        this.bootReadAt = new AtomicLong(now);
    }

    @Override
    public NanoTime now() {
        long now = monotonic.getAsLong();
        wall.compareWith(now);
        long last = bootReadAt.get();
        if (now - last > BOOT_CLOCK_EVERY_NANOS && bootReadAt.compareAndSet(last, now)) {
            boot.compareWith(now);
        }
        return new NanoTime(now + pushed.get());
    }

    @Override
    public void parkUntil(NanoTime deadline) {
        long nanos = deadline.nanos() - now().nanos();
        if (nanos > 0) {
            LockSupport.parkNanos(this, Math.min(nanos, LONGEST_SLEEP_NANOS));
        }
    }

    @Override
    public void wake(Thread thread) {
        LockSupport.unpark(thread);
    }

    /** A clock that may run ahead of the monotonic one; both references see the same suspension, so the larger counts. */
    private final class Reference {
        private final LongSupplier clock;
        private final AtomicLong baseline;
        private final AtomicLong ahead = new AtomicLong();

        Reference(LongSupplier clock, long now) {
            this.clock = clock;
            this.baseline = new AtomicLong(clock.getAsLong() - now);
        }

        void compareWith(long now) {
            long offset = clock.getAsLong() - now;
            long base = baseline.get();
            long jump = offset - base;
            if (Math.abs(jump) > TOLERANCE_NANOS && baseline.compareAndSet(base, offset) && jump > 0) {
                long total = ahead.addAndGet(jump);
                pushed.accumulateAndGet(total, Math::max);
            }
        }
    }

    private static long uptimeNanos() {
        try {
            String text = Files.readString(UPTIME);
            return (long) (Double.parseDouble(text.substring(0, text.indexOf(' '))) * 1e9);
        } catch (IOException | RuntimeException notLinux) {
            return System.nanoTime();
        }
    }
}
