package io.hapax.worker;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.JobGuard;
import io.hapax.JobGuardBuilder;
import io.hapax.console.Console;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.ledger.RunLedger;
import io.hapax.micrometer.GuardMetrics;
import io.hapax.postgres.PostgresLeaseStore;
import io.hapax.postgres.PostgresRunLedger;
import io.hapax.quartz.HapaxPlugin;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.worker.WorkerSettings.Leases;
import io.hapax.worker.WorkerSettings.Secret;
import io.hapax.worker.WorkerSettings.Web;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import jakarta.servlet.http.HttpServlet;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * The one place where the whole system is visible: meters, pool, store, guard, console, web server, Quartz, JobRunr.
 * Started from top to bottom, closed from bottom to top: while jobs end, the console still shows them.
 */
final class WorkerAssembly implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(WorkerAssembly.class);
    private static final int CONNECT_ATTEMPTS = 5;

    private final WorkerSettings settings;
    private final ReentrantLock lock = new ReentrantLock();
    private final OpenThings toClose = new OpenThings();
    private volatile @Nullable SampleJobs jobs;
    private volatile boolean atWork;
    private long graceEnds;

    private WorkerAssembly(WorkerSettings settings) {
        this.settings = settings;
    }

    static WorkerAssembly start(WorkerSettings settings) throws SchedulerException {
        WorkerAssembly worker = new WorkerAssembly(settings);
        try {
            worker.start();
            return worker;
        } catch (Throwable e) {
            worker.close();
            throw e;
        }
    }

    private void start() throws SchedulerException {
        PrometheusMeterRegistry meters =
                opened(new ProcessMeters(), ProcessMeters::close).registry();
        HikariDataSource database = database(meters);
        Guarding guarding = settings.guarded() ? guarding(database, meters) : null;
        JobGuard guard = guarding == null ? null : guarding.guard();
        if (settings.web().port() > 0) {
            serve(meters, guarding);
        }
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
        atWork = true;
    }

    /** Null if there is none. */
    private @Nullable HikariDataSource database(MeterRegistry meters) {
        String url = settings.jdbcUrl();
        if (url == null) {
            LOG.info(
                    "no PostgreSQL was named (--database or DATABASE_URL): Quartz and JobRunr keep their jobs in memory,"
                            + " and there is no ledger");
            return null;
        }
        return opened(pool(url, settings, meters), HikariDataSource::close);
    }

    /** What a guarded worker has besides. */
    private record Guarding(JobGuard guard, Console console) {}

    private Guarding guarding(@Nullable DataSource database, MeterRegistry meters) {
        LeaseStore store = opened(store(settings, database), LeaseStore::close);
        RunLedger ledger =
                settings.ledger() && database != null ? opened(ledger(settings, database), RunLedger::close) : null;
        Console console = console(store, ledger);
        GuardMetrics metrics = new GuardMetrics(meters);
        JobGuard guard = opened(guard(store, ledger, console, metrics), closing -> {
            if (!closing.shutdown(Duration.ofSeconds(1))) {
                LOG.warn("some runs did not end; their leases lapse after at most {}", settings.ttl());
            }
        });
        metrics.watch(guard);
        // Also without a page of its own: the pages of the others then show this worker.
        opened(console, Console::close).start(guard);
        return new Guarding(guard, console);
    }

    private JobGuard guard(LeaseStore store, @Nullable RunLedger ledger, Console console, GuardMetrics metrics) {
        JobGuardBuilder builder = JobGuard.builder(store)
                .worker(settings.name())
                .defaults(options -> settings.runs())
                .listener(metrics)
                .listener(console);
        if (ledger != null) {
            builder.ledger(ledger);
        }
        if (settings.hashKeys() != null) {
            builder.hashKeys(settings.hashKeys().value());
        }
        return builder.build();
    }

    private Console console(LeaseStore store, @Nullable RunLedger ledger) {
        Console.Builder builder = Console.builder(store).proxies(settings.web().proxies());
        if (ledger != null) {
            builder.ledger(ledger);
        }
        Secret token = settings.web().consoleToken();
        return (token == null ? builder : builder.credential(token.value())).build();
    }

    private void serve(PrometheusMeterRegistry meters, @Nullable Guarding guarding) {
        Web web = settings.web();
        Map<String, HttpServlet> pages = new LinkedHashMap<>();
        pages.put("/metrics", new MetricsServlet(meters));
        pages.put(
                "/health",
                new HealthServlet(settings.name(), () -> atWork, guarding == null ? null : guarding.guard()));
        if (guarding == null) {
            opened(WebServer.start(web, pages, "/health"), WebServer::close);
            return;
        }
        pages.put("/console/*", guarding.console().servlet());
        if (web.consoleToken() == null && !WebServer.isLoopback(web.bind())) {
            LOG.warn(
                    "other machines can reach {}:{}, but no HAPAX_CONSOLE_TOKEN is set: so the console answers this"
                            + " machine only, and changes nothing",
                    web.bind(),
                    web.port());
        }
        opened(WebServer.start(web, pages, "/console/"), WebServer::close);
        LOG.info("the console is at http://{}:{}/console/", web.bind(), web.port());
        // Before the server, so that nothing is streamed into one that is gone.
        opened(guarding.console(), Console::close);
    }

    private void startJobRunr(@Nullable DataSource database, @Nullable JobGuard guard) {
        if (guard != null) {
            JobRunrGuard.install(guard);
        } else {
            JobRunrGuard.allowUnguarded();
        }
        JobRunr.configure()
                .useStorageProvider(database == null ? JobRunrStorage.inMemory() : JobRunrStorage.on(database))
                .useBackgroundJobServer(BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andWorkerCount(settings.threads())
                        .andPollInterval(settings.jobrunrPoll())
                        .andInterruptJobsAwaitDurationOnStopBackgroundJobServer(settings.grace()))
                .initialize();
        opened(JobRunr.class, ignored -> JobRunr.destroy());
    }

    private static RunLedger ledger(WorkerSettings settings, DataSource database) {
        return PostgresRunLedger.builder(database)
                .namespace(settings.namespace())
                .answerTimeout(settings.answerTimeout())
                .migrate(true)
                .build();
    }

    private static LeaseStore store(WorkerSettings settings, @Nullable DataSource database) {
        return settings.leases() == Leases.REDIS || database == null
                ? connected(settings)
                : PostgresLeaseStore.builder(database)
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
                .firstStart(settings.firstStart())
                .replaceSettings(settings.replaceSettings());
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

    private static HikariDataSource pool(String url, WorkerSettings settings, MeterRegistry meters) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        int ofLeases = settings.leases() == Leases.POSTGRES ? 3 : 0;
        config.setMaximumPoolSize(2 * settings.threads() + 4 + ofLeases);
        config.setMinimumIdle(2);
        config.setConnectionTimeout(5_000);
        config.setPoolName("hapax-worker");
        config.setMetricRegistry(meters);
        return new HikariDataSource(config);
    }

    /** Stops new firings in the whole fleet; what has been fired, retried or queued goes on. */
    void drain() {
        SampleJobs scheduled = jobs;
        if (scheduled != null) {
            scheduled.putOff();
        }
    }

    /** Waits for a scheduler's jobs for what is left of the grace: Quartz itself would wait without end. */
    private void stop(Scheduler scheduler) throws SchedulerException, InterruptedException {
        Thread ending = new Thread(() -> OpenThings.closeQuietly(() -> scheduler.shutdown(true)), "quartz-end");
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

    /** Nothing new starts; what runs may end within the grace; leases are given back; then the rest is closed. */
    @Override
    public void close() {
        lock.lock();
        try {
            atWork = false;
            graceEnds = System.nanoTime() + settings.grace().toNanos();
            toClose.close();
        } finally {
            lock.unlock();
        }
    }

    private <T> T opened(T resource, OpenThings.Closing<T> close) {
        return toClose.add(resource, close);
    }
}
