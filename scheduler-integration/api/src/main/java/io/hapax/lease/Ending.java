package io.hapax.lease;

import io.hapax.time.DurationText;
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
     * @throws IllegalArgumentException if it is negative, or longer than {@link DurationText#LONGEST}
     */
    public Ending {
        DurationText.requireStorable("the retention of a done marker", retention, 0);
    }

    /**
     * The occurrence has completed.
     *
     * @param retention how long to remember it, at least 1 ms
     * @return the ending
     * @throws IllegalArgumentException if the retention is below 1 ms, or longer than {@link DurationText#LONGEST}
     */
    public static Ending done(Duration retention) {
        DurationText.requireStorable("the retention of a done marker", retention, 1);
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
