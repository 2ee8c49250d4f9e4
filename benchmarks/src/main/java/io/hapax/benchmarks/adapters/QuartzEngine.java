package io.hapax.benchmarks.adapters;

import io.hapax.JobGuard;
import io.hapax.benchmarks.harness.QuartzTables;
import io.hapax.quartz.HapaxPlugin;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.Date;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;
import org.quartz.impl.jdbcjobstore.JobStoreTX;
import org.quartz.impl.jdbcjobstore.PostgreSQLDelegate;
import org.quartz.simpl.SimpleThreadPool;

/** Quartz with its jobs in memory, or as a node of a cluster on PostgreSQL; a job of its own for each run. */
final class QuartzEngine implements Engine {

    private final Scheduler scheduler;
    private int jobsSoFar;

    /** A job that does nothing. */
    public static final class NoOp implements Job {

        /** Called by Quartz. */
        public NoOp() {}

        @Override
        public void execute(JobExecutionContext context) {
            Runs.ran();
        }
    }

    private QuartzEngine(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    static QuartzEngine inMemory(int threads, @Nullable JobGuard guard) throws SchedulerException {
        return create(common(threads), guard);
    }

    static QuartzEngine clustered(int threads, @Nullable JobGuard guard, String url, String user, String password)
            throws SchedulerException, SQLException, IOException {
        try (Connection connection = DriverManager.getConnection(url, user, password)) {
            QuartzTables.create(connection);
        }
        Properties properties = common(threads);
        properties.setProperty("org.quartz.scheduler.instanceId", "AUTO");
        properties.setProperty("org.quartz.jobStore.class", JobStoreTX.class.getName());
        properties.setProperty("org.quartz.jobStore.driverDelegateClass", PostgreSQLDelegate.class.getName());
        properties.setProperty("org.quartz.jobStore.dataSource", "bench");
        properties.setProperty("org.quartz.jobStore.useProperties", "true");
        properties.setProperty("org.quartz.jobStore.isClustered", "true");
        properties.setProperty("org.quartz.jobStore.misfireThreshold", "600000");
        properties.setProperty("org.quartz.dataSource.bench.provider", "hikaricp");
        properties.setProperty("org.quartz.dataSource.bench.driver", "org.postgresql.Driver");
        properties.setProperty("org.quartz.dataSource.bench.URL", url);
        properties.setProperty("org.quartz.dataSource.bench.user", user);
        properties.setProperty("org.quartz.dataSource.bench.password", password);
        properties.setProperty("org.quartz.dataSource.bench.maxConnections", "6");
        return create(properties, guard);
    }

    private static Properties common(int threads) {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", "bench");
        properties.setProperty("org.quartz.scheduler.skipUpdateCheck", "true");
        properties.setProperty("org.quartz.threadPool.class", SimpleThreadPool.class.getName());
        properties.setProperty("org.quartz.threadPool.threadCount", Integer.toString(threads));
        return properties;
    }

    private static QuartzEngine create(Properties properties, @Nullable JobGuard guard) throws SchedulerException {
        Scheduler scheduler = new StdSchedulerFactory(properties).getScheduler();
        if (guard != null) {
            var unused = HapaxPlugin.install(scheduler, guard);
        }
        return new QuartzEngine(scheduler);
    }

    @Override
    public void enqueue(int jobs) throws SchedulerException {
        scheduler.standby();
        Date now = Date.from(InstantSource.system().instant());
        for (int n = 0; n < jobs; n++) {
            String name = "once-" + jobsSoFar++;
            var unused = scheduler.scheduleJob(
                    JobBuilder.newJob(NoOp.class).withIdentity(name).build(),
                    TriggerBuilder.newTrigger().withIdentity(name).startAt(now).build());
        }
    }

    @Override
    public void run() throws SchedulerException, InterruptedException {
        scheduler.start();
        Runs.await();
        // The end of the last job is noted after it.
        Thread.sleep(300);
    }

    @Override
    public void rest() throws SchedulerException {
        scheduler.standby();
    }

    @Override
    public void close() throws SchedulerException {
        scheduler.shutdown(true);
    }
}
