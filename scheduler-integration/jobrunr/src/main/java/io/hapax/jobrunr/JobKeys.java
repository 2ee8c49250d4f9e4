package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.OverlapPolicy;
import io.hapax.QueuedJob;
import io.hapax.RunOptions;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.policy.KeyTemplate;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.context.JobContext;
import org.jspecify.annotations.Nullable;

/** Which keys a job has, and whether they make sense. */
record JobKeys(JobGuard guard, Job job, @Nullable Guarded guarded, RunOptions options) {

    /** The keys of a run. */
    JobIdentity identity() {
        LockKey lock = lockKey();
        return new JobIdentity(options.mode().isLockedWhileExecuting() ? lock : null, runKey());
    }

    /** The place in the queue; null if there is none. Recurring jobs come by their plan, not by a queue. */
    @Nullable
    QueuedJob queued(String name) {
        if (!options.mode().isQueued() || job.getRecurringJobId().isPresent()) {
            return null;
        }
        LockKey lock = lockKey();
        if (lock == null) {
            throw wrong("mode=" + options.mode() + " needs a key that says what is to be in the queue once, as in"
                    + " @Guarded(key = \"import/%0\")");
        }
        return new QueuedJob(guard, name, lock, job.getId().toString(), options);
    }

    /** By default a recurring job does not overlap with itself, and a one-off job only with its own duplicates. */
    private @Nullable LockKey lockKey() {
        if (guarded != null && !guarded.key().isEmpty()) {
            if (options.overlap() == OverlapPolicy.ALLOW) {
                throw wrong("overlap=ALLOW contradicts the key '" + guarded.key() + "': leave out one of them");
            }
            return new LockKey(filled("key", guarded.key()));
        }
        LockKey recurring = job.getRecurringJobId()
                .map(id -> new LockKey("recurring:" + id))
                .orElse(null);
        boolean limits = options.concurrency() > 1
                || (options.overlap() != OverlapPolicy.AUTO && options.overlap() != OverlapPolicy.ALLOW);
        if (recurring == null && limits) {
            String setting =
                    options.concurrency() > 1 ? "concurrency=" + options.concurrency() : "overlap=" + options.overlap();
            throw wrong(setting + " needs a key that says what is limited, as in @Guarded(key = \"customer/%0\")");
        }
        return options.overlap() == OverlapPolicy.ALLOW ? null : recurring;
    }

    private RunKey runKey() {
        if (guarded != null && !guarded.once().isEmpty()) {
            return new RunKey(filled("once", guarded.once()));
        }
        return new RunKey(Occurrence.runKey(job));
    }

    private String filled(String attribute, String text) {
        try {
            KeyTemplate template = KeyTemplate.parse(guard.resolve(text), JobValues.SYNTAX);
            requireArguments(attribute, template);
            return template.fill(new JobValues(job));
        } catch (IllegalArgumentException refused) {
            throw wrong(String.valueOf(refused.getMessage()));
        }
    }

    /** A key that is the same for all arguments makes different work the same. */
    private void requireArguments(String attribute, KeyTemplate template) {
        if (guarded == null || guarded.ignoreArguments() || template.dependsOnValues()) {
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
        return new IllegalArgumentException("@Guarded on " + job.getJobDetails().getClassName() + "."
                + job.getJobDetails().getMethodName() + ": " + what);
    }
}
