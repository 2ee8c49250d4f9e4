package io.hapax.jobrunr;

import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.filters.ApplyStateFilter;
import org.jobrunr.jobs.filters.JobDefaultFilters;
import org.jobrunr.jobs.filters.JobFilter;
import org.jobrunr.jobs.filters.JobPerformingFilters;
import org.jobrunr.jobs.states.JobState;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.storage.ConcurrentJobModificationException;
import org.jobrunr.storage.JobNotFoundException;
import org.jobrunr.storage.StorageException;
import org.jobrunr.utils.resilience.Lock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Stores what happens to a job, also states that JobRunr itself would not allow from where it is. */
final class JobRewriter {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);
    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.error("{} failed; the job is stored all the same", what, failure));
    /** How often the job was postponed, in its metadata; JobRunr reads numbers back as it likes. */
    private static final String COUNTER = "hapax.postponed";

    private final BackgroundJobServer server;
    /** JobRunr's own schedule is wall time. */
    private final InstantSource clock;
    /** What was stored last in place of what JobRunr would have stored. */
    private @Nullable Job written;

    private boolean wrote;

    JobRewriter(BackgroundJobServer server, InstantSource clock) {
        this.server = server;
        this.clock = clock;
    }

    /**
     * In which state the storage has a job, as far as is known here: what could not be stored is running there still, or
     * somebody else's.
     */
    StateName stored(Job job) {
        if (!wrote) {
            return job.getState();
        }
        return written == null ? StateName.PROCESSING : written.getState();
    }

    /** How often the job was postponed since it last ran. */
    static int postponements(Job job) {
        return job.getMetadata().get(COUNTER) instanceof Number count ? count.intValue() : 0;
    }

    static void forgetPostponements(Job job) {
        job.getMetadata().remove(COUNTER);
    }

    /**
     * Puts a job back as if this attempt had not started: no retry is spent, and the metadata stays.
     *
     * <p>If somebody else has changed the job meanwhile it is theirs, and left alone.
     */
    void postpone(Job job, int count, Duration delay, String reason) {
        // The lock keeps a heartbeat of the same job from getting in between.
        try (Lock ignored = job.lock()) {
            savePostponed(job, postponed(job, count, delay, reason));
        } catch (ConcurrentJobModificationException changed) {
            Job stored = storedAttempt(job);
            if (stored == null) {
                LOG.debug("job {} was changed elsewhere and is not postponed here", job.getId());
            } else {
                postponeOnce(stored, count, delay, reason);
            }
        } catch (StorageException e) {
            couldNot(job, e);
        }
    }

    private void postponeOnce(Job stored, int count, Duration delay, String reason) {
        try {
            savePostponed(stored, postponed(stored, count, delay, reason));
        } catch (ConcurrentJobModificationException changedAgain) {
            LOG.debug("job {} was changed elsewhere and is not postponed here", stored.getId());
        } catch (StorageException e) {
            couldNot(stored, e);
        }
    }

    private static void couldNot(Job job, StorageException cause) {
        LOG.warn(
                "could not postpone job {}: it stays in PROCESSING until JobRunr finds it orphaned and retries it",
                job.getId(),
                cause);
    }

    private Job postponed(Job job, int count, Duration delay, String reason) {
        Job copy = JobCopy.of(job, JobCopy.historyBeforeAttempt(job), job.getMetadata());
        if (count > 0) {
            copy.getMetadata().put(COUNTER, count);
        }
        String times = count > 1 ? " " + count + " times: " : ": ";
        copy.scheduleAt(clock.instant().plus(delay), JobCopy.POSTPONED + times + reason);
        return copy;
    }

    /** The stored job if it still is this very attempt, only with a later heartbeat. */
    private @Nullable Job storedAttempt(Job job) {
        try {
            Job stored = server.getStorageProvider().getJobById(job.getId());
            return HeartbeatWatch.isSameAttempt(stored, job) ? stored : null;
        } catch (JobNotFoundException deleted) {
            return null;
        } catch (StorageException e) {
            couldNot(job, e);
            return null;
        }
    }

    /** Turns a success that was not noted into a failure, with the metadata that succeeding has wiped. */
    void failInsteadOfSucceed(Job job, Map<String, Object> metadata, String message, Exception cause) {
        insteadOfSuccess(job, metadata, copy -> copy.failed(message, cause));
    }

    /** Turns a success that does not count, and must not be repeated, into a deletion. */
    void deleteInsteadOfSucceed(Job job, Map<String, Object> metadata, String reason) {
        insteadOfSuccess(job, metadata, copy -> copy.delete(reason));
    }

    private void insteadOfSuccess(Job job, Map<String, Object> metadata, Consumer<Job> what) {
        List<JobState> history = new ArrayList<>(job.getJobStates());
        history.removeIf(state -> state == job.getJobState() && state.getName() == StateName.SUCCEEDED);
        Job copy = JobCopy.of(job, history, metadata);
        copy.getMetadata().putAll(job.getMetadata());
        what.accept(copy);
        save(copy);
    }

    /** Saves a job in a state that JobRunr allows, unless somebody else has changed it meanwhile. */
    void saveUnlessChanged(Job job) {
        try {
            save(job);
        } catch (ConcurrentJobModificationException changed) {
            LOG.debug("job {} was changed elsewhere and is left alone", job.getId());
        } catch (StorageException e) {
            LOG.warn("could not store job {}: JobRunr will find it orphaned and retry it", job.getId(), e);
        }
    }

    private void savePostponed(Job job, Job copy) {
        JobState planned = copy.getJobState();
        StateFilters filters = new StateFilters(copy, server.getJobFilters());
        filters.runOnStateElectionFilter();
        server.getStorageProvider().save(copy);
        if (copy.getJobState() == planned) {
            filters.applied(job.getJobState(), planned);
        } else {
            filters.runOnStateAppliedFilters();
        }
    }

    /**
     * Those of an application may count what is running: they have seen the job enter PROCESSING, and so they see it leave, although
     * its history is that of a job which never started.
     */
    private static final class StateFilters extends JobPerformingFilters {

        /** Private to its class in JobRunr 7. */
        private final Job changed;

        StateFilters(Job changed, JobDefaultFilters filters) {
            super(changed, filters);
            this.changed = changed;
        }

        void applied(JobState before, JobState after) {
            for (JobFilter each : jobFilters()) {
                if (each instanceof ApplyStateFilter filter) {
                    String what = "filter " + filter.getClass().getName();
                    boolean unused = THREADS.call(what, () -> filter.onStateApplied(changed, before, after));
                }
            }
        }
    }

    private void save(Job job) {
        wrote = true;
        written = null;
        JobPerformingFilters filters = new JobPerformingFilters(job, server.getJobFilters());
        filters.runOnStateElectionFilter();
        server.getStorageProvider().save(job);
        written = job;
        filters.runOnStateAppliedFilters();
        if (job.hasState(StateName.FAILED)) {
            filters.runOnJobFailedAfterRetriesFilters();
        }
    }
}
