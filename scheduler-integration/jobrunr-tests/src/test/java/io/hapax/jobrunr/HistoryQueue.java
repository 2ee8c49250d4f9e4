package io.hapax.jobrunr;

import io.hapax.CallersTransaction;
import io.hapax.HandDriven;
import io.hapax.JobGuard;
import io.hapax.JobQueue;
import io.hapax.event.GuardEvent;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.MortalStore;
import io.hapax.testkit.QueueHistory;
import io.hapax.testkit.UniqueQueue;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.JobParameter;
import org.jobrunr.jobs.filters.JobPerformingFilters;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.storage.ConcurrentJobModificationException;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.Paging;
import org.jobrunr.storage.StorageException;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.ThreadSafeStorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.jspecify.annotations.Nullable;

/** JobRunr's storage in memory with this module's way into it, and the performer of its jobs, driven by a history. */
final class HistoryQueue implements UniqueQueue {

    /** What the property test has to find. */
    enum Mutant {
        /** Case 7: a transaction is not seen. */
        SEES_NO_TRANSACTION,
        /** Case 8: a job counts as stored, whatever the storage says. */
        BELIEVES_THAT_ALL_IS_STORED,
        /** Case 9: a job counts as stored if there is another one of the same id. */
        KNOWS_JOBS_BY_THEIR_ID,
        /** Case 10: a job that lost its lease, and is to be retried, gives its place away. */
        GIVES_ITS_PLACE_AWAY_WITH_THE_LEASE,
        /** What is asked for is kept for long at once. */
        ASKS_FOR_LONG,
        /** Runs that state different limits do not know of each other. */
        COUNTS_EACH_LIMIT_FOR_ITSELF
    }

    private static final JacksonJsonMapper MAPPER = new JacksonJsonMapper();
    private static final JobClasses CLASSES = new JobClasses();
    private static final List<StateName> DUE = List.of(StateName.ENQUEUED, StateName.SCHEDULED);
    private static final ThreadLocal<@Nullable Transaction> TRANSACTION = new ThreadLocal<>();
    private static final ThreadLocal<@Nullable Process> WORKING = new ThreadLocal<>();
    private static final ThreadLocal<Boolean> UNGUARDED = ThreadLocal.withInitial(() -> false);

    private static final HistoryServer SERVER = new HistoryServer(MAPPER);

    private final QueueHistory.Seam seam;
    private final @Nullable Mutant mutant;
    private final InMemoryStorageProvider memory = new InMemoryStorageProvider();
    private final StoredJobs stored = new StoredJobs(memory);
    private final InMemoryLeaseStore leases;
    private final Process[] processes = new Process[QueueHistory.PROCESSES];
    private int ids;

    HistoryQueue(QueueHistory.Seam seam, @Nullable Mutant mutant) {
        this.seam = seam;
        this.mutant = mutant;
        this.leases = new InMemoryLeaseStore(seam.clock());
        memory.setJobMapper(new JobMapper(MAPPER));
        for (int n = 0; n < processes.length; n++) {
            processes[n] = new Process();
        }
        SERVER.storesIn(ofWorkers());
    }

    /** One process, until it crashes. */
    private final class Process {
        private final MortalStore store = new MortalStore(leases.otherClient(), seam, mutant == Mutant.ASKS_FOR_LONG);
        private final JobGuard guard = HandDriven.guard(
                store,
                seam.clock(),
                event -> {
                    if (event instanceof GuardEvent.Unguarded) {
                        UNGUARDED.set(true);
                    }
                },
                () -> mutant == Mutant.SEES_NO_TRANSACTION ? Optional.empty() : Optional.ofNullable(TRANSACTION.get()));

        /** Jobs that are stored, and may have places that are not confirmed. */
        private final List<String> unconfirmed = new ArrayList<>();

        void act() {
            JobRunrGuard.install(guard);
        }

        void pause() {
            seam.pause();
            act();
        }

        void dies() {
            store.dies();
            unconfirmed.forEach(seam::excused);
            for (int n = 0; n < processes.length; n++) {
                processes[n] = processes[n] == this ? new Process() : processes[n];
            }
        }

        void requireAlive() {
            if (store.isDead()) {
                throw new StorageException("the process is dead");
            }
        }
    }

    /** What is written in it is seen by others when it commits. */
    private static final class Transaction implements CallersTransaction {
        private final List<Job> written = new ArrayList<>();
        private final List<Consumer<Outcome>> listeners = new ArrayList<>();

        @Override
        public void whenEnded(Consumer<Outcome> listener) {
            listeners.add(listener);
        }

        void end(Outcome outcome) {
            listeners.forEach(listener -> listener.accept(outcome));
        }
    }

    /** A caller's way to the storage. */
    private final class Way extends ThreadSafeStorageProvider {
        private final Process process;
        private final Storing storing;

        Way(Process process, Storing storing) {
            super(memory);
            this.process = process;
            this.storing = storing;
        }

        @Override
        public Job save(Job job) {
            process.pause();
            process.requireAlive();
            if (storing == Storing.CRASHES_BEFORE) {
                process.dies();
            }
            if (storing == Storing.CRASHES_BEFORE || storing == Storing.FAILS) {
                throw new StorageException("not stored");
            }
            Transaction transaction = TRANSACTION.get();
            if (transaction != null) {
                transaction.written.add(job);
                return job;
            }
            if (storing == Storing.CRASHES_AFTER) {
                seam.excused(stored.idOf(job));
            }
            reported(job);
            if (storing == Storing.CRASHES_AFTER) {
                process.dies();
            }
            if (storing != Storing.WORKS) {
                throw new StorageException("stored, but who knows");
            }
            process.unconfirmed.add(stored.idOf(job));
            process.pause();
            return job;
        }

        @Override
        public Job getJobById(UUID id) {
            Transaction transaction = TRANSACTION.get();
            Stream<Job> own = transaction == null ? Stream.empty() : transaction.written.stream();
            return own.filter(job -> job.getId().equals(id)).findFirst().orElseGet(() -> memory.getJobById(id));
        }
    }

    /** Stores a job and tells the history what that means. */
    private void reported(Job job) {
        boolean isNew = job.getVersion() == 0;
        memory.save(job);
        String id = stored.idOf(job);
        if (isNew && DUE.contains(job.getState())) {
            if (UNGUARDED.get()) {
                seam.excused(id);
            }
            seam.stored(id, String.valueOf(job.getJobDetails().getJobParameterValues()[0]));
        } else if (job.hasState(StateName.SUCCEEDED)) {
            seam.ended(id, true);
        } else if (job.hasState(StateName.FAILED) || job.hasState(StateName.DELETED)) {
            seam.ended(id, false);
        }
    }

    private StorageProvider ofWorkers() {
        return new ThreadSafeStorageProvider(memory) {
            @Override
            public Job save(Job job) {
                Process process = WORKING.get();
                if (process != null) {
                    process.requireAlive();
                }
                reported(job);
                return job;
            }

            @Override
            public Job getJobById(UUID id) {
                return memory.getJobById(id);
            }
        };
    }

    private static Job job(UUID id, String work) {
        return job(id, "work", work);
    }

    private static Job job(UUID id, String method, String of) {
        JobDetails details =
                new JobDetails(HistoryWork.class.getName(), null, method, List.of(new JobParameter(String.class, of)));
        return new Job(id, details);
    }

    private static UUID uuid(String id) {
        return UUID.fromString(id.split("@", -1)[0]);
    }

    private UniqueStorage way(Process process, Storing storing) {
        Way way = new Way(process, storing);
        JobQueue asked = new StoredJobs(way);
        if (mutant == Mutant.BELIEVES_THAT_ALL_IS_STORED) {
            asked = id -> JobQueue.Fate.PRESENT;
        } else if (mutant == Mutant.KNOWS_JOBS_BY_THEIR_ID) {
            JobQueue right = asked;
            asked = id -> isStored(uuid(id)) ? JobQueue.Fate.PRESENT : right.fateOf(id);
        }
        return new UniqueStorage(way, stored, asked);
    }

    private boolean isStored(UUID id) {
        return Stream.of(StateName.values())
                .anyMatch(state -> in(state).anyMatch(job -> job.getId().equals(id)));
    }

    @Override
    public Optional<String> enqueue(int number, String work, Storing storing) {
        Process process = processes[number];
        process.act();
        UNGUARDED.set(false);
        Job job = job(new UUID(0, ++ids), work);
        boolean transactional = storing == Storing.COMMITS || storing == Storing.ROLLS_BACK;
        Transaction transaction = transactional ? new Transaction() : null;
        TRANSACTION.set(transaction);
        try {
            way(process, storing).save(job);
        } finally {
            TRANSACTION.remove();
            process.unconfirmed.remove(stored.idOf(job));
        }
        if (transaction != null) {
            process.pause();
            process.requireAlive();
            end(transaction, process, storing == Storing.COMMITS);
        }
        return job.hasState(StateName.DELETED) ? Optional.empty() : Optional.of(stored.idOf(job));
    }

    private void end(Transaction transaction, Process process, boolean commits) {
        if (commits) {
            transaction.written.forEach(this::reported);
            transaction.written.forEach(job -> process.unconfirmed.add(stored.idOf(job)));
            process.pause();
        }
        transaction.end(commits ? CallersTransaction.Outcome.COMMITTED : CallersTransaction.Outcome.ROLLED_BACK);
        transaction.written.forEach(job -> process.unconfirmed.remove(stored.idOf(job)));
    }

    @Override
    public void enqueueAgain(int number, String id) {
        Process process = processes[number];
        process.act();
        UNGUARDED.set(false);
        try {
            way(process, Storing.WORKS).save(job(uuid(id), uuid(id).getLeastSignificantBits() % 2 == 0 ? "a" : "b"));
        } catch (ConcurrentJobModificationException ignoredAsJobRunrDoes) {
            // It is there.
        }
    }

    private Stream<Job> in(StateName state) {
        return memory.getJobList(state, Paging.AmountBasedList.ascOnUpdatedAt(100)).stream();
    }

    @Override
    public List<String> due() {
        return DUE.stream().flatMap(this::in).map(stored::idOf).sorted().toList();
    }

    @Override
    public void run(int number, String id, Work work) {
        Process process = processes[number];
        Job job = memory.getJobById(uuid(id));
        if (job.hasState(StateName.SCHEDULED)) {
            job.enqueue();
        }
        perform(process, job, () -> {
            process.pause();
            end(process, work, job);
        });
        if (work == Work.LOSES_LEASE && mutant == Mutant.GIVES_ITS_PLACE_AWAY_WITH_THE_LEASE) {
            Objects.requireNonNull(RunPlan.queued(job, process.guard, stored)).succeeded();
        }
        orphaned(uuid(id));
    }

    @Override
    public void runLimited(int number, int limit, Runnable body) {
        String key = mutant == Mutant.COUNTS_EACH_LIMIT_FOR_ITSELF ? "rooms of " + limit : "rooms";
        perform(processes[number], job(new UUID(1, ++ids), "limited" + limit, key), body);
    }

    private void perform(Process process, Job job, Runnable body) {
        job.startProcessingOn(SERVER.server());
        memory.save(job);
        process.act();
        WORKING.set(process);
        HistoryWork.BODY.set(body);
        try {
            new GuardedPerformer(
                            SERVER.server(),
                            job,
                            CLASSES,
                            new HandOver(SERVER.server(), seam.clock()).turn(job),
                            InstantSource.fixed(Instant.EPOCH))
                    .run();
        } catch (StorageException died) {
            // As far as anybody knows it is at work.
        } finally {
            HistoryWork.BODY.remove();
            WORKING.remove();
        }
    }

    private void end(Process process, Work work, Job job) {
        switch (work) {
            case SUCCEEDS -> {}
            case FAILS -> throw new IllegalStateException("on purpose");
            case LOSES_LEASE -> {
                String key = "work/" + job.getJobDetails().getJobParameterValues()[0];
                leases.admin()
                        .forceRelease(new JobIdentity(new LockKey(key), null))
                        .toCompletableFuture()
                        .join();
            }
            case CRASHES -> process.dies();
        }
    }

    private void orphaned(UUID id) {
        Job left = memory.getJobById(id);
        if (left.hasState(StateName.PROCESSING)) {
            left.failed("Orphaned job", new IllegalStateException("Job was orphaned"));
            new JobPerformingFilters(left, SERVER.server().getJobFilters()).runOnStateElectionFilter();
            reported(left);
        }
    }

    @Override
    public void delete(String id, boolean forGood) {
        if (forGood) {
            memory.deletePermanently(uuid(id));
            seam.ended(id, false);
        } else {
            Job job = memory.getJobById(uuid(id));
            job.delete("by hand");
            reported(job);
        }
    }

    @Override
    public boolean requeue(String id) {
        Optional<Job> succeeded = in(StateName.SUCCEEDED)
                .filter(job -> stored.idOf(job).equals(id))
                .findFirst();
        succeeded.ifPresent(job -> {
            job.enqueue();
            memory.save(job);
        });
        return succeeded.isPresent();
    }

    @Override
    public void renew() {
        for (Process process : processes) {
            HandDriven.look(process.guard);
        }
    }

    @Override
    public void close() {
        JobRunrGuard.uninstall();
        memory.close();
    }
}
