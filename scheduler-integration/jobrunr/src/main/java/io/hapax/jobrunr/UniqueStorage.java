package io.hapax.jobrunr;

import io.hapax.JobGuard;
import io.hapax.JobQueue;
import io.hapax.QueueEntry;
import io.hapax.QueuedJob;
import io.hapax.lease.VisibleText;
import java.util.ArrayList;
import java.util.List;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.RecurringJob;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.ThreadSafeStorageProvider;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way into a storage, on which duplicates are kept out of the queue: here alone it is seen whether a job that has a
 * place is stored.
 *
 * <p>JobRunr takes no "no" when a job is created; but a job that is deleted before it is stored for the first time is stored as
 * deleted, with the reason, and never runs. Its id is returned to the caller as usual. Thread-safe.
 */
final class UniqueStorage extends ThreadSafeStorageProvider {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);

    /** Called directly, since the locks of this class's parent are not reentrant, and a server wraps this one again. */
    private final StorageProvider storage;

    private final StoredJobs stored;
    private final JobQueue queue;

    UniqueStorage(StorageProvider storage) {
        this(storage, new StoredJobs(storage));
    }

    private UniqueStorage(StorageProvider storage, StoredJobs stored) {
        this(storage, stored, stored);
    }

    /** For tests, in which the queue tells what is not so. */
    UniqueStorage(StorageProvider storage, StoredJobs stored, JobQueue queue) {
        super(storage);
        this.storage = storage;
        this.stored = stored;
        this.queue = queue;
    }

    @Override
    public Job save(Job job) {
        List<QueueEntry> entries = entered(List.of(job));
        Job saved;
        try {
            saved = storage.save(job);
        } catch (Throwable failure) {
            entries.forEach(QueueEntry::failed);
            throw failure;
        }
        entries.forEach(QueueEntry::stored);
        return saved;
    }

    @Override
    public List<Job> save(List<Job> jobs) {
        List<QueueEntry> entries = entered(jobs);
        List<Job> saved;
        try {
            saved = storage.save(jobs);
        } catch (Throwable failure) {
            // Some may be stored all the same.
            entries.forEach(QueueEntry::failed);
            throw failure;
        }
        entries.forEach(QueueEntry::stored);
        return saved;
    }

    /** Refuses one whose occurrences would all fail, so that the code that registers it fails. */
    @Override
    public RecurringJob saveRecurringJob(RecurringJob job) {
        JobGuard guard = JobRunrGuard.guardOfProcess();
        if (guard != null) {
            RecurringCheck.atRegistration(job, guard);
        }
        return storage.saveRecurringJob(job);
    }

    /** The places of those jobs that are put into the queue. */
    private List<QueueEntry> entered(List<Job> jobs) {
        List<QueueEntry> entries = new ArrayList<>();
        try {
            for (Job job : jobs) {
                if (isNew(job)) {
                    InheritedContext.forgetCopies(job);
                    QueueEntry entry = entered(job, entries);
                    if (entry != null) {
                        entries.add(entry);
                    }
                }
            }
        } catch (Throwable failure) {
            entries.forEach(QueueEntry::failed);
            throw failure;
        }
        return entries;
    }

    /** Recurring jobs come by their plan, not by a queue. */
    private static boolean isNew(Job job) {
        return job.getVersion() == 0
                && job.getRecurringJobId().isEmpty()
                && !job.hasState(StateName.PROCESSING)
                && !job.hasState(StateName.SUCCEEDED)
                && !job.hasState(StateName.FAILED)
                && !job.hasState(StateName.DELETED);
    }

    private @Nullable QueueEntry entered(Job job, Object call) {
        JobGuard guard = JobRunrGuard.guardOfProcess();
        if (guard == null) {
            warnIfUnique(job);
            return null;
        }
        try {
            QueuedJob queued = RunPlan.queued(job, guard, stored);
            if (queued == null) {
                return null;
            }
            QueueEntry entry = queued.enter(queue, call);
            entry.refusal().ifPresent(why -> job.delete(GuardedPerformer.US + "not queued: " + why.reason()));
            return entry;
        } catch (IllegalArgumentException wrong) {
            // The worker says so, too, where the job is seen to fail.
            LOG.error(
                    "job {} is enqueued without duplicate check: {}",
                    job.getId(),
                    VisibleText.of(String.valueOf(wrong.getMessage())));
            return null;
        }
    }

    private static void warnIfUnique(Job job) {
        if (JobPolicies.withoutGuard(job.getJobDetails()).mode().isQueued()) {
            LOG.warn(
                    "job {} is enqueued without duplicate check: no guard is installed in this process,"
                            + " JobRunrGuard.install(guard) is missing",
                    job.getId());
        }
    }
}
