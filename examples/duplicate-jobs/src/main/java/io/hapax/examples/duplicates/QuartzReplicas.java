package io.hapax.examples.duplicates;

import io.hapax.JobGuard;
import io.hapax.quartz.HapaxPlugin;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.quartz.CronScheduleBuilder;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;
import org.quartz.impl.SchedulerRepository;
import org.quartz.impl.StdSchedulerFactory;

/**
 * Three replicas of an application, each with a Quartz scheduler of its own in memory. They know nothing of each other, so each
 * of them fires every trigger: three invoices instead of one. A firing is the same in all of them if scheduler, job, trigger and
 * planned time have the same names, which is the run key.
 */
final class QuartzReplicas implements AutoCloseable {

    private static final String COUNTS = "counts";
    private final List<Scheduler> replicas = new ArrayList<>();

    /** Writes an invoice; counted by the time for which it was planned. */
    public static class InvoiceJob implements Job {

        /** Created by Quartz. */
        public InvoiceJob() {}

        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            try {
                Counts counts = (Counts) context.getScheduler().getContext().get(COUNTS);
                Objects.requireNonNull(counts)
                        .did(context.getScheduledFireTime().toInstant().toString());
            } catch (SchedulerException e) {
                throw new JobExecutionException(e);
            }
        }
    }

    /** Starts a replica; without a guard it runs each firing. */
    void start(@Nullable JobGuard guard, Counts counts) throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", "billing");
        properties.setProperty("org.quartz.threadPool.threadCount", "2");
        Scheduler scheduler = new StdSchedulerFactory(properties).getScheduler();
        // Quartz knows one scheduler of a name in a process; here each is to be a process of its own.
        SchedulerRepository.getInstance().remove(scheduler.getSchedulerName());
        scheduler.getContext().put(COUNTS, counts);
        if (guard != null) {
            HapaxPlugin.install(scheduler, guard);
        }
        scheduler.scheduleJob(
                JobBuilder.newJob(InvoiceJob.class).withIdentity("invoice").build(),
                TriggerBuilder.newTrigger()
                        .withIdentity("each-second")
                        .withSchedule(CronScheduleBuilder.cronSchedule("* * * * * ?"))
                        .build());
        scheduler.start();
        replicas.add(scheduler);
    }

    @Override
    public void close() throws SchedulerException {
        for (Scheduler replica : replicas) {
            replica.shutdown(true);
        }
    }
}
