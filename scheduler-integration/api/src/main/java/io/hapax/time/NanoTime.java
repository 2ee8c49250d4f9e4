package io.hapax.time;

import java.time.Duration;

/**
 * An instant of one {@link Ticker}, in nanoseconds from an origin that means nothing.
 *
 * <p>Instants of different tickers or processes must not be compared. Immutable.
 *
 * @param nanos the raw reading; may be negative and may wrap around, as {@link System#nanoTime()} does
 */
public record NanoTime(long nanos) {

    /**
     * Returns this instant moved by a duration.
     *
     * @param duration how far; may be negative
     * @return the moved instant
     */
    public NanoTime plus(Duration duration) {
        return new NanoTime(nanos + duration.toNanos());
    }

    /**
     * Returns how much time lies between an earlier instant and this one.
     *
     * @param earlier an instant of the same ticker
     * @return the elapsed time; negative if {@code earlier} is later
     */
    public Duration since(NanoTime earlier) {
        return Duration.ofNanos(nanos - earlier.nanos);
    }

    /**
     * Tells whether this instant lies before another one, also across the wrap-around of the counter.
     *
     * @param other an instant of the same ticker
     * @return whether this instant is strictly earlier
     */
    public boolean isBefore(NanoTime other) {
        return nanos - other.nanos < 0;
    }
}
