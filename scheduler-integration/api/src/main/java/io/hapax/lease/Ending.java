package io.hapax.lease;

import java.time.Duration;

/**
 * How a lease is given back.
 *
 * @param retention how long to remember that the occurrence has completed; zero if it has not
 */
public record Ending(Duration retention) {

    /** The occurrence has not completed: give the lease back and remember nothing. */
    public static final Ending NOT_DONE = new Ending(Duration.ZERO);

    /**
     * Checks the retention.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Ending {
        if (retention.isNegative()) {
            throw new IllegalArgumentException("a retention must not be negative, was " + retention);
        }
    }

    /**
     * The occurrence has completed.
     *
     * @param retention how long to remember it, at least 1 ms
     * @return the ending
     * @throws IllegalArgumentException if the retention is below 1 ms
     */
    public static Ending done(Duration retention) {
        if (retention.toMillis() < 1) {
            throw new IllegalArgumentException(
                    "the retention of a done marker must be at least 1 ms, was " + retention);
        }
        return new Ending(retention);
    }

    /**
     * Tells whether a done marker is to be left.
     *
     * @return whether the occurrence has completed
     */
    public boolean isDone() {
        return !retention.isZero();
    }
}
