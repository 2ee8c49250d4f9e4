package io.hapax.quartz;

import org.quartz.InterruptableJob;
import org.quartz.Job;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.spi.JobFactory;
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
        Job job = factory.newJob(bundle, scheduler);
        return job instanceof InterruptableJob interruptable
                ? new GuardedInterruptableJob(interruptable, gate)
                : new GuardedJob(job, gate);
    }
}
