package io.hapax.benchmarks.faults.work;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Properties;
import javax.sql.DataSource;
import org.quartz.CronScheduleBuilder;
import org.quartz.DisallowConcurrentExecution;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;
import org.quartz.utils.ConnectionProvider;
import org.quartz.utils.DBConnectionManager;

/**
 * Quartz with a clustered JDBC store: nodes that miss their check-ins are taken for dead and their jobs recovered. A lock key
 * is a job that must not run concurrently, an occurrence a trigger of it.
 */
final class QuartzCluster implements Guarding {

    private static final String SOURCE = "faults";
    private static final String WORK = "work";
    private static final String ID = "id";
    /** A node is taken for dead after this and another 7.5 s; the default is 7.5 s. */
    private static final String CHECK_IN_MILLIS = "1000";

    private final Scheduler scheduler;

    QuartzCluster(Settings settings, DataSource database, Work work) throws SchedulerException {
        this.scheduler = scheduler(settings.worker(), settings.contender().endsWith("within-lock"), database);
        scheduler.getContext().put(WORK, work);
    }

    private static Scheduler scheduler(String worker, boolean withinLock, DataSource database)
            throws SchedulerException {
        DBConnectionManager.getInstance().addConnectionProvider(SOURCE, new Pooled(database));
        Properties properties = new Properties();
        String store = "org.quartz.jobStore.";
        properties.setProperty("org.quartz.scheduler.instanceName", "cluster");
        properties.setProperty("org.quartz.scheduler.instanceId", worker + "-" + System.nanoTime());
        properties.setProperty("org.quartz.threadPool.threadCount", "8");
        properties.setProperty(store + "class", "org.quartz.impl.jdbcjobstore.JobStoreTX");
        properties.setProperty(store + "driverDelegateClass", "org.quartz.impl.jdbcjobstore.PostgreSQLDelegate");
        properties.setProperty(store + "dataSource", SOURCE);
        properties.setProperty(store + "isClustered", "true");
        properties.setProperty(store + "clusterCheckinInterval", CHECK_IN_MILLIS);
        if (withinLock) {
            properties.setProperty(store + "acquireTriggersWithinLock", "true");
        }
        return new StdSchedulerFactory(properties).getScheduler();
    }

    @Override
    public Answer attempt(Occurrence occurrence) throws SchedulerException {
        JobKey key = new JobKey(occurrence.key());
        if (!scheduler.checkExists(key)) {
            scheduler.addJob(job(key), true);
        }
        scheduler.scheduleJob(TriggerBuilder.newTrigger()
                .withIdentity(occurrence.id())
                .usingJobData(ID, occurrence.id())
                .forJob(key)
                .build());
        return Answer.SETTLED;
    }

    private static JobDetail job(JobKey key) {
        return JobBuilder.newJob(Step.class)
                .withIdentity(key)
                .storeDurably()
                .requestRecovery()
                .build();
    }

    @Override
    public void start() throws SchedulerException {
        JobKey tick = new JobKey("tick");
        try {
            scheduler.scheduleJob(
                    job(tick),
                    TriggerBuilder.newTrigger()
                            .withIdentity("each-second")
                            .withSchedule(CronScheduleBuilder.cronSchedule("* * * * * ?"))
                            .build());
        } catch (org.quartz.ObjectAlreadyExistsException anotherNodeWasFaster) {
            // The store is shared.
        }
        scheduler.start();
    }

    @Override
    public void close() throws SchedulerException {
        scheduler.shutdown(true);
    }

    /** A firing of the cluster. */
    @DisallowConcurrentExecution
    public static final class Step implements Job {
        /** Created by Quartz. */
        public Step() {}

        @Override
        @SuppressWarnings("JavaUtilDate")
        public void execute(JobExecutionContext context) throws JobExecutionException {
            try {
                Work work = (Work) Objects.requireNonNull(
                        context.getScheduler().getContext().get(WORK));
                String id = context.getMergedJobDataMap().getString(ID);
                String key = context.getJobDetail().getKey().getName();
                work.perform(
                        id == null ? Occurrence.tick(planned(context) / 1_000) : Occurrence.of(id, key), Held.NOTHING);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (Exception e) {
                throw Refiring.of(e, context);
            }
        }

        @SuppressWarnings("JavaUtilDate")
        private static long planned(JobExecutionContext context) {
            String original = context.getTrigger()
                    .getJobDataMap()
                    .getString(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_SCHEDULED_FIRETIME_IN_MILLISECONDS);
            return original == null ? context.getScheduledFireTime().getTime() : Long.parseLong(original);
        }
    }

    /** Lets Quartz use the worker's pool. */
    private record Pooled(DataSource database) implements ConnectionProvider {
        @Override
        public Connection getConnection() throws SQLException {
            return database.getConnection();
        }

        @Override
        public void shutdown() {}

        @Override
        public void initialize() {}
    }
}
