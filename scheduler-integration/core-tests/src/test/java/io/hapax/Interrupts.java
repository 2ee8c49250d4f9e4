package io.hapax;

import java.time.Duration;

/** The interrupt of a test's own thread because of a loss, which comes from another thread. */
final class Interrupts {

    private static final Duration LONGEST = Duration.ofSeconds(40);

    private Interrupts() {}

    /** Waits until the calling thread is interrupted, as no wait could that an interrupt ends; returns whether it was. The flag stays. */
    static boolean awaited() {
        long start = System.nanoTime();
        while (!Thread.currentThread().isInterrupted() && System.nanoTime() - start < LONGEST.toNanos()) {
            Thread.onSpinWait();
        }
        return Thread.currentThread().isInterrupted();
    }

    /** The same, and clears the flag. */
    static boolean taken() {
        boolean unused = awaited();
        return Thread.interrupted();
    }
}
