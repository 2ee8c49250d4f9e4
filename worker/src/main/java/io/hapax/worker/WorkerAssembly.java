package io.hapax.worker;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.JobGuard;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.redis.RedissonLeaseStore;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.ReentrantLock;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jspecify.annotations.Nullable;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place where the whole system is visible: pool, store, guard, Quartz, JobRunr, health. Started from top to
 * bottom, closed from bottom to top.
 */
final class WorkerAssembly implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(WorkerAssembly.class);
    private static final int THREADS = 8;

    /** Something that may fail while it is closed. */
    private interface Closing {
        void close() throws Exception;
    }

    private final WorkerSettings settings;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Closing> toClose = new ArrayDeque<>();
    private @Nullable SampleJobs jobs;

    private WorkerAssembly(WorkerSettings settings) {
        this.settings = settings;
    }

    static WorkerAssembly start(WorkerSettings settings) throws SchedulerException {
        WorkerAssembly worker = new WorkerAssembly(settings);
        try {
            worker.start();
            return worker;
        } catch (SchedulerException | RuntimeException e) {
            worker.close();
            throw e;
        }
    }

    private void start() throws SchedulerException {
        HikariDataSource database = opened(pool(settings), HikariDataSource::close);
        JobGuard guard = settings.guarded() ? guard() : null;

        Scheduler replica = QuartzSchedulers.ownRamStore(settings.name(), THREADS);
        Scheduler clustered = QuartzSchedulers.jdbcCluster(database, settings.checkin(), THREADS);
        opened(replica, scheduler -> scheduler.shutdown(true));
        opened(clustered, scheduler -> scheduler.shutdown(true));
        if (guard != null) {
            HapaxPlugin.install(replica, guard);
            HapaxPlugin.install(clustered, guard);
            JobRunrGuard.install(guard);
        } else {
            JobRunrGuard.allowUnguarded();
        }
        RunRecorder recorder = new RunRecorder(database, settings.record(), settings.name());
        jobs = SampleJobs.schedule(replica, clustered, recorder);

        JobRunr.configure()
                .useStorageProvider(JobRunrStorage.on(database))
                .useBackgroundJobServer(BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andWorkerCount(THREADS)
                        .andPollInterval(settings.jobrunrPoll())
                        .andInterruptJobsAwaitDurationOnStopBackgroundJobServer(settings.grace()))
                .initialize();
        opened(JobRunr.class, ignored -> JobRunr.destroy());
        clustered.start();
        replica.start();
        // At the end first of all nothing new is fired, here and only here: paused triggers would be so in the whole
        // fleet.
        opened(clustered, Scheduler::standby);
        opened(replica, Scheduler::standby);

        if (settings.healthPort() > 0) {
            opened(HealthEndpoint.start(settings, guard), HealthEndpoint::close);
        }
    }

    private JobGuard guard() {
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(settings.redisUrl())
                .namespace(settings.namespace())
                .answerTimeout(settings.answerTimeout())
                .longestTtl(settings.ttl())
                .fresh(settings.fresh())
                .build();
        opened(store, RedissonLeaseStore::close);
        JobGuard guard = JobGuard.builder(store)
                .worker(settings.name())
                .defaults(options -> options.withTtl(settings.ttl()))
                .build();
        return opened(guard, closing -> {
            if (!closing.shutdown(Duration.ofSeconds(1))) {
                LOG.warn("some runs did not end; their leases lapse after at most {}", settings.ttl());
            }
        });
    }

    private static HikariDataSource pool(WorkerSettings settings) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(settings.jdbcUrl());
        config.setMaximumPoolSize(2 * THREADS + 4);
        config.setMinimumIdle(2);
        config.setConnectionTimeout(5_000);
        config.setPoolName("hapax-worker");
        return new HikariDataSource(config);
    }

    /** Stops new firings in the whole fleet; what has been fired, retried or queued goes on. */
    void drain() {
        SampleJobs scheduled = jobs;
        if (scheduled != null) {
            scheduled.pause();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            while (!toClose.isEmpty()) {
                closeQuietly(toClose.pop());
            }
        } finally {
            lock.unlock();
        }
    }

    private <T> T opened(T resource, CheckedConsumer<T> close) {
        toClose.push(() -> close.accept(resource));
        return resource;
    }

    private interface CheckedConsumer<T> {
        void accept(T resource) throws Exception;
    }

    private static void closeQuietly(Closing closing) {
        try {
            closing.close();
        } catch (Exception e) {
            LOG.warn("something could not be closed cleanly", e);
        }
    }
}
