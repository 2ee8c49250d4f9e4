package io.hapax.jobrunr;

import io.hapax.JobGuard;
import io.hapax.QueuedJob;
import io.hapax.event.Refusal;
import io.hapax.lease.VisibleText;
import java.util.Optional;
import org.jobrunr.jobs.AbstractJob;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.filters.JobClientFilter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps duplicates out of the queue, where jobs are put into it.
 *
 * <p>JobRunr takes no "no" from a client filter, and swallows what one throws; but a job that a filter deletes is stored as
 * deleted, with the reason, and never runs. Its id is returned to the caller as usual.
 */
final class UniqueInQueue implements JobClientFilter {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);

    @Override
    public void onCreating(AbstractJob created) {
        if (!(created instanceof Job job)) {
            return;
        }
        JobGuard guard = JobRunrGuard.guardOfProcess();
        if (guard == null) {
            warnIfUnique(job);
            return;
        }
        try {
            QueuedJob place = RunPlan.queued(job, guard);
            Optional<Refusal> refusal = place == null ? Optional.empty() : place.enter();
            refusal.ifPresent(why -> job.delete(GuardedPerformer.US + "not queued: " + why.reason()));
        } catch (IllegalArgumentException wrong) {
            // The worker says so, too, where the job is seen to fail.
            LOG.error(
                    "job {} is queued without a look for duplicates: {}",
                    job.getId(),
                    VisibleText.of(String.valueOf(wrong.getMessage())));
        }
    }

    private static void warnIfUnique(Job job) {
        if (JobPolicies.withoutGuard(job.getJobDetails()).mode().isQueued()) {
            LOG.warn(
                    "job {} is queued without a look for duplicates: no guard is installed in this process,"
                            + " JobRunrGuard.install(guard) is missing",
                    job.getId());
        }
    }
}
