package io.hapax.quartz;

import io.hapax.quartz.Probe.PlainJob;
import java.time.Instant;
import java.util.Date;
import org.quartz.CronScheduleBuilder;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;

/** Jobs and triggers of the tests. */
final class Jobs {

    private Jobs() {}

    static JobDetail job(String name) {
        return job(name, PlainJob.class);
    }

    static JobDetail job(String name, Class<? extends Job> type) {
        return JobBuilder.newJob(type).withIdentity(name).storeDurably().build();
    }

    static Trigger everySecond(String name) {
        return TriggerBuilder.newTrigger()
                .withIdentity(name)
                .withSchedule(CronScheduleBuilder.cronSchedule("* * * * * ?"))
                .build();
    }

    static TriggerBuilder<Trigger> once(String name, Instant at) {
        return TriggerBuilder.newTrigger().withIdentity(name).startAt(Date.from(at));
    }

    /** A recurring trigger that is due now and then not again for long. */
    static Trigger nowAndDaily(String name, Instant at) {
        return TriggerBuilder.newTrigger()
                .withIdentity(name)
                .startAt(Date.from(at))
                .withSchedule(SimpleScheduleBuilder.repeatHourlyForever(24))
                .build();
    }
}
