package io.hapax.benchmarks.adapters;

import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import java.util.stream.IntStream;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.scheduling.JobRequestScheduler;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.server.configuration.BackgroundJobServerThreadType;
import org.jobrunr.server.configuration.DefaultBackgroundJobServerWorkerPolicy;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.jspecify.annotations.Nullable;

/** JobRunr on PostgreSQL; a server for each lot of jobs. */
final class JobRunrEngine implements Engine {

    private final HikariDataSource pool = new HikariDataSource();
    private final StorageProvider storage;
    private final int threads;
    private @Nullable BackgroundJobServer server;

    /** Asks for nothing. */
    public record NoOp(int number) implements JobRequest {
        @Override
        public Class<Handler> getJobRequestHandler() {
            return Handler.class;
        }
    }

    /** Does nothing. */
    public static final class Handler implements JobRequestHandler<NoOp> {

        /** Called by JobRunr. */
        public Handler() {}

        @Override
        public void run(NoOp request) {
            Runs.ran();
        }
    }

    JobRunrEngine(int threads, String url, String user, String password) {
        pool.setJdbcUrl(url);
        pool.setUsername(user);
        pool.setPassword(password);
        pool.setMaximumPoolSize(8);
        this.threads = threads;
        this.storage = new PostgresStorageProvider(pool);
        storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
    }

    @Override
    public void enqueue(int jobs) {
        new JobRequestScheduler(storage).enqueue(IntStream.range(0, jobs).mapToObj(NoOp::new));
    }

    @Override
    public void run() throws InterruptedException {
        BackgroundJobServer started = new BackgroundJobServer(
                storage,
                new JacksonJsonMapper(),
                null,
                BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andPollInterval(Duration.ofSeconds(5))
                        .andBackgroundJobServerWorkerPolicy(new DefaultBackgroundJobServerWorkerPolicy(
                                threads, BackgroundJobServerThreadType.PlatformThreads)));
        server = started;
        started.start();
        Runs.await();
        // The end of the last job is noted after it.
        Thread.sleep(500);
    }

    @Override
    public void rest() {
        if (server != null) {
            server.stop();
        }
    }

    @Override
    public void close() {
        storage.close();
        pool.close();
    }
}
