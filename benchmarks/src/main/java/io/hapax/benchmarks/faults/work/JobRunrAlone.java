package io.hapax.benchmarks.faults.work;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import javax.sql.DataSource;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.jobs.states.ScheduledState;
import org.jobrunr.scheduling.JobRequestScheduler;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.server.JobActivator;
import org.jobrunr.server.runner.ThreadLocalJobContext;
import org.jobrunr.storage.StorageException;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.jspecify.annotations.Nullable;

/**
 * JobRunr on PostgreSQL, polling as often as it allows, which also is how often a recurring job may run; its jobs have no lock
 * key, so jobs of a key may overlap.
 */
final class JobRunrAlone implements Guarding {

    private static final Duration POLL = Duration.ofSeconds(5);
    private static final int THREADS = 8;

    private final StorageProvider storage;
    private final JobRequestScheduler scheduler;
    private final BackgroundJobServer server;

    /** Asks for an occurrence. */
    public record Request(String id, String key) implements JobRequest {
        @Override
        public Class<Handler> getJobRequestHandler() {
            return Handler.class;
        }
    }

    /** Does the work. */
    public static final class Handler implements JobRequestHandler<Request> {

        private final Work work;
        private final StorageProvider storage;

        Handler(Work work, StorageProvider storage) {
            this.work = work;
            this.storage = storage;
        }

        @Override
        public void run(Request request) throws Exception {
            work.perform(
                    request.id().isEmpty()
                            ? Occurrence.tick(planned().getEpochSecond())
                            : Occurrence.of(request.id(), request.key()),
                    Held.NOTHING);
        }

        /** A recurring job is scheduled first of all. */
        private Instant planned() {
            return storage.getJobById(ThreadLocalJobContext.getJobContext().getJobId()).getJobStates().stream()
                    .filter(ScheduledState.class::isInstance)
                    .map(state -> ((ScheduledState) state).getScheduledAt())
                    .findFirst()
                    .orElseThrow();
        }
    }

    JobRunrAlone(DataSource database, Work work) {
        this.storage = new PostgresStorageProvider(database);
        storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
        this.scheduler = new JobRequestScheduler(storage);
        this.server = new BackgroundJobServer(
                storage,
                new JacksonJsonMapper(),
                activator(new Handler(work, storage)),
                BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andPollInterval(POLL)
                        .andWorkerCount(THREADS));
    }

    static void createTables(DataSource database) {
        new PostgresStorageProvider(database).close();
    }

    private static JobActivator activator(Handler handler) {
        return new JobActivator() {
            @Override
            public <T> @Nullable T activateJob(Class<T> type) {
                return type.cast(handler);
            }
        };
    }

    @Override
    public Answer attempt(Occurrence occurrence) {
        UUID id = UUID.nameUUIDFromBytes(occurrence.id().getBytes(StandardCharsets.UTF_8));
        scheduler.enqueue(id, new Request(occurrence.id(), occurrence.key()));
        return Answer.SETTLED;
    }

    @Override
    public void start() {
        try {
            scheduler.scheduleRecurrently("tick", "*/5 * * * * *", new Request("", "tick"));
        } catch (StorageException anotherServerWasFaster) {
            // The storage is shared.
        }
        server.start();
    }

    @Override
    public void close() {
        server.stop();
        storage.close();
    }
}
