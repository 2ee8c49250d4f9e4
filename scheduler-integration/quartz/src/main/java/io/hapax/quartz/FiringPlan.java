package io.hapax.quartz;

import io.hapax.OnConflict;
import io.hapax.OnFailure;
import io.hapax.QueuedJob;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import java.time.Duration;
import java.util.Date;
import org.jspecify.annotations.Nullable;
import org.quartz.JobExecutionContext;

/**
 * How one firing is guarded.
 *
 * @param identity its keys, as the guard keeps them
 * @param planned whether its run key is made of the planned time, and not chosen by the job
 * @param queued its place in the queue, if it was queued under a lock mode that has one
 * @param untilNext how long until the trigger fires again; null if it does not
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
record FiringPlan(
        String job,
        JobIdentity identity,
        RunOptions options,
        boolean oneShot,
        int attempt,
        boolean planned,
        @Nullable QueuedJob queued,
        OnFailure onFailure,
        @Nullable Duration untilNext) {

    FiringPlan(
            String job,
            JobIdentity identity,
            RunOptions options,
            boolean oneShot,
            int attempt,
            boolean planned,
            @Nullable QueuedJob queued) {
        this(job, identity, options, oneShot, attempt, planned, queued, OnFailure.OVER, null);
    }

    FiringPlan onFailure(OnFailure chosen) {
        return new FiringPlan(job, identity, options, oneShot, attempt, planned, queued, chosen, untilNext);
    }

    FiringPlan next(JobExecutionContext context) {
        Date next = context.getTrigger().getNextFireTime();
        Date now = context.getFireTime();
        Duration until = next == null || now == null ? null : Duration.between(now.toInstant(), next.toInstant());
        return new FiringPlan(job, identity, options, oneShot, attempt, planned, queued, onFailure, until);
    }

    RunRequest request(boolean mayWait) {
        RunOptions asked = waits() && !mayWait ? options.withOnConflict(OnConflict.SKIP) : options;
        RunRequest request = RunRequest.of(identity).job(job).tune(defaults -> asked);
        if (planned) {
            request = request.planned();
            request = onFailure == OnFailure.OVER ? request.endsWithFailure() : request;
        }
        return attempt > 0 ? request.again() : request;
    }

    String runKey() {
        return String.valueOf(identity.runKey());
    }

    boolean waits() {
        return options.onConflict() == OnConflict.WAIT;
    }

    /**
     * Whether the same firing, which is at work elsewhere, is to be looked after: its worker may die, and by default nobody
     * would make up for it before the next firing, which is far away.
     */
    boolean mustNotBeLeft() {
        boolean isFar = untilNext != null && untilNext.compareTo(options.ttl()) > 0;
        return switch (options.onConflict()) {
            case SKIP -> false;
            case RESCHEDULE -> true;
            case AUTO -> oneShot || isFar;
            case WAIT, FAIL -> oneShot;
        };
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
