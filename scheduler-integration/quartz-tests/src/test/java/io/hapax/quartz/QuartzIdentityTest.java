package io.hapax.quartz;

import io.hapax.quartz.GeneratedTriggersTest.GeneratedJob;
import io.hapax.testkit.IdentityContract;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.TimeZone;
import org.quartz.CronScheduleBuilder;
import org.quartz.JobBuilder;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.impl.JobExecutionContextImpl;
import org.quartz.spi.OperableTrigger;
import org.quartz.spi.TriggerFiredBundle;

/** Firings of cron triggers, which replicas with schedulers of their own fire late. */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
class QuartzIdentityTest extends IdentityContract {

    private static final Instant FIRST = Instant.parse("2026-03-29T00:30:00Z");

    @Override
    protected String runKey(String job, int occurrence, int replica) {
        Instant planned = FIRST.plus(Duration.ofHours(occurrence));
        Instant fired = planned.plusMillis(400L * replica);
        Trigger trigger = TriggerBuilder.newTrigger()
                .withIdentity("hourly")
                .startAt(Date.from(FIRST.minusSeconds(replica + 1L)))
                .withSchedule(CronScheduleBuilder.cronSchedule("0 30 * * * ?").inTimeZone(TimeZone.getTimeZone("UTC")))
                .build();
        TriggerFiredBundle bundle = new TriggerFiredBundle(
                JobBuilder.newJob(GeneratedJob.class).withIdentity(job).build(),
                (OperableTrigger) trigger,
                null,
                false,
                Date.from(fired),
                Date.from(planned),
                null,
                null);
        Misfires misfires = new Misfires(false, () -> fired);
        return new FiringIdentity("fleet", false, false, misfires)
                .runKey(new JobExecutionContextImpl(null, bundle, new GeneratedJob()), null);
    }
}
