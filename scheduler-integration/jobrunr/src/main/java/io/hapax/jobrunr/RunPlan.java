package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.states.ProcessingState;
import org.jspecify.annotations.Nullable;

/**
 * What the guard is asked for one attempt at a job. Immutable.
 *
 * @param identity lock key and run key
 * @param name the job's name, of which there are few
 * @param options how the run is guarded; their conflict policy is never {@link OnConflict#AUTO}
 * @param again whether the job was at work before
 */
record RunPlan(JobIdentity identity, String name, RunOptions options, boolean again) {

    /**
     * Reads the plan from a job.
     *
     * @return the plan, or null if the job is not to be guarded
     * @throws IllegalArgumentException if its annotation is wrong
     */
    static @Nullable RunPlan of(Job job, JobGuard guard) {
        Guarded guarded = GuardedLookup.find(job.getJobDetails());
        if (guarded != null && !guarded.enabled()) {
            return null;
        }
        RunOptions options =
                guarded == null ? guard.defaults() : guard.defaults().with(guarded);
        if (options.onConflict() == OnConflict.AUTO) {
            boolean recurring = job.getRecurringJobId().isPresent();
            options = options.withOnConflict(recurring ? OnConflict.SKIP : OnConflict.RESCHEDULE);
        }
        JobIdentity identity = new JobIdentity(lockKey(job, guarded), runKey(job, guarded));
        boolean again = job.getJobStatesOfType(ProcessingState.class).count() > 1;
        return new RunPlan(identity, nameOf(job), options, again);
    }

    /** By default a recurring job does not overlap with itself, and a one-off job only with its own duplicates. */
    private static @Nullable LockKey lockKey(Job job, @Nullable Guarded guarded) {
        if (guarded != null && !guarded.key().isEmpty()) {
            return new LockKey(LockKeyTemplate.fill(guarded.key(), job));
        }
        return job.getRecurringJobId().map(id -> new LockKey("recurring:" + id)).orElse(null);
    }

    private static RunKey runKey(Job job, @Nullable Guarded guarded) {
        if (guarded != null && !guarded.once().isEmpty()) {
            return new RunKey(LockKeyTemplate.fill(guarded.once(), job));
        }
        return new RunKey(Occurrence.runKey(job));
    }

    private static String nameOf(Job job) {
        JobDetails details = job.getJobDetails();
        return job.getRecurringJobId().orElse(details.getClassName() + "." + details.getMethodName());
    }

    RunRequest request() {
        return request(options);
    }

    /** Asks once, whatever the policy. */
    RunRequest requestWithoutWaiting() {
        return request(options.withOnConflict(OnConflict.RESCHEDULE));
    }

    private RunRequest request(RunOptions wanted) {
        return RunRequest.of(identity).job(name).tune(defaults -> wanted);
    }

    boolean waits() {
        return options.onConflict() == OnConflict.WAIT;
    }
}
