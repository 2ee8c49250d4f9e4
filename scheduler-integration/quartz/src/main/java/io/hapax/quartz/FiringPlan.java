package io.hapax.quartz;

import io.hapax.OnConflict;
import io.hapax.QueuedJob;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import org.jspecify.annotations.Nullable;

/**
 * How one firing is guarded.
 *
 * @param identity its keys, as the guard keeps them
 * @param planned whether its run key is made of the planned time, and not chosen by the job
 * @param queued its place in the queue, if it was queued under a lock mode that has one
 */
record FiringPlan(
        String job,
        JobIdentity identity,
        RunOptions options,
        boolean oneShot,
        int attempt,
        boolean planned,
        @Nullable QueuedJob queued) {

    RunRequest request(boolean mayWait) {
        RunOptions asked = waits() && !mayWait ? options.withOnConflict(OnConflict.SKIP) : options;
        RunRequest request = RunRequest.of(identity).job(job).tune(defaults -> asked);
        if (planned) {
            request = request.planned();
        }
        return attempt > 0 ? request.again() : request;
    }

    String runKey() {
        return String.valueOf(identity.runKey());
    }

    boolean waits() {
        return options.onConflict() == OnConflict.WAIT;
    }

    /** What AUTO means here: a recurring job comes again by itself, a one-off job would be lost. */
    OnConflict onConflict() {
        return resolved(options.onConflict());
    }

    OnConflict resolved(OnConflict policy) {
        if (policy != OnConflict.AUTO) {
            return policy;
        }
        return oneShot ? OnConflict.RESCHEDULE : OnConflict.SKIP;
    }
}
