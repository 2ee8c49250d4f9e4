package io.hapax.benchmarks.faults.work;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.event.GuardEvent;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.jobrunr.JobRunrGuard;
import io.hapax.lease.RunKey;
import io.hapax.quartz.HapaxPlugin;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.scheduling.JobRequestScheduler;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.server.JobActivator;
import org.jobrunr.storage.StorageProvider;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.utils.mapper.jackson.JacksonJsonMapper;
import org.jspecify.annotations.Nullable;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.JobKey;
import org.quartz.ObjectAlreadyExistsException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;

/**
 * Hapax with a ledger under two schedulers in each worker: Quartz in memory and JobRunr on PostgreSQL. A delivery is fired by Quartz or
 * enqueued in JobRunr, as worker and occurrence decide, so that most occurrences come through both. Whichever it is, lock key and
 * run key are the same. It is settled once the guard says that it is done.
 */
final class HapaxMixed implements Guarding {

    private static final String WORK = "mixed";
    private static final String ID = "id";
    private static final String KEY = "key";
    private static final String DELIVERED = "delivered";

    /** As the plugin makes run keys: of scheduler, group and job, and what the job chooses. */
    private static final String RUN_KEY = RamTicks.NAME + "/DEFAULT/" + DELIVERED + "/@";

    private static final Duration POLL = Duration.ofSeconds(5);
    private static final int THREADS = 8;

    private final String worker;
    private final Set<String> done = ConcurrentHashMap.newKeySet();
    private final Set<String> enqueued = ConcurrentHashMap.newKeySet();
    private final JobGuard guard;
    private final RamTicks ticks;
    private final StorageProvider storage;
    private final JobRequestScheduler queue;
    private final BackgroundJobServer server;

    HapaxMixed(Settings settings, DataSource database, Work work) throws Exception {
        this.worker = settings.worker();
        this.guard = HapaxGuarding.guard(settings, database)
                .ledger(HapaxGuarding.ledger(database))
                .listener(this::heard)
                .build();
        this.ticks = new RamTicks(settings.worker(), occurrence -> perform(work, occurrence), THREADS);
        ticks.scheduler().getContext().put(WORK, work);
        HapaxPlugin.install(ticks.scheduler(), guard);
        this.storage = new PostgresStorageProvider(database);
        storage.setJobMapper(new JobMapper(new JacksonJsonMapper()));
        this.queue = new JobRequestScheduler(storage);
        JobRunrGuard.install(guard);
        this.server = new BackgroundJobServer(
                storage,
                new JacksonJsonMapper(),
                activator(new Handler(work)),
                BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andPollInterval(POLL)
                        .andWorkerCount(THREADS));
    }

    private static JobActivator activator(Handler handler) {
        return new JobActivator() {
            @Override
            public <T> @Nullable T activateJob(Class<T> type) {
                return type.cast(handler);
            }
        };
    }

    private static void perform(Work work, Occurrence occurrence) throws SQLException, InterruptedException {
        work.perform(occurrence, new HapaxGuarding.Lease(CurrentRun.get(), true));
    }

    private void heard(GuardEvent event) {
        boolean isDone = (event instanceof GuardEvent.Released released && released.outcome() == RunOutcome.COMPLETED)
                || (event instanceof GuardEvent.Refused refused
                        && refused.refusal().verdict() == Verdict.DONE);
        if (isDone) {
            event.identity().run().map(RunKey::value).ifPresent(done::add);
        }
    }

    /** It comes again until it is known to be done, each time to the next worker. */
    @Override
    public Answer attempt(Occurrence occurrence) throws SchedulerException {
        if (done.contains(RUN_KEY + occurrence.id())) {
            return Answer.SETTLED;
        }
        boolean byQuartz = Math.floorMod(occurrence.id().hashCode() + worker.charAt(0), 2) == 0;
        // Nothing else comes for a long while for the key of a long job, and JobRunr polls rarely.
        if (byQuartz || occurrence.kind() == Occurrence.Kind.LONG) {
            fire(occurrence);
        }
        if (!byQuartz && enqueued.add(occurrence.id())) {
            enqueue(occurrence);
        }
        return Answer.LATER;
    }

    private void fire(Occurrence occurrence) throws SchedulerException {
        try {
            ticks.scheduler()
                    .scheduleJob(TriggerBuilder.newTrigger()
                            .withIdentity(occurrence.id())
                            .usingJobData(ID, occurrence.id())
                            .usingJobData(KEY, occurrence.key())
                            .forJob(DELIVERED)
                            .build());
        } catch (ObjectAlreadyExistsException firedAnyway) {
            // By the delivery before.
        }
    }

    private void enqueue(Occurrence occurrence) {
        try {
            UUID id = UUID.nameUUIDFromBytes(occurrence.id().getBytes(StandardCharsets.UTF_8));
            queue.enqueue(id, new Request(occurrence.id(), occurrence.key()));
        } catch (RuntimeException e) {
            enqueued.remove(occurrence.id());
            throw e;
        }
    }

    @Override
    public void start() throws SchedulerException {
        ticks.scheduler()
                .addJob(
                        JobBuilder.newJob(Delivered.class)
                                .withIdentity(new JobKey(DELIVERED))
                                .storeDurably()
                                .build(),
                        true);
        ticks.start();
        server.start();
    }

    @Override
    public void close() throws SchedulerException, InterruptedException {
        server.stop();
        ticks.close();
        storage.close();
        boolean unused = guard.shutdown(Settings.TTL);
    }

    /** A delivery that Quartz fires; if it is refused, the next delivery fires it again. */
    @Guarded(key = "%{key}", once = "%{id}", onConflict = OnConflict.SKIP)
    public static final class Delivered implements Job {
        /** Created by Quartz. */
        public Delivered() {}

        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            Scheduler scheduler = context.getScheduler();
            String id = context.getMergedJobDataMap().getString(ID);
            String key = context.getMergedJobDataMap().getString(KEY);
            try {
                Work work = (Work) Objects.requireNonNull(scheduler.getContext().get(WORK));
                perform(work, Occurrence.of(id, key));
            } catch (InterruptedException told) {
                Thread.currentThread().interrupt();
            } catch (SQLException | SchedulerException | RuntimeException e) {
                throw new JobExecutionException(e, false);
            }
        }
    }

    /** Asks for an occurrence. */
    public record Request(String id, String key) implements JobRequest {
        @Override
        public Class<Handler> getJobRequestHandler() {
            return Handler.class;
        }
    }

    /** A delivery that JobRunr runs. */
    public static final class Handler implements JobRequestHandler<Request> {

        private final Work work;

        Handler(Work work) {
            this.work = work;
        }

        @Override
        @Guarded(key = "%0.key", once = RUN_KEY + "%0.id")
        public void run(Request request) throws SQLException, InterruptedException {
            perform(work, Occurrence.of(request.id(), request.key()));
        }
    }
}
