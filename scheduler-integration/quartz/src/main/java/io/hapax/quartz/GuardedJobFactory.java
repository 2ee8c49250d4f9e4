package io.hapax.quartz;

import java.util.List;
import java.util.stream.Stream;
import org.quartz.InterruptableJob;
import org.quartz.Job;
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
        Job job = factory.newJob(withoutOurs(bundle), scheduler);
        return job instanceof InterruptableJob interruptable
                ? new GuardedInterruptableJob(interruptable, gate)
                : new GuardedJob(job, gate);
    }

    /** A factory may set each entry of the data as a property of the job, and refuse what the job does not have. */
    private static TriggerFiredBundle withoutOurs(TriggerFiredBundle bundle) {
        OperableTrigger trigger = bundle.getTrigger();
        List<String> ours = Stream.of(trigger.getJobDataMap().getKeys())
                .filter(JobSettings::isWrittenByUs)
                .toList();
        if (ours.isEmpty()) {
            return bundle;
        }
        OperableTrigger shown = (OperableTrigger) trigger.clone();
        ours.forEach(shown.getJobDataMap()::remove);
        return new TriggerFiredBundle(
                bundle.getJobDetail(),
                shown,
                bundle.getCalendar(),
                bundle.isRecovering(),
                bundle.getFireTime(),
                bundle.getScheduledFireTime(),
                bundle.getPrevFireTime(),
                bundle.getNextFireTime());
    }
}
