package io.hapax.quartz;

import org.quartz.InterruptableJob;
import org.quartz.UnableToInterruptJobException;

/** A guarded job that can be interrupted through the scheduler. */
final class GuardedInterruptableJob extends GuardedJob implements InterruptableJob {

    private final InterruptableJob job;

    GuardedInterruptableJob(InterruptableJob job, Gate gate, Kept kept) {
        super(job, gate, kept);
        this.job = job;
    }

    @Override
    public void interrupt() throws UnableToInterruptJobException {
        if (!stopWaiting()) {
            job.interrupt();
        }
    }
}
