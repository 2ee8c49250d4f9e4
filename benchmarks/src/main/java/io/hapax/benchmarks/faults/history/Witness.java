package io.hapax.benchmarks.faults.history;

import io.hapax.benchmarks.harness.Background;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread that does nothing but want a processor every 5 ms, as any thread of its process may, and says when it got none for
 * longer than 20 ms. What another thread of that process did too late meanwhile is the fault of the machine; what was late although
 * the witness ran is not.
 */
public final class Witness implements Runnable {

    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long NOTED_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Testimony testimony;

    private Witness(Testimony testimony) {
        this.testimony = testimony;
    }

    /** Takes down what a witness says. */
    public interface Testimony {
        /**
         * The process had no processor until now.
         *
         * @param micros for how long, in µs; 0 when the witness starts
         */
        void starved(long micros);
    }

    /**
     * Starts a witness in this process, which lives as long as the process.
     *
     * @param testimony takes down what it says
     */
    public static void start(Testimony testimony) {
        Background.run("witness", new Witness(testimony));
    }

    @Override
    public void run() {
        testimony.starved(0);
        long last = System.nanoTime();
        while (!Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(TICK_NANOS);
            long now = System.nanoTime();
            long gap = now - last;
            last = now;
            if (gap > NOTED_NANOS) {
                testimony.starved(TimeUnit.NANOSECONDS.toMicros(gap));
            }
        }
    }
}
