package io.hapax.jobrunr;

import io.hapax.JobGuard;
import io.hapax.lease.VisibleText;
import io.hapax.policy.JobPolicy;
import io.hapax.policy.KeyTemplate;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.RecurringJob;
import org.jobrunr.scheduling.exceptions.JobNotFoundException;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.utils.JobUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds what would let each occurrence of a recurring job fail: when the job is registered, and when a server is given its guard. */
final class RecurringCheck {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);

    private RecurringCheck() {}

    /**
     * Looks at a job that is about to be registered. What only this guard cannot keep is logged, as the servers may have another one.
     *
     * @throws IllegalArgumentException if no guard could follow its annotation; the message names job and annotation
     */
    static void atRegistration(RecurringJob job, JobGuard guard) {
        try {
            require(job, guard);
        } catch (IllegalArgumentException wrong) {
            if (!guard.defaults().observe()) {
                throw new IllegalArgumentException(name(job) + ": " + wrong.getMessage(), wrong);
            }
            tell(job, wrong);
            return;
        } catch (LinkageError unreadable) {
            LOG.debug("{} could not be looked at", name(job), unreadable);
            return;
        }
        requireKept(job, guard);
    }

    /** Tells of the jobs that are in the storage of a server already. */
    static void ofAll(BackgroundJobServer server, JobGuard guard) {
        try {
            for (RecurringJob job : server.getStorageProvider().getRecurringJobs()) {
                try {
                    require(job, guard);
                    requireKept(job, guard);
                } catch (IllegalArgumentException wrong) {
                    tell(job, wrong);
                } catch (RuntimeException | LinkageError unreadable) {
                    // Such as a class with methods for libraries that are not here.
                    LOG.debug("{} could not be looked at", name(job), unreadable);
                }
            }
        } catch (RuntimeException unreadable) {
            // Such as a storage that is not ready yet; each occurrence is looked at when it runs.
            LOG.debug("recurring jobs of {} could not be looked at", server, unreadable);
        }
    }

    private static void require(RecurringJob recurring, JobGuard guard) {
        JobDetails details = recurring.getJobDetails();
        JobPolicy<KeyTemplate> policy = JobPolicies.of(guard).of(details, null);
        if (!policy.isEnabled() || details.hasStaticFieldName()) {
            return;
        }
        try {
            Class<?> named = JobUtils.getJobClass(details);
            if (!named.isInterface()) {
                new JobPlacement(details, named, named).require(JobUtils.getJobMethod(details));
            }
            policy.options().requireConsistent();
        } catch (JobNotFoundException unknown) {
            return;
        } catch (IllegalArgumentException wrong) {
            String what = String.valueOf(wrong.getMessage());
            throw what.startsWith("@Guarded on ") ? wrong : JobPolicies.wrong(details, what);
        }
        new JobKeys(guard, new Job(details), policy).requireOfRecurring();
    }

    private static void requireKept(RecurringJob job, JobGuard guard) {
        try {
            guard.check(JobPolicies.of(guard).of(job.getJobDetails(), null).options());
        } catch (IllegalArgumentException wrong) {
            tell(job, JobPolicies.wrong(job.getJobDetails(), String.valueOf(wrong.getMessage())));
        }
    }

    private static void tell(RecurringJob job, IllegalArgumentException wrong) {
        LOG.error(
                "{} will not be run under the guard of this process: {}",
                name(job),
                VisibleText.of(String.valueOf(wrong.getMessage())));
    }

    private static String name(RecurringJob job) {
        return "recurring job '" + VisibleText.of(job.getId()) + "'";
    }
}
