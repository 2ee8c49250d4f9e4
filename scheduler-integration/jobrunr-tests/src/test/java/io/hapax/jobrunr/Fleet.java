package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.hapax.JobGuard;
import io.hapax.RunOptions;
import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.RunKey;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.DatabaseAddress;
import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.StrictLeaseStore;
import io.hapax.time.Ticker;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.awaitility.core.ConditionFactory;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.filters.RetryFilter;
import org.jobrunr.jobs.lambdas.IocJobLambda;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.jobs.states.JobState;
import org.jobrunr.jobs.states.ScheduledState;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.scheduling.JobRequestScheduler;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.server.BackgroundJobServerConfigurationReader;
import org.jobrunr.server.JobActivator;
import org.jobrunr.server.configuration.BackgroundJobServerThreadType;
import org.jobrunr.server.configuration.BackgroundJobServerWorkerPolicy;
import org.jobrunr.server.configuration.DefaultBackgroundJobServerWorkerPolicy;
import org.jobrunr.server.threadpool.JobRunrExecutor;
import org.jobrunr.storage.InMemoryStorageProvider;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.StorageProviderUtils.DatabaseOptions;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.jspecify.annotations.Nullable;

/** Several workers over one storage and one lease store, as if they were processes. */
final class Fleet implements AutoCloseable {

    private static final AtomicInteger DATABASES = new AtomicInteger();

    static final Duration POLL = Duration.ofMillis(200);

    /** The SQLSTATE of what others are connected to. */
    private static final String IN_USE = "55006";

    private static final Object LOCK = new Object();

    private static int open;

    /** A database that is never worked with. */
    private static @Nullable DatabaseAddress tables;

    /** One worker: a JobRunr server with its own way to the storage. */
    record Worker(BackgroundJobServer server, FaultyStorage storage) {

        Worker start() {
            server.start();
            eventually().until(server::isAnnounced);
            return this;
        }
    }

    final StorageProvider storage;
    final StrictLeaseStore leases = new StrictLeaseStore(new InMemoryLeaseStore(Ticker.SYSTEM), Ticker.SYSTEM);
    final JobScheduler scheduler;
    final JobRequestScheduler requests;
    private final String name = UUID.randomUUID().toString().substring(0, 8);
    private final List<Worker> workers = new ArrayList<>();
    private final Runnable afterwards;
    private JobActivator activator;
    private IntFunction<BackgroundJobServerWorkerPolicy> threadsOf =
            count -> new DefaultBackgroundJobServerWorkerPolicy(count, BackgroundJobServerThreadType.PlatformThreads);
    private int pollsUntilDead = 100;
    /** What happens when the configuration of a worker is asked for. */
    volatile Runnable asksForConfiguration = () -> {};

    private final List<GuardEvent> events = new CopyOnWriteArrayList<>();
    private final AtomicInteger losses = new AtomicInteger();
    private final List<JobGuard> guards = new ArrayList<>();

    Fleet() {
        this(new InMemoryStorageProvider(), () -> {});
    }

    /** With a PostgreSQL database of its own. */
    static Fleet onPostgres() {
        HikariDataSource pool = pool(copyWithTables());
        return new Fleet(new PostgresStorageProvider(pool, DatabaseOptions.SKIP_CREATE), pool::close);
    }

    /** JobRunr makes its tables by many scripts, so once for all tests. */
    private static DatabaseAddress copyWithTables() {
        EmbeddedDatabase server = EmbeddedDatabase.shared();
        synchronized (LOCK) {
            DatabaseAddress original = tables == null ? withTables(server) : tables;
            tables = original;
            String copy = original.database() + "_" + DATABASES.incrementAndGet();
            // PostgreSQL waits for 5 s for those who made the tables to be gone, which takes longer on a busy machine.
            eventually()
                    .ignoreExceptionsMatching(
                            failure -> failure instanceof SQLException refused && IN_USE.equals(refused.getSQLState()))
                    .until(() -> isCopied(server, original.database(), copy));
            return new DatabaseAddress(original.host(), original.port(), copy, original.user(), original.password());
        }
    }

    private static boolean isCopied(EmbeddedDatabase server, String original, String copy) throws SQLException {
        try (Connection connection = server.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + copy + " TEMPLATE " + original);
            return true;
        }
    }

    private static DatabaseAddress withTables(EmbeddedDatabase server) {
        DatabaseAddress database = server.createDatabase("fleet");
        try (HikariDataSource pool = pool(database)) {
            new PostgresStorageProvider(pool).close();
        }
        return database;
    }

    private static HikariDataSource pool(DatabaseAddress database) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.jdbcUrl());
        config.setUsername(database.user());
        config.setPassword(database.password());
        config.setMaximumPoolSize(8);
        config.setMinimumIdle(2);
        return new HikariDataSource(config);
    }

    /**
     * Takes later workers for dead if no heartbeat of theirs was seen for as many polls. JobRunr's own number is 4, with which each of
     * several workers that all stand still for a second stops the others; otherwise none is taken for dead, however late its heartbeats are
     * on a busy machine.
     */
    Fleet deadAfter(int polls) {
        pollsUntilDead = polls;
        return this;
    }

    /** Lets jobs run on virtual threads. */
    Fleet onVirtualThreads() {
        threadsOf = count ->
                new DefaultBackgroundJobServerWorkerPolicy(count, BackgroundJobServerThreadType.VirtualThreads);
        return this;
    }

    /** Lets the jobs of later workers run on threads of another kind. */
    Fleet onThreads(Function<Integer, JobRunrExecutor> executor) {
        threadsOf = count -> new DefaultBackgroundJobServerWorkerPolicy(count, executor);
        return this;
    }

    Fleet(StorageProvider storage, Runnable afterwards) {
        this.storage = storage;
        this.afterwards = afterwards;
        storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
        this.scheduler = scheduler(storage);
        this.requests = new JobRequestScheduler(storage, List.of());
        synchronized (LOCK) {
            if (open++ == 0) {
                JobRunrGuard.uninstall();
                JobRunrGuard.refuseUnguarded();
            }
        }
    }

    /** A scheduler that keeps jobs unique in the queue of a storage. */
    static JobScheduler scheduler(StorageProvider storage) {
        return new JobScheduler(JobRunrGuard.uniqueInQueue(storage), List.of());
    }

    /** A journal of this test alone. */
    Journal journal(String of) {
        return Journal.of(journalName(of));
    }

    String journalName(String of) {
        return name + "-" + of;
    }

    Worker guarded(String worker, int threads) {
        return guarded(worker, threads, guard(worker, leases, options -> options));
    }

    Worker guarded(String worker, int threads, JobGuard guard) {
        Worker made = worker(worker, threads, POLL);
        JobRunrGuard.install(made.server(), guard);
        return made;
    }

    /** As plain JobRunr would. */
    Worker plain(String worker, int threads) {
        JobRunrGuard.allowUnguarded();
        return worker(worker, threads, POLL);
    }

    Worker either(boolean guarded, String worker, int threads) {
        return guarded ? guarded(worker, threads) : plain(worker, threads);
    }

    /** Serves jobs that are enqueued through a type that JobRunr cannot create. */
    <T> void activate(Class<T> type, T bean) {
        activator = new JobActivator() {
            @Override
            public <B> B activateJob(Class<B> wanted) {
                return wanted == type ? wanted.cast(bean) : null;
            }
        };
    }

    Optional<Holder> holderOf(String runKey) {
        JobIdentity identity = new JobIdentity(null, new RunKey(runKey));
        return leases.admin().holder(identity).toCompletableFuture().join();
    }

    Worker worker(String worker, int threads, Duration poll) {
        FaultyStorage own = new FaultyStorage(storage);
        BackgroundJobServer server =
                new BackgroundJobServer(
                        own,
                        new JacksonJsonMapper(),
                        activator,
                        BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                                .andName(worker)
                                .andPollInterval(poll)
                                .andServerTimeoutPollIntervalMultiplicand(pollsUntilDead)
                                .andBackgroundJobServerWorkerPolicy(threadsOf.apply(threads))
                                .andInterruptJobsAwaitDurationOnStopBackgroundJobServer(Duration.ofMillis(500))) {
                    @Override
                    public void processJob(Job job) {
                        own.onTheWay.to("perform", List.of(job));
                        super.processJob(job);
                    }

                    @Override
                    public BackgroundJobServerConfigurationReader getConfiguration() {
                        asksForConfiguration.run();
                        return super.getConfiguration();
                    }
                };
        server.setJobFilters(List.of(new RetryFilter(3, 1)));
        Worker made = new Worker(server, own);
        workers.add(made);
        return made;
    }

    JobGuard guard(String worker, LeaseStore store, UnaryOperator<RunOptions> defaults) {
        JobGuard guard = JobGuard.builder(store)
                .worker(worker)
                .defaults(defaults)
                .listener(event -> {
                    events.add(event);
                    if (event instanceof GuardEvent.Lost) {
                        losses.incrementAndGet();
                    }
                })
                .build();
        guards.add(guard);
        return guard;
    }

    BackgroundJobServer server(String worker) {
        return workers.stream()
                .map(Worker::server)
                .filter(server -> server.getConfiguration().getName().equals(worker))
                .findFirst()
                .orElseThrow();
    }

    /** How many runs were refused with a verdict so far. */
    long refused(Verdict verdict) {
        return events.stream()
                .filter(event -> event instanceof GuardEvent.Refused refused
                        && refused.refusal().verdict() == verdict)
                .count();
    }

    /** What was told so far. */
    <E extends GuardEvent> List<E> events(Class<E> type) {
        return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    /** How many runs have lost their lease so far. */
    int losses() {
        return losses.get();
    }

    UUID enqueue(IocJobLambda<Work> job) {
        return scheduler.enqueue(job).asUUID();
    }

    Job job(UUID id) {
        return storage.getJobById(id);
    }

    StateName state(UUID id) {
        return job(id).getState();
    }

    List<StateName> history(UUID id) {
        return history(job(id));
    }

    /** The run key of a one-off job until it has succeeded. */
    String firstRunKey(UUID id) {
        return "job:" + id + "@" + job(id).getCreatedAt().truncatedTo(ChronoUnit.MILLIS) + "#0";
    }

    /** Whether nothing more will happen to a job by itself. */
    static boolean hasEnded(Job job) {
        StateName state = job.getState();
        return state == StateName.SUCCEEDED || state == StateName.DELETED || state == StateName.FAILED;
    }

    static List<StateName> history(Job job) {
        return job.getJobStates().stream().map(JobState::getName).toList();
    }

    void awaitState(UUID id, StateName state) {
        eventually()
                .untilAsserted(() -> assertThat(history(id))
                        .as(() -> describe(job(id)))
                        .last()
                        .isEqualTo(state));
    }

    /** The states of a job, with when and why it came to be in them. */
    private static String describe(Job job) {
        return job.getJobStates().stream()
                .map(state -> state.getName() + " at " + state.getCreatedAt()
                        + (state instanceof ScheduledState scheduled ? " (" + scheduled.getReason() + ")" : ""))
                .collect(Collectors.joining(", ", "job " + job.getId() + ": ", ""));
    }

    /** Waits until the job has been postponed at least so often. */
    void awaitPostponed(UUID id, int times) {
        eventually().until(() -> JobRewriter.postponements(job(id)) >= times);
    }

    static boolean isPostponed(Job job) {
        return job.getJobStates().stream()
                .anyMatch(state -> state instanceof ScheduledState scheduled
                        && scheduled.getReason() != null
                        && scheduled.getReason().startsWith(JobCopy.POSTPONED));
    }

    /** Waits for a condition, and returns the job as it was then: by the next look it may have moved on. */
    Job awaitJob(UUID id, Predicate<Job> condition) {
        return eventually().until(() -> job(id), condition);
    }

    static ConditionFactory eventually() {
        // What threads of tests beside this one throw is none of its business.
        return await().dontCatchUncaughtExceptions()
                .atMost(Duration.ofMinutes(3))
                .pollInterval(Duration.ofMillis(20));
    }

    @Override
    public void close() {
        Journal.releaseAll(journalName(""));
        workers.parallelStream().forEach(worker -> {
            worker.server().stop();
            JobRunrGuard.uninstall(worker.server());
        });
        synchronized (LOCK) {
            // Jobs of a fleet beside this one may be at work without a guard.
            if (--open == 0) {
                JobRunrGuard.refuseUnguarded();
            }
        }
        storage.close();
        afterwards.run();
        // Whatever happened, no worker may keep a lease.
        eventually().untilAsserted(leases::assertNothingHeld);
        guards.forEach(JobGuard::close);
    }
}
