package io.hapax.worker;

import static org.quartz.CronScheduleBuilder.cronSchedule;
import static org.quartz.JobBuilder.newJob;
import static org.quartz.TriggerBuilder.newTrigger;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.OnConflict;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.quartz.DateBuilder;
import org.quartz.DisallowConcurrentExecution;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.ObjectAlreadyExistsException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The jobs that every replica schedules. */
final class SampleJobs {

    private static final Logger LOG = LoggerFactory.getLogger(SampleJobs.class);
    private static final String GROUP = "sample";
    // Quartz and JobRunr create the jobs, so what they need is handed over here.
    private static volatile @Nullable RunRecorder recorder;

    private final List<Scheduler> schedulers;

    private SampleJobs(List<Scheduler> schedulers) {
        this.schedulers = List.copyOf(schedulers);
    }

    static SampleJobs schedule(List<Scheduler> schedulers, RunRecorder runs) throws SchedulerException {
        recorder = runs;
        for (Scheduler scheduler : schedulers) {
            if (scheduler.getMetaData().isJobStoreClustered()) {
                add(scheduler, Settle.class, "settle", "0/2 * * * * ?");
            } else {
                add(scheduler, Tick.class, "tick", "* * * * * ?");
                add(scheduler, Report.class, "report", "0/2 * * * * ?");
            }
        }
        return new SampleJobs(schedulers);
    }

    private static void add(Scheduler scheduler, Class<? extends Job> job, String name, String cron)
            throws SchedulerException {
        try {
            scheduler.scheduleJob(
                    newJob(job).withIdentity(name, GROUP).requestRecovery().build(),
                    newTrigger()
                            .withIdentity(name, GROUP)
                            .withSchedule(cronSchedule(cron))
                            .build());
        } catch (ObjectAlreadyExistsException anotherReplicaWasFaster) {
            LOG.debug("{} is scheduled already", name);
        }
    }

    /**
     * Stops new firings, those of the cluster on all of its nodes. Triggers are put off and not paused: a firing that waits to be tried
     * again waits on while its trigger is paused.
     */
    void putOff() {
        for (Scheduler scheduler : schedulers) {
            try {
                if (!scheduler.isShutdown()) {
                    putOff(scheduler);
                }
            } catch (SchedulerException e) {
                LOG.warn("the sample jobs could not be put off", e);
            }
        }
    }

    @SuppressWarnings("JavaUtilDate")
    private static void putOff(Scheduler scheduler) throws SchedulerException {
        for (TriggerKey key : scheduler.getTriggerKeys(GroupMatcher.triggerGroupEquals(GROUP))) {
            Trigger trigger = scheduler.getTrigger(key);
            if (trigger != null) {
                Date later = DateBuilder.futureDate(1, DateBuilder.IntervalUnit.YEAR);
                Date unused = scheduler.rescheduleJob(
                        key, trigger.getTriggerBuilder().startAt(later).build());
            }
        }
    }

    /** The long jobs; tests that end a worker meanwhile let them last longer than any machine hesitates. */
    private static Duration lasting(Duration usual) {
        Long seconds = Long.getLong("hapax.sample.seconds");
        return seconds == null ? usual : Duration.ofSeconds(seconds);
    }

    private static void work(Kind kind, String occurrence, String group, Duration duration)
            throws InterruptedException {
        RunRecorder runs = recorder;
        if (runs == null) {
            throw new IllegalStateException("this process is no worker");
        }
        runs.run(kind, occurrence, group, duration);
    }

    private static void fired(Kind kind, JobExecutionContext context, String group, Duration duration) {
        String slot = String.valueOf(plannedTime(context));
        try {
            work(kind, slot, group.isEmpty() ? kind + "@" + slot : group, duration);
        } catch (InterruptedException told) {
            Thread.currentThread().interrupt();
        }
    }

    @SuppressWarnings("JavaUtilDate")
    private static Instant plannedTime(JobExecutionContext context) {
        String original = context.getTrigger()
                .getJobDataMap()
                .getString(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_SCHEDULED_FIRETIME_IN_MILLISECONDS);
        return original == null
                ? CurrentRun.find()
                        .flatMap(run -> run.identity().run())
                        .flatMap(run -> instantIn(run.value()))
                        .orElse(context.getScheduledFireTime().toInstant())
                : Instant.ofEpochMilli(Long.parseLong(original));
    }

    /** A retried firing carries its planned time in its run key. */
    private static Optional<Instant> instantIn(String runKey) {
        int at = runKey.lastIndexOf('@');
        try {
            return Optional.of(Instant.parse(runKey.substring(at + 1)));
        } catch (DateTimeParseException other) {
            return Optional.empty();
        }
    }

    /** A short job, fired each second on every replica. */
    @Guarded(onConflict = OnConflict.RESCHEDULE)
    public static final class Tick implements Job {
        /** Created by Quartz. */
        public Tick() {}

        @Override
        public void execute(JobExecutionContext context) {
            fired(Kind.TICK, context, "", Duration.ofMillis(100));
        }
    }

    /** A job that must not overlap with itself anywhere. */
    @DisallowConcurrentExecution
    @Guarded(onConflict = OnConflict.RESCHEDULE)
    public static final class Report implements Job {
        /** Created by Quartz. */
        public Report() {}

        @Override
        public void execute(JobExecutionContext context) {
            fired(Kind.REPORT, context, "report", Duration.ofMillis(1200));
        }
    }

    /** A long job of a JDBC cluster, which the cluster runs again if its node seems to have died. Its firings may overlap. */
    @Guarded(concurrency = 3, onConflict = OnConflict.RESCHEDULE)
    public static final class Settle implements Job {
        /** Created by Quartz. */
        public Settle() {}

        @Override
        public void execute(JobExecutionContext context) {
            fired(Kind.CLUSTER, context, "", lasting(Duration.ofSeconds(3)));
        }
    }

    /** Jobs of the JobRunr queue. */
    public static final class Queue {
        /** Created by JobRunr. */
        public Queue() {}

        /**
         * Processes an order; the shop may have queued it twice.
         *
         * @param number the order
         * @throws InterruptedException if asked to stop
         */
        @Guarded(once = "order/%0")
        public void order(int number) throws InterruptedException {
            work(Kind.ORDER, "order-" + number, "order-" + number, Duration.ofMillis(300));
        }

        /**
         * Moves money for several times the ttl of a lease.
         *
         * @param account only one transfer of an account may run at a time
         * @param number the transfer
         * @throws InterruptedException if asked to stop
         */
        @Guarded(key = "account/%0")
        public void transfer(int account, int number) throws InterruptedException {
            work(Kind.TRANSFER, account + "-" + number, "account-" + account, lasting(Duration.ofMillis(4500)));
        }
    }
}
