package io.hapax.lease;

import io.hapax.time.DurationText;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a lease is given back.
 *
 * @param outcome how the occurrence has ended; null if it may be run again
 * @param retention how long to remember that; zero if there is nothing to remember
 * @param job in whose history the run is to be noted; null for nobody's
 * @param again whether that has been noted already, with another lease of the same run: this one is noted where a request for
 *     the occurrence by this lease's keys would not find it, and makes no difference to a store that keeps all in one place
 */
public record Ending(
        @Nullable OccurrenceOutcome outcome,
        Duration retention,
        @Nullable String job,
        boolean again) {

    /** The occurrence has not ended: give the lease back and remember nothing. */
    public static final Ending NOT_DONE = new Ending(null, Duration.ZERO, null, false);

    /**
     * Checks the retention.
     *
     * @throws IllegalArgumentException if it does not fit the outcome, or is longer than {@link DurationText#LONGEST}; or if
     *     the job's name is empty
     */
    public Ending {
        if (job != null && job.isEmpty()) {
            throw new IllegalArgumentException("a job in whose history a run is noted needs a name");
        }
        DurationText.requireStorable("the retention of a done marker", retention, outcome == null ? 0 : 1);
        if (outcome == null && !retention.isZero()) {
            throw new IllegalArgumentException("an occurrence that has not ended is not remembered for " + retention);
        }
    }

    /**
     * The occurrence has completed.
     *
     * @param retention how long to remember it, at least 1 ms
     * @return the ending
     * @throws IllegalArgumentException if the retention is below 1 ms, or longer than {@link DurationText#LONGEST}
     */
    public static Ending done(Duration retention) {
        return new Ending(OccurrenceOutcome.DONE, retention, null, false);
    }

    /**
     * The occurrence has failed, and is not to be tried again.
     *
     * @param retention how long to remember it, at least 1 ms
     * @return the ending
     * @throws IllegalArgumentException if the retention is below 1 ms, or longer than {@link DurationText#LONGEST}
     */
    public static Ending failed(Duration retention) {
        return new Ending(OccurrenceOutcome.FAILED, retention, null, false);
    }

    /**
     * The same, and the run is noted in the history of a job.
     *
     * @param name the job's
     * @return the ending
     * @throws IllegalArgumentException if the name is empty
     */
    public Ending inHistoryOf(String name) {
        return new Ending(outcome, retention, name, again);
    }

    /**
     * The same for another lease of the same run, whose end has been noted.
     *
     * @return the ending, which is in nobody's history
     */
    public Ending onceMore() {
        return new Ending(outcome, retention, null, true);
    }

    /**
     * Tells whether a marker is to be left.
     *
     * @return whether the occurrence has ended, done or failed
     */
    public boolean isOver() {
        return outcome != null;
    }

    /**
     * Tells whether the occurrence has completed.
     *
     * @return whether it is done
     */
    public boolean isDone() {
        return outcome == OccurrenceOutcome.DONE;
    }
}
