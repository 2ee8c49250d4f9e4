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
        this.read = ticker.now();
        this.readAt = System.nanoTime();
    }

    /** As the ticker tells; whatever that throws is thrown. */
    NanoTime now() {
        read = ticker.now();
        readAt = System.nanoTime();
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
