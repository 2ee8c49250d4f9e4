package io.hapax.quartz;

import java.util.stream.Stream;
import org.quartz.InterruptableJob;
import org.quartz.Job;
import org.quartz.JobDataMap;
import org.quartz.JobDetail;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.spi.JobFactory;
import org.quartz.spi.OperableTrigger;
import org.quartz.spi.TriggerFiredBundle;

/** Wraps the jobs that another factory makes. Runs on the scheduler's thread, so it does nothing else. */
final class GuardedJobFactory implements JobFactory {

    private final JobFactory factory;
    private final Gate gate;

    GuardedJobFactory(JobFactory factory, Gate gate) {
        this.factory = factory;
        this.gate = gate;
    }

    @Override
    public Job newJob(TriggerFiredBundle bundle, Scheduler scheduler) throws SchedulerException {
        // Quartz makes the job's context of the same trigger later.
        Kept kept = Kept.takeOff(bundle.getTrigger());
        Job job = factory.newJob(withoutSettings(bundle), scheduler);
        return job instanceof InterruptableJob interruptable
                ? new GuardedInterruptableJob(interruptable, gate, kept)
                : new GuardedJob(job, gate, kept);
    }

    /** A factory may set each entry of the data as a property of the job, and refuse what the job does not have. */
    private static TriggerFiredBundle withoutSettings(TriggerFiredBundle bundle) {
        if (!hasSettings(bundle.getTrigger().getJobDataMap())
                && !hasSettings(bundle.getJobDetail().getJobDataMap())) {
            return bundle;
        }
        OperableTrigger trigger = (OperableTrigger) bundle.getTrigger().clone();
        JobDetail job = (JobDetail) bundle.getJobDetail().clone();
        removeSettings(trigger.getJobDataMap());
        removeSettings(job.getJobDataMap());
        return new TriggerFiredBundle(
                job,
                trigger,
                bundle.getCalendar(),
                bundle.isRecovering(),
                bundle.getFireTime(),
                bundle.getScheduledFireTime(),
                bundle.getPrevFireTime(),
                bundle.getNextFireTime());
    }

    private static boolean hasSettings(JobDataMap data) {
        return Stream.of(data.getKeys()).anyMatch(GuardedJobFactory::isSetting);
    }

    private static void removeSettings(JobDataMap data) {
        Stream.of(data.getKeys()).filter(GuardedJobFactory::isSetting).forEach(data::remove);
    }

    private static boolean isSetting(String key) {
        return key.startsWith(JobSettings.PREFIX);
    }
}
