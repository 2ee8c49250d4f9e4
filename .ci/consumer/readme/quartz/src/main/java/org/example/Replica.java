package org.example;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.quartz.CronScheduleBuilder;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;

/** A replica with a job each second. Arguments: the file with the settings, how many seconds, the file to count in. */
public final class Replica {

    private static volatile Path counts;

    public static void main(String[] args) throws Exception {
        counts = Path.of(args[2]);
        Scheduler scheduler = new StdSchedulerFactory(args[0]).getScheduler();
        scheduler.scheduleJob(
                JobBuilder.newJob(Tick.class).withIdentity("tick").build(),
                TriggerBuilder.newTrigger()
                        .withIdentity("each-second")
                        .withSchedule(CronScheduleBuilder.cronSchedule("* * * * * ?"))
                        .build());
        scheduler.start();
        Thread.sleep(Long.parseLong(args[1]) * 1_000);
        scheduler.shutdown(true);
        System.exit(0);
    }

    /** Writes for when it was planned. */
    public static final class Tick implements Job {
        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            try {
                Files.writeString(
                        counts,
                        context.getScheduledFireTime().getTime() + "\n",
                        StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new JobExecutionException(e);
            }
        }
    }
}
