package io.hapax.jobrunr;

import io.hapax.CallersTransaction;
import io.hapax.JobGuard;
import io.hapax.JobQueue;
import io.hapax.event.GuardEvent;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.LiveQueue;
import io.hapax.testkit.LiveQueueHistory;
import io.hapax.testkit.PatientLeaseStore;
import io.hapax.testkit.UniqueQueue.Storing;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.JobParameter;
import org.jobrunr.jobs.filters.RetryFilter;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.jobs.states.IllegalJobStateChangeException;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.storage.ConcurrentJobModificationException;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.JobNotFoundException;
import org.jobrunr.storage.StorageException;
import org.jobrunr.storage.ThreadSafeStorageProvider;
import org.jobrunr.storage.navigation.AmountRequest;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.jspecify.annotations.Nullable;

/** A real server on a storage in memory, for many histories side by side. */
final class LiveServer implements LiveQueue, AutoCloseable {

    private static final int WORKERS = 24;
    private static final List<StateName> DUE = List.of(StateName.ENQUEUED, StateName.SCHEDULED);
    private static final ThreadLocal<@Nullable Transaction> TRANSACTION = new ThreadLocal<>();
    private static final ThreadLocal<Boolean> UNGUARDED = ThreadLocal.withInitial(() -> false);
    private static final JacksonJsonMapper MAPPER = new JacksonJsonMapper();

    private static volatile @Nullable LiveServer current;

    private final InMemoryStorageProvider memory = new InMemoryStorageProvider();
    private final StoredJobs stored = new StoredJobs(memory);
    private final InMemoryLeaseStore leases = new InMemoryLeaseStore(Ticker.SYSTEM);
    private final Map<String, LiveQueueHistory> histories = new ConcurrentHashMap<>();
    private final boolean isMutant;
    private final JobGuard guard;
    private final BackgroundJobServer server;

    /** @param isMutant whether a job counts as stored, whatever the storage says, which histories have to find */
    LiveServer(boolean isMutant) {
        this.isMutant = isMutant;
        memory.setJobMapper(new JobMapper(MAPPER));
        guard = JobGuard.builder(new PatientLeaseStore(leases))
                .worker("live")
                .withoutLogging()
                .listener(event -> {
                    if (event instanceof GuardEvent.Unguarded) {
                        UNGUARDED.set(true);
                    }
                })
                .transactions(() -> Optional.ofNullable(TRANSACTION.get()))
                .build();
        server = new BackgroundJobServer(
                new Workers(),
                MAPPER,
                null,
                BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andName("live")
                        .andWorkerCount(WORKERS)
                        .andPollInterval(Duration.ofMillis(200))
                        // None is taken for dead on a busy machine.
                        .andServerTimeoutPollIntervalMultiplicand(300)
                        .andInterruptJobsAwaitDurationOnStopBackgroundJobServer(Duration.ofMillis(500)));
        server.setJobFilters(List.of(new RetryFilter(2, 1)));
        JobRunrGuard.install(guard);
        current = this;
        server.start();
    }

    /** What is written in it is seen by others when it commits. */
    private static final class Transaction implements CallersTransaction {
        private final List<Job> written = new ArrayList<>();
        private final List<Consumer<Outcome>> listeners = new ArrayList<>();

        @Override
        public void whenEnded(Consumer<Outcome> listener) {
            listeners.add(listener);
        }
    }

    /** The workers' way to the storage. */
    private final class Workers extends ThreadSafeStorageProvider {

        Workers() {
            super(memory);
        }

        @Override
        public Job save(Job job) {
            reported(job);
            return job;
        }

        @Override
        public List<Job> getJobsToProcess(BackgroundJobServer asking, AmountRequest amount) {
            synchronized (memory) {
                return super.getJobsToProcess(asking, amount);
            }
        }

        @Override
        public void validatePollInterval(Duration pollInterval) {}
    }

    /** A caller's way to the storage. */
    private final class Way extends ThreadSafeStorageProvider {

        private final Storing storing;

        Way(Storing storing) {
            super(memory);
            this.storing = storing;
        }

        @Override
        public Job save(Job job) {
            Transaction transaction = TRANSACTION.get();
            if (storing == Storing.FAILS) {
                throw new StorageException("not stored");
            }
            if (transaction != null) {
                transaction.written.add(job);
                return job;
            }
            reported(job);
            if (storing == Storing.FAILS_LATE) {
                throw new StorageException("stored, but who knows");
            }
            return job;
        }

        @Override
        public Job getJobById(UUID id) {
            Transaction transaction = TRANSACTION.get();
            Stream<Job> own = transaction == null ? Stream.empty() : transaction.written.stream();
            return own.filter(job -> job.getId().equals(id)).findFirst().orElseGet(() -> memory.getJobById(id));
        }
    }

    LiveQueueHistory history(long seed, String name) {
        LiveQueueHistory history = new LiveQueueHistory(seed, name, this);
        histories.put(name, history);
        return history;
    }

    private static String work(Job job) {
        return String.valueOf(job.getJobDetails().getJobParameterValues()[0]);
    }

    private LiveQueueHistory of(String work) {
        return Objects.requireNonNull(histories.get(work.substring(0, work.length() - 1)));
    }

    /** Stores a job and tells its history what that means. */
    private void reported(Job job) {
        LiveQueueHistory history = of(work(job));
        history.atomically(() -> {
            boolean isNew = job.getVersion() == 0;
            memory.save(job);
            String id = stored.idOf(job);
            if (isNew && DUE.contains(job.getState())) {
                if (UNGUARDED.get()) {
                    history.excused(id);
                }
                history.stored(id, work(job));
            } else if (job.hasState(StateName.SUCCEEDED)) {
                history.ended(id, true);
            } else if (job.hasState(StateName.FAILED) || job.hasState(StateName.DELETED)) {
                history.ended(id, false);
            }
        });
    }

    private static Job job(UUID id, String work) {
        return new Job(
                id,
                new JobDetails(LiveWork.class.getName(), null, "work", List.of(new JobParameter(String.class, work))));
    }

    private UniqueStorage way(Storing storing) {
        Way way = new Way(storing);
        return new UniqueStorage(way, stored, isMutant ? id -> JobQueue.Fate.PRESENT : new StoredJobs(way));
    }

    @Override
    public Optional<String> enqueue(String work, Storing storing) {
        UNGUARDED.set(false);
        Job job = job(UUID.randomUUID(), work);
        boolean transactional = storing == Storing.COMMITS || storing == Storing.ROLLS_BACK;
        Transaction transaction = transactional ? new Transaction() : null;
        TRANSACTION.set(transaction);
        try {
            way(storing).save(job);
        } finally {
            TRANSACTION.remove();
        }
        if (transaction != null) {
            end(transaction, storing == Storing.COMMITS);
        }
        return job.hasState(StateName.DELETED) ? Optional.empty() : Optional.of(stored.idOf(job));
    }

    private void end(Transaction transaction, boolean commits) {
        if (commits) {
            transaction.written.forEach(this::reported);
        }
        transaction.listeners.forEach(listener -> listener.accept(
                commits ? CallersTransaction.Outcome.COMMITTED : CallersTransaction.Outcome.ROLLED_BACK));
    }

    private static UUID uuid(String id) {
        return UUID.fromString(id.split("@", -1)[0]);
    }

    @Override
    public void enqueueAgain(String id) {
        UNGUARDED.set(false);
        Optional<Job> known = find(id);
        try {
            known.ifPresent(job -> way(Storing.WORKS).save(job(job.getId(), work(job))));
        } catch (ConcurrentJobModificationException ignoredAsJobRunrDoes) {
            // It is there.
        }
    }

    private Optional<Job> find(String id) {
        try {
            return Optional.of(memory.getJobById(uuid(id)))
                    .filter(job -> stored.idOf(job).equals(id));
        } catch (JobNotFoundException gone) {
            return Optional.empty();
        }
    }

    @Override
    public void delete(String id, boolean forGood) {
        find(id).ifPresent(job -> of(work(job)).atomically(() -> delete(job, id, forGood)));
    }

    private void delete(Job job, String id, boolean forGood) {
        if (forGood) {
            removeUnlessRunning(job, id);
            return;
        }
        try {
            job.delete("by hand");
            reported(job);
        } catch (ConcurrentJobModificationException | IllegalJobStateChangeException changed) {
            // It has gone on meanwhile, or another caller was faster.
        }
    }

    /** Unlike a database, the storage in memory would take the next heartbeat of a running job for a new job. */
    private void removeUnlessRunning(Job job, String id) {
        synchronized (memory) {
            if (find(id).filter(now -> !now.hasState(StateName.PROCESSING)).isPresent()) {
                memory.deletePermanently(job.getId());
                of(work(job)).ended(id, false);
            }
        }
    }

    @Override
    public void requeue(String id) {
        find(id).filter(job -> job.hasState(StateName.SUCCEEDED))
                .ifPresent(job -> of(work(job)).atomically(() -> {
                    try {
                        job.enqueue();
                        memory.save(job);
                        of(work(job)).requeued(id);
                    } catch (ConcurrentJobModificationException changed) {
                        // Another one was faster.
                    }
                }));
    }

    /** The end of an attempt, on a thread of the server's. */
    static void perform(String work) {
        LiveServer server = Objects.requireNonNull(current);
        switch (server.of(work).next()) {
            case FAILS -> throw new IllegalStateException("on purpose");
            case LOSES_LEASE ->
                server.leases
                        .admin()
                        .forceRelease(new JobIdentity(new LockKey("live/" + work), null))
                        .toCompletableFuture()
                        .join();
            default -> {}
        }
    }

    @Override
    public void close() {
        server.stop();
        JobRunrGuard.uninstall();
        guard.close();
        memory.close();
        leases.close();
    }
}
