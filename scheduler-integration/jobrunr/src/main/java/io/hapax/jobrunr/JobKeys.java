package io.hapax.jobrunr;

import io.hapax.JobGuard;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.QueuedJob;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.policy.JobPolicy;
import io.hapax.policy.KeyTemplate;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.context.JobContext;
import org.jspecify.annotations.Nullable;

/** Which keys a job has, and whether they make sense. */
record JobKeys(JobGuard guard, Job job, JobPolicy<KeyTemplate> policy) {

    /** The keys of a run. */
    JobIdentity identity() {
        LockKey lock = lockKey();
        return new JobIdentity(mode().isLockedWhileExecuting() ? lock : null, runKey());
    }

    /** The place in the queue; null if there is none. Recurring jobs come by their plan, not by a queue. */
    @Nullable
    QueuedJob queued(String name, StoredJobs jobs) {
        if (!mode().isQueued() || job.getRecurringJobId().isPresent()) {
            return null;
        }
        LockKey lock = lockKey();
        if (lock == null) {
            throw wrong("mode=" + mode() + " needs a key that says what is to be in the queue once, as in"
                    + " @Guarded(key = \"import/%0\")");
        }
        return new QueuedJob(guard, name, lock, jobs.idOf(job), policy.options());
    }

    private LockMode mode() {
        return policy.options().mode();
    }

    /** By default a recurring job does not overlap with itself, and a one-off job only with its own duplicates. */
    private @Nullable LockKey lockKey() {
        boolean allows = policy.options().onConflict() == OnConflict.ALLOW;
        KeyTemplate key = policy.key();
        if (key != null) {
            if (allows) {
                throw contradicted(key);
            }
            return new LockKey(filled("key", key));
        }
        LockKey recurring = job.getRecurringJobId()
                .map(id -> new LockKey("recurring:" + id))
                .orElse(null);
        if (recurring == null && policy.needsOwnKey()) {
            throw wrong(policy.needingKey()
                    + " needs a key that says what is limited, as in @Guarded(key = \"customer/%0\")");
        }
        return allows ? null : recurring;
    }

    /**
     * Checks what is known before the first occurrence: all but the logging context in which it is enqueued.
     *
     * @throws IllegalArgumentException if a key cannot be filled, or is contradicted
     */
    void requireOfRecurring() {
        if (policy.key() != null && policy.options().onConflict() == OnConflict.ALLOW) {
            throw contradicted(policy.key());
        }
        requireFillable("key", policy.key());
        requireFillable("once", policy.once());
    }

    private void requireFillable(String attribute, @Nullable KeyTemplate template) {
        if (template != null && template.named(KeyTemplate.Kind.MDC).isEmpty()) {
            String unused = filled(attribute, template);
        }
    }

    private IllegalArgumentException contradicted(KeyTemplate key) {
        return wrong("onConflict=ALLOW contradicts the key '" + key + "': leave out one of them");
    }

    private RunKey runKey() {
        KeyTemplate once = policy.once();
        return new RunKey(once == null ? Occurrence.runKey(job) : filled("once", once));
    }

    private String filled(String attribute, KeyTemplate template) {
        try {
            requireArguments(attribute, template);
            return template.fill(new JobValues(job));
        } catch (IllegalArgumentException refused) {
            throw wrong(String.valueOf(refused.getMessage()));
        }
    }

    /** A key that is the same for all arguments makes different work the same. */
    private void requireArguments(String attribute, KeyTemplate template) {
        if (policy.ignoresArguments() || template.dependsOnValues()) {
            return;
        }
        for (Object argument : job.getJobDetails().getJobParameterValues()) {
            if (!(argument instanceof JobContext)) {
                throw new IllegalArgumentException(attribute + " = \"" + template
                        + "\" is the same whatever the arguments, so different work would"
                        + " count as the same: add %0 or another argument, or set ignoreArguments = true");
            }
        }
    }

    private IllegalArgumentException wrong(String what) {
        return JobPolicies.wrong(job.getJobDetails(), what);
    }
}
