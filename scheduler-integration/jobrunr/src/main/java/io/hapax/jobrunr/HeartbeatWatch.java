package io.hapax.jobrunr;

import io.hapax.thread.GuardThreads;
import io.hapax.thread.OneAtATime;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.ProcessingState;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.storage.JobNotFoundException;
import org.jobrunr.storage.StorageException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the heartbeats of a job whose record JobRunr has passed on, while its code goes on here under its lease, or it waits here.
 *
 * <p>That happens when heartbeats were late. The guard holds the retry back until the code here has ended, but each
 * further heartbeat would fail, and after a handful of failures JobRunr stops its whole server.
 */
final class HeartbeatWatch implements Runnable {

    private static final Logger LOG = LoggerFactory.getLogger(JobRunrGuard.class);
    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; heartbeats are watched on", what, failure));
    /** Of each server, since a storage that stands still must not stop the checks of others. */
    private static final Map<BackgroundJobServer, Checks> CHECKS = Collections.synchronizedMap(new WeakHashMap<>());
    /** A storage that fails does so for each job at each poll. */
    private static final Duration BETWEEN_LINES = Duration.ofMinutes(1);

    /** Of one server, on a thread of its own; says in the log that they fail, once a minute at most. */
    private static final class Checks {
        private final ExecutorService thread = THREADS.pool("hapax-jobrunr-heartbeats", 1);
        private final AtomicInteger unsaid = new AtomicInteger();
        private final OneAtATime quiet = new OneAtATime(BETWEEN_LINES);

        void failed(Job job, Throwable failure) {
            if (quiet.start() == null) {
                unsaid.incrementAndGet();
                LOG.debug("could not check the heartbeats of job {}, and tries again", job.getId(), failure);
            } else {
                LOG.warn(
                        "could not check the heartbeats of job {}, and tries again ({} others failed since the last such line)",
                        job.getId(),
                        unsaid.getAndSet(0),
                        failure);
            }
        }
    }

    private final BackgroundJobServer server;
    private final Job job;
    private final Duration poll;
    private final String whatBecomesOfIt;
    private final Checks checks;
    private volatile boolean stopped;
    private volatile Runnable cancel;
    // Used by the checking thread alone.
    private int versionSeen = -1;

    /** Watches a job that is running. */
    HeartbeatWatch(BackgroundJobServer server, Job job) {
        this(server, job, "It continues here under its lease, and its retry waits until it has ended");
    }

    /** Watches a job that waits for its key. */
    static HeartbeatWatch ofWaiting(BackgroundJobServer server, Job job) {
        return new HeartbeatWatch(server, job, "It waited here for its key, and does so no more");
    }

    private HeartbeatWatch(BackgroundJobServer server, Job job, String whatBecomesOfIt) {
        this.server = server;
        this.job = job;
        this.poll = server.getConfiguration().getPollInterval();
        this.whatBecomesOfIt = whatBecomesOfIt;
        this.checks = CHECKS.computeIfAbsent(server, unused -> new Checks());
        this.cancel = THREADS.after(poll, checks.thread, this);
    }

    void stop() {
        stopped = true;
        cancel.run();
    }

    /** A heartbeat that arrives raises the version, so the storage is asked only if none did. */
    @Override
    public void run() {
        try {
            check();
        } catch (Throwable e) {
            checks.failed(job, e);
        } finally {
            if (!stopped) {
                cancel = THREADS.again(poll, checks.thread, this);
            }
        }
    }

    private void check() {
        if (stopped) {
            // It was handed over a moment before.
            return;
        }
        int version = job.getVersion();
        if (version != versionSeen) {
            versionSeen = version;
            return;
        }
        try {
            Job stored = server.getStorageProvider().getJobById(job.getId());
            if (isPassedOn(stored) && hasHeartbeats()) {
                server.getJobSteward().stopProcessing(job);
                stop();
                LOG.warn(
                        "heartbeats of job {} were late, and JobRunr has passed it on ({} in the storage). {}",
                        job.getId(),
                        stored.getState(),
                        whatBecomesOfIt);
            }
        } catch (JobNotFoundException deleted) {
            LOG.debug("job {} was deleted; JobRunr interrupts it", job.getId());
        } catch (StorageException e) {
            LOG.debug("the storage did not answer about job {}", job.getId(), e);
        }
    }

    /**
     * None are left when its code has ended: then its retry is its own end, or the guard waits for a store that does not answer.
     * Asked after the storage, where the end is stored later.
     */
    private boolean hasHeartbeats() {
        return !stopped && server.getJobSteward().getJobsInProgress().contains(job);
    }

    /** Deleted and succeeded jobs are left to JobRunr, which interrupts them. */
    private boolean isPassedOn(Job stored) {
        StateName state = stored.getState();
        boolean waitsForRetry =
                state == StateName.FAILED || state == StateName.SCHEDULED || state == StateName.ENQUEUED;
        return waitsForRetry || (state == StateName.PROCESSING && !isSameAttempt(stored, job));
    }

    /** Heartbeats leave the start of an attempt as it is. */
    static boolean isSameAttempt(Job one, Job other) {
        ProcessingState a = processing(one);
        ProcessingState b = processing(other);
        return a != null
                && b != null
                && one.getJobStates().size() == other.getJobStates().size()
                && a.getServerId().equals(b.getServerId())
                && a.getCreatedAt().equals(b.getCreatedAt());
    }

    private static @Nullable ProcessingState processing(Job job) {
        return job.getJobState() instanceof ProcessingState processing ? processing : null;
    }
}
