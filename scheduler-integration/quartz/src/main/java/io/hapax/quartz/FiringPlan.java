package io.hapax.quartz;

import io.hapax.OnConflict;
import io.hapax.OnFailure;
import io.hapax.QueuedJob;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How one firing is guarded.
 *
 * @param identity its keys, as the guard keeps them
 * @param kept what was kept with its trigger
 * @param planned whether its run key is made of the planned time, and not chosen by the job
 * @param queued its place in the queue, if it was queued under a lock mode that has one
 * @param untilNext how long until the trigger fires again, of a waiting firing its parent; null if it does not
 */
record FiringPlan(
        String job,
        JobIdentity identity,
        RunOptions options,
        boolean oneShot,
        Kept kept,
        boolean planned,
        @Nullable QueuedJob queued,
        @Nullable Duration untilNext) {

    RunRequest request(boolean mayWait) {
        RunRequest request = RunRequest.of(identity).job(job).tune(defaults -> options);
        request = mayWait ? request : request.withoutWaiting();
        // What fires again, on any replica, is the next occurrence, and this one's other copies are its replicas'
        // firings.
        request = oneShot ? request.oneOff() : request;
        request = oneShot && kept.parent() == null ? request.onlyCopy() : request;
        request = untilNext == null ? request : request.nextIn(untilNext);
        if (planned) {
            request = request.planned();
            request = options.onFailure() == OnFailure.OVER ? request.endsWithFailure() : request;
        }
        if (attempt() > 0) {
            return request.again();
        }
        // A run key that was made of a planned time ends with it.
        return planned ? request.inSeriesOfRunKey() : request.inSeries(holder -> false);
    }

    int attempt() {
        return kept.attempt();
    }

    String runKey() {
        return String.valueOf(identity.runKey());
    }

    /** Whether it is not dropped if nobody can tell whether it has run; as the guard decides if the store does not answer. */
    boolean isTriedAgain() {
        if (untilNext == null
                || options.onConflict() == OnConflict.RESCHEDULE
                || options.onConflict() == OnConflict.FAIL) {
            return isTriedAgainIfInterrupted();
        }
        return untilNext.compareTo(attempt() > 0 ? Duration.ZERO : options.ttl()) > 0;
    }

    /** Whether it is not dropped either if somebody interrupts it while it asks: what fires again by itself is. */
    boolean isTriedAgainIfInterrupted() {
        return oneShot || options.onConflict() == OnConflict.RESCHEDULE;
    }
}
