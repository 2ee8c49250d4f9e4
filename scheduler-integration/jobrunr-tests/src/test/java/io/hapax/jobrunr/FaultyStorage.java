package io.hapax.jobrunr;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.storage.StorageException;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.ThreadSafeStorageProvider;
import org.jobrunr.storage.navigation.AmountRequest;

/** One worker's way to the shared storage, on which things get lost. */
final class FaultyStorage extends ThreadSafeStorageProvider {

    /** Called directly, since the server has a thread-safe wrapper of its own, and its locks are not reentrant. */
    private final StorageProvider shared;

    /** What happens on the way to a call of the worker: it may take its time, or throw what the storage would. */
    interface OnTheWay {

        /**
         * Is called first.
         *
         * @param call what is asked for: save, fetch, look, or perform, which is asked of the server
         * @param jobs what it is about
         */
        void to(String call, List<Job> jobs);
    }

    volatile OnTheWay onTheWay = (call, jobs) -> {};
    volatile boolean dropHeartbeats;
    final AtomicInteger successesToFail = new AtomicInteger();
    /** How many times the next jobs that are put into the queue cannot be stored. */
    final AtomicInteger newJobsToFail = new AtomicInteger();

    FaultyStorage(StorageProvider shared) {
        super(shared);
        this.shared = shared;
    }

    @Override
    public List<Job> save(List<Job> jobs) {
        // Through this door come heartbeats, and the master's changes of other states.
        failIfNew(jobs);
        boolean heartbeat = jobs.stream().allMatch(job -> job.hasState(StateName.PROCESSING));
        return dropHeartbeats && heartbeat ? jobs : shared.save(jobs);
    }

    @Override
    public Job save(Job job) {
        if (job.hasState(StateName.SUCCEEDED) && successesToFail.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
            throw new StorageException("injected: the success cannot be stored");
        }
        failIfNew(List.of(job));
        onTheWay.to("save", List.of(job));
        return shared.save(job);
    }

    @Override
    public List<Job> getJobsToProcess(BackgroundJobServer server, AmountRequest amount) {
        onTheWay.to("fetch", List.of());
        return shared.getJobsToProcess(server, amount);
    }

    @Override
    public Job getJobById(UUID id) {
        onTheWay.to("look", List.of());
        return shared.getJobById(id);
    }

    private void failIfNew(List<Job> jobs) {
        if (jobs.stream().anyMatch(job -> job.getVersion() == 0)
                && newJobsToFail.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
            throw new StorageException("injected: the job cannot be stored");
        }
    }

    /** SQL storages insist on 5 s. */
    @Override
    public void validatePollInterval(Duration pollInterval) {}
}
