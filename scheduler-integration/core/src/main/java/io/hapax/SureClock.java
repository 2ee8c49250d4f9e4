package io.hapax;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;

/** A ticker that tells the time also while it cannot be read: by the JVM's own clock, from the last time that it could. For one thread. */
final class SureClock {

    private final Ticker ticker;
    private NanoTime read;
    private long readAt;

    SureClock(Ticker ticker) {
        this.ticker = ticker;
        this.readAt = System.nanoTime();
        this.read = ticker.now();
    }

    /** As the ticker tells; whatever that throws is thrown. */
    NanoTime now() {
        // Read before: if the thread stands still in between, what follows from it is late, and not early.
        long before = System.nanoTime();
        read = ticker.now();
        readAt = before;
        return read;
    }

    /** As the ticker tells, or would tell. */
    NanoTime surely() {
        try {
            return now();
        } catch (Throwable unreadable) {
            return new NanoTime(read.nanos() + (System.nanoTime() - readAt));
        }
    }
}
