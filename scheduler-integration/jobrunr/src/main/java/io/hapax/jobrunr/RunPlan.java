package io.hapax.jobrunr;

import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.QueuedJob;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.VisibleText;
import io.hapax.policy.JobPolicy;
import io.hapax.policy.KeyTemplate;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.states.ProcessingState;
import org.jspecify.annotations.Nullable;

/**
 * What the guard is asked for one attempt at a job. Immutable.
 *
 * @param identity lock key and run key
 * @param name the job's name, of which there are few
 * @param options how the run is guarded
 * @param oneOff whether it does not come again by itself
 * @param sharesKey whether others than its own occurrences may hold its lock key
 * @param again whether the job ran before
 * @param planned whether its run key is JobRunr's, and not chosen by the job
 * @param queued its place in the queue, if its lock mode has one
 */
record RunPlan(
        JobIdentity identity,
        String name,
        RunOptions options,
        boolean oneOff,
        boolean sharesKey,
        boolean again,
        boolean planned,
        @Nullable QueuedJob queued) {

    /** Reads the plan from a job of which only the class that it names is known. */
    static @Nullable RunPlan of(Job job, JobGuard guard) {
        return of(job, guard, null, null);
    }

    /**
     * Reads the plan from a job.
     *
     * @param performing the class that does the work; null where only the one that the job names is known
     * @param jobs where the job is stored; null if its place in the queue is not asked for
     * @return the plan, or null if the job is not to be guarded
     * @throws IllegalArgumentException if its annotation is wrong
     */
    static @Nullable RunPlan of(Job job, JobGuard guard, @Nullable Class<?> performing, @Nullable StoredJobs jobs) {
        JobPolicy<KeyTemplate> policy = JobPolicies.of(guard).of(job.getJobDetails(), performing);
        if (!policy.isEnabled()) {
            return null;
        }
        policy.options().requireConsistent();
        JobKeys keys = new JobKeys(guard, job, policy);
        boolean again = job.getJobStatesOfType(ProcessingState.class).count() > 1;
        boolean planned = policy.once() == null || Occurrence.isRepetition(job);
        return new RunPlan(
                guard.kept(planned ? Occurrence.named(job, keys.identity()) : keys.identity()),
                nameOf(job),
                policy.options(),
                job.getRecurringJobId().isEmpty(),
                policy.key() != null,
                again,
                planned,
                jobs == null ? null : keys.queued(nameOf(job), jobs));
    }

    /** The place in the queue of a job that is being created; null if it needs none. */
    static @Nullable QueuedJob queued(Job job, JobGuard guard, StoredJobs jobs) {
        RunPlan plan = of(job, guard, null, jobs);
        return plan == null ? null : plan.queued();
    }

    private static String nameOf(Job job) {
        JobDetails details = job.getJobDetails();
        return job.getRecurringJobId().orElse(details.getClassName() + "." + details.getMethodName());
    }

    RunRequest request(boolean postponedBefore) {
        // JobRunr hands a job to one server: a server that drops it loses it.
        RunRequest request =
                RunRequest.of(identity).job(name).tune(defaults -> options).onlyCopy();
        request = oneOff ? request.oneOff() : request;
        request = sharesKey && tellsItsJob() ? request.inSeriesOfRunKey() : request;
        request = planned ? request.planned() : request;
        return postponedBefore ? request.again() : request;
    }

    /** Which recurring job an occurrence belongs to its run key says, unless that is a user's own, or kept as a digest. */
    private boolean tellsItsJob() {
        return planned && VisibleText.of(String.valueOf(identity.runKey())).lastIndexOf('@') > 0;
    }

    boolean waits() {
        return options.onConflict() == OnConflict.WAIT;
    }
}
