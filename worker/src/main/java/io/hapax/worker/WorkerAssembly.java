package io.hapax.worker;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.JobGuard;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ledger.RunLedger;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.redis.RedissonLeaseStore;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jspecify.annotations.Nullable;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.redisson.client.RedisTimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place where the whole system is visible: pool, store, guard, Quartz, JobRunr, health. Started from top to
 * bottom, closed from bottom to top.
 */
final class WorkerAssembly implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(WorkerAssembly.class);
    private static final int CONNECT_ATTEMPTS = 5;

    /** Something that may fail while it is closed. */
    private interface Closing {
        void close() throws Exception;
    }

    private final WorkerSettings settings;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Closing> toClose = new ArrayDeque<>();
    private volatile @Nullable SampleJobs jobs;
    private long graceEnds;

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
        JobGuard guard = settings.guarded() ? guard(database) : null;
        List<Scheduler> quartz = QuartzSchedulers.of(settings, database);
        for (Scheduler scheduler : quartz) {
            opened(scheduler, this::stop);
            if (guard != null) {
                HapaxPlugin.install(scheduler, guard);
            }
        }
        jobs = SampleJobs.schedule(quartz, new RunRecorder(database, settings.record(), settings.name()));
        if (settings.jobrunr()) {
            startJobRunr(database, guard);
        }
        for (Scheduler scheduler : quartz) {
            scheduler.start();
            // At the end first of all nothing new is fired, here and only here.
            opened(scheduler, Scheduler::standby);
        }
        if (settings.healthPort() > 0) {
            opened(HealthEndpoint.start(settings, guard), HealthEndpoint::close);
        }
    }

    private void startJobRunr(DataSource database, @Nullable JobGuard guard) {
        if (guard != null) {
            JobRunrGuard.install(guard);
        } else {
            JobRunrGuard.allowUnguarded();
        }
        JobRunr.configure()
                .useStorageProvider(JobRunrStorage.on(database))
                .useBackgroundJobServer(BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andWorkerCount(settings.threads())
                        .andPollInterval(settings.jobrunrPoll())
                        .andInterruptJobsAwaitDurationOnStopBackgroundJobServer(settings.grace()))
                .initialize();
        opened(JobRunr.class, ignored -> JobRunr.destroy());
    }

    private JobGuard guard(DataSource database) {
        LeaseStore store = opened(connected(settings), LeaseStore::close);
        JobGuard.Builder builder =
                JobGuard.builder(store).worker(settings.name()).defaults(options -> options.withTtl(settings.ttl()));
        if (settings.ledger()) {
            builder.ledger(opened(ledger(settings, database), RunLedger::close));
        }
        JobGuard guard = builder.build();
        return opened(guard, closing -> {
            if (!closing.shutdown(Duration.ofSeconds(1))) {
                LOG.warn("some runs did not end; their leases lapse after at most {}", settings.ttl());
            }
        });
    }

    private static RunLedger ledger(WorkerSettings settings, DataSource database) {
        return PostgresRunLedger.builder(database)
                .namespace(settings.namespace())
                .answerTimeout(settings.answerTimeout())
                .migrate(true)
                .build();
    }

    /** A short ttl leaves little time to connect; a machine that starts a whole fleet at once may need more. */
    private static LeaseStore connected(WorkerSettings settings) {
        RedissonLeaseStore.Builder builder = RedissonLeaseStore.builder()
                .namespace(settings.namespace())
                .answerTimeout(settings.answerTimeout())
                .longestTtl(settings.ttl())
                .fresh(settings.fresh());
        List<String> urls = settings.redisUrls();
        for (int attempt = 1; ; attempt++) {
            try {
                return urls.size() == 1 ? builder.url(urls.get(0)).build() : builder.quorum(urls);
            } catch (LeaseStoreException e) {
                if (attempt == CONNECT_ATTEMPTS || !isTimeout(e)) {
                    throw e;
                }
                LOG.warn("attempt {} of {}: {}", attempt, CONNECT_ATTEMPTS, e.getMessage());
            }
        }
    }

    private static boolean isTimeout(Throwable failure) {
        return failure instanceof TimeoutException
                || failure instanceof RedisTimeoutException
                || (failure.getCause() != null && isTimeout(failure.getCause()));
    }

    private static HikariDataSource pool(WorkerSettings settings) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(settings.jdbcUrl());
        config.setMaximumPoolSize(2 * settings.threads() + 4);
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

    /** Waits for a scheduler's jobs for what is left of the grace: Quartz itself would wait without end. */
    private void stop(Scheduler scheduler) throws SchedulerException, InterruptedException {
        Thread ending = new Thread(() -> closeQuietly(() -> scheduler.shutdown(true)), "quartz-end");
        ending.setDaemon(true);
        ending.start();
        ending.join(Math.max(200, TimeUnit.NANOSECONDS.toMillis(graceEnds - System.nanoTime())));
        if (ending.isAlive()) {
            LOG.warn(
                    "{} job(s) of scheduler {} did not end within {}; their leases lapse after at most {}",
                    scheduler.getCurrentlyExecutingJobs().size(),
                    scheduler.getSchedulerName(),
                    settings.grace(),
                    settings.ttl());
        }
    }

    /** Nothing new begins; what runs may end within the grace; leases are given back; then the rest is closed. */
    @Override
    public void close() {
        lock.lock();
        try {
            graceEnds = System.nanoTime() + settings.grace().toNanos();
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
