package io.hapax.quartz;

import io.hapax.lease.VisibleText;
import org.quartz.JobExecutionContext;
import org.quartz.Trigger;
import org.quartz.listeners.TriggerListenerSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the lease before a job counts as executed, so that a refused firing is vetoed and not seen by job listeners.
 *
 * <p>The lease is not renewed before the job starts: if another listener spoils the firing, it lapses by itself.
 */
final class ClaimListener extends TriggerListenerSupport {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");

    private final SchedulerCore core;
    private final Gate gate;
    private final Misfires misfires;

    ClaimListener(SchedulerCore core, Gate gate, Misfires misfires) {
        this.core = core;
        this.gate = gate;
        this.misfires = misfires;
    }

    @Override
    public String getName() {
        return HapaxPlugin.NAME;
    }

    @Override
    public boolean vetoJobExecution(Trigger trigger, JobExecutionContext context) {
        // Whatever a listener throws leaves the job stuck in Quartz, so nothing may get out of here.
        try {
            return context.getJobInstance() instanceof GuardedJob ? isRefused(context) : isTampered(context);
        } catch (Throwable e) {
            LOG.error("job {} is not run: the guard failed", JobSettings.name(context.getJobDetail()), e);
            return true;
        }
    }

    @Override
    public void triggerMisfired(Trigger trigger) {
        try {
            misfires.noticed(trigger);
        } catch (Throwable e) {
            LOG.error(
                    "trigger {} has missed its time, and other replicas may make up for it, too",
                    VisibleText.of(trigger.getKey().toString()),
                    e);
        }
    }

    private boolean isRefused(JobExecutionContext context) {
        // What an earlier job left behind must not refuse this one.
        GuardedJob.clearInterrupt(context);
        Decision decision = gate.decide(context, false);
        if (decision instanceof Decision.Skip skip) {
            LOG.debug("vetoed: {}", skip.reason());
            return true;
        }
        Gate.leave(context, decision);
        return false;
    }

    private boolean isTampered(JobExecutionContext context) {
        if (!gate.guards(context)) {
            return false;
        }
        LOG.error(
                "the job factory was replaced after the scheduler had started, so job {} came without its guard; it is tried again under the guard. Set job factories before Scheduler.start()",
                JobSettings.name(context.getJobDetail()));
        if (!core.isWrapped()) {
            core.wrap(gate);
        }
        gate.retryUnguarded(context);
        return true;
    }
}
