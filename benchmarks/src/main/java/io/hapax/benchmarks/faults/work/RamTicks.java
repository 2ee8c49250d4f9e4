package io.hapax.benchmarks.faults.work;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.OnConflict;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import org.quartz.CronScheduleBuilder;
import org.quartz.DisallowConcurrentExecution;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;

/** The recurring job on replicas that know nothing of each other: each has a Quartz scheduler in memory. */
final class RamTicks implements AutoCloseable {

    /** Of the scheduler, on all replicas. */
    static final String NAME = "replica";

    private static final String WORK = "work";
    private static final int THREADS = 4;
    static final Duration MISSED_AFTER = Duration.ofSeconds(60);
    static final Duration MISSED_WITHOUT_PROPERTIES = Duration.ofSeconds(5);

    /** What a firing does. */
    interface Firing {
        void fire(Occurrence occurrence) throws Exception;
    }

    private final Scheduler scheduler;

    RamTicks(String worker, Firing firing) throws SchedulerException {
        this(worker, firing, THREADS);
    }

    /** With more threads than the recurring job needs. */
    RamTicks(String worker, Firing firing, int threads) throws SchedulerException {
        // As in the properties that Quartz comes with. Else a replica that is late by 5 s leaves out all firings but
        // the last.
        this(worker, firing, threads, MISSED_AFTER);
    }

    /** That takes firings for missed after another time. */
    RamTicks(String worker, Firing firing, Duration missedAfter) throws SchedulerException {
        this(worker, firing, THREADS, missedAfter);
    }

    private RamTicks(String worker, Firing firing, int threads, Duration missedAfter) throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", NAME);
        properties.setProperty("org.quartz.scheduler.instanceId", worker);
        properties.setProperty("org.quartz.threadPool.threadCount", Integer.toString(threads));
        properties.setProperty("org.quartz.jobStore.misfireThreshold", Long.toString(missedAfter.toMillis()));
        this.scheduler = new StdSchedulerFactory(properties).getScheduler();
        scheduler.getContext().put(WORK, firing);
    }

    Scheduler scheduler() {
        return scheduler;
    }

    void start() throws SchedulerException {
        scheduler.scheduleJob(
                JobBuilder.newJob(Tick.class).withIdentity("tick").build(),
                TriggerBuilder.newTrigger()
                        .withIdentity("each-second")
                        .withSchedule(CronScheduleBuilder.cronSchedule("* * * * * ?"))
                        .build());
        scheduler.start();
    }

    @Override
    public void close() throws SchedulerException {
        scheduler.shutdown(true);
    }

    /** Fired each second; must not overlap. The annotations of Hapax mean something only where its plugin is installed. */
    @DisallowConcurrentExecution
    @Guarded(key = "tick", onConflict = OnConflict.RESCHEDULE)
    public static final class Tick implements Job {
        /** Created by Quartz. */
        public Tick() {}

        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            try {
                Firing firing = (Firing) Objects.requireNonNull(
                        context.getScheduler().getContext().get(WORK));
                firing.fire(Occurrence.tick(planned(context).getEpochSecond()));
            } catch (InterruptedException told) {
                Thread.currentThread().interrupt();
            } catch (Exception e) {
                throw Refiring.of(e, context);
            }
        }
    }

    /** A firing that Hapax repeats carries its planned time in its run key. */
    @SuppressWarnings("JavaUtilDate")
    private static Instant planned(JobExecutionContext context) {
        return CurrentRun.find()
                .flatMap(run -> run.identity().run())
                .flatMap(run -> instantIn(run.value()))
                .orElseGet(() -> context.getScheduledFireTime().toInstant());
    }

    private static Optional<Instant> instantIn(String runKey) {
        try {
            return Optional.of(Instant.parse(runKey.substring(runKey.lastIndexOf('@') + 1)));
        } catch (DateTimeParseException other) {
            return Optional.empty();
        }
    }
}
