package io.hapax.ops;

import io.hapax.lease.FencingToken;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.OwnerId;
import io.hapax.lease.VisibleText;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A run of a job that has given its lease back. Immutable.
 *
 * @param owner the run
 * @param token the fencing token of its lease
 * @param worker the worker that ran it, for display: {@linkplain VisibleText visible text}
 * @param run the run key it worked on, for display, likewise; empty if it had none
 * @param since when its lease was granted, by the store's clock
 * @param ended when it gave it back, by the store's clock
 * @param outcome how the occurrence ended; null if it may be run again
 */
public record PastRun(
        OwnerId owner,
        FencingToken token,
        String worker,
        String run,
        Instant since,
        Instant ended,
        @Nullable OccurrenceOutcome outcome) {

    /** Makes visible what others have stored. */
    public PastRun {
        worker = VisibleText.of(worker);
        run = VisibleText.of(run);
    }

    /**
     * Tells how long the run had its lease.
     *
     * @return the time between grant and release; zero if the store's clock was set back between them
     */
    public Duration took() {
        Duration took = Duration.between(since, ended);
        return took.isNegative() ? Duration.ZERO : took;
    }
}
