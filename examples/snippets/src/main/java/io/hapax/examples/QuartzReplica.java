package io.hapax.examples;

import static org.quartz.CronScheduleBuilder.cronSchedule;
import static org.quartz.JobBuilder.newJob;
import static org.quartz.TriggerBuilder.newTrigger;

import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Properties;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.impl.StdSchedulerFactory;

/** A Quartz application that is guarded by two lines of its quartz.properties. */
public final class QuartzReplica {

    /** The planned times that this process has run. */
    static final Queue<Instant> RUNS = new ConcurrentLinkedQueue<>();

    private QuartzReplica() {}

    /** The application's job: nothing in it knows of the guard. */
    public static final class Invoicing implements Job {
        /** Created by Quartz. */
        public Invoicing() {}

        @Override
        public void execute(JobExecutionContext context) {
            RUNS.add(context.getScheduledFireTime().toInstant());
        }
    }

    /**
     * Starts a replica.
     *
     * @param changes properties that differ from quartz.properties
     * @return the scheduler, started
     * @throws SchedulerException if it cannot be started
     * @throws IOException if quartz.properties cannot be read
     */
    public static Scheduler start(Properties changes) throws SchedulerException, IOException {
        Properties properties = new Properties();
        try (InputStream in = QuartzReplica.class.getResourceAsStream("/quartz.properties")) {
            properties.load(in);
        }
        properties.putAll(changes);
        Scheduler scheduler = new StdSchedulerFactory(properties).getScheduler();
        scheduler.scheduleJob(
                newJob(Invoicing.class).withIdentity("invoicing").build(),
                newTrigger()
                        .withIdentity("each-second")
                        .withSchedule(cronSchedule("* * * * * ?"))
                        .build());
        scheduler.start();
        return scheduler;
    }
}
