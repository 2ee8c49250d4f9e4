package io.hapax.quartz;

import java.time.Duration;
import java.time.Instant;
import java.util.Properties;
import java.util.function.Predicate;
import org.quartz.Job;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.simpl.PropertySettingJobFactory;
import org.quartz.spi.TriggerFiredBundle;

/** Lets a replica come late: it makes no job before the other replicas are as far as the test wants them. */
public final class LateFactory extends PropertySettingJobFactory {

    private static final String CONDITION = "late until";

    /** Makes a replica late; the condition is asked with the planned time of each firing. */
    static Scheduler replica(Fleet fleet, String name, Predicate<Instant> until) throws SchedulerException {
        Properties late = new Properties();
        late.setProperty("org.quartz.scheduler.jobFactory.class", LateFactory.class.getName());
        Scheduler scheduler = fleet.replica(name, late);
        scheduler.getContext().put(CONDITION, until);
        return scheduler;
    }

    @Override
    @SuppressWarnings("unchecked")
    public Job newJob(TriggerFiredBundle bundle, Scheduler scheduler) throws SchedulerException {
        Predicate<Instant> until = (Predicate<Instant>) scheduler.getContext().get(CONDITION);
        Instant planned = bundle.getScheduledFireTime().toInstant();
        Fleet.await().atMost(Duration.ofSeconds(40)).until(() -> until.test(planned));
        return super.newJob(bundle, scheduler);
    }
}
