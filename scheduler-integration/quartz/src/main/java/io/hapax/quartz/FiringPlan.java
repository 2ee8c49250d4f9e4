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
 * @param planned whether its run key is made of the planned time, and not chosen by the job
 * @param queued its place in the queue, if it was queued under a lock mode that has one
 * @param untilNext how long until the trigger fires again; null if it does not
 */
record FiringPlan(
        String job,
        JobIdentity identity,
        RunOptions options,
        boolean oneShot,
        int attempt,
        boolean planned,
        @Nullable QueuedJob queued,
        @Nullable Duration untilNext) {

    RunRequest request(boolean mayWait) {
        RunRequest request = RunRequest.of(identity).job(job).tune(defaults -> options);
        request = mayWait ? request : request.withoutWaiting();
        // What fires again, on any replica, is the next occurrence, and this one's other copies are its replicas'
        // firings.
        request = oneShot ? request.oneOff().onlyCopy() : request;
        request = untilNext == null ? request : request.nextIn(untilNext);
        if (planned) {
            request = request.planned();
            request = options.onFailure() == OnFailure.OVER ? request.endsWithFailure() : request;
        }
        return attempt > 0 ? request.again() : request;
    }

    String runKey() {
        return String.valueOf(identity.runKey());
    }

    /** Whether it is not dropped if nobody can tell whether it has run. */
    boolean isTriedAgain() {
        return oneShot || options.onConflict() == OnConflict.RESCHEDULE;
    }
}
