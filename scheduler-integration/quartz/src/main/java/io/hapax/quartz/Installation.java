package io.hapax.quartz;

import org.quartz.ListenerManager;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The guard's parts in one scheduler, ready to be put in place without failing. */
final class Installation {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");

    private final Scheduler scheduler;
    private final SchedulerCore core;
    private final Gate gate;
    private final ListenerManager listeners;
    private final TriggerAdvice advice;

    Installation(Scheduler scheduler, SchedulerCore core, Gate gate) throws SchedulerException {
        this.scheduler = scheduler;
        this.core = core;
        this.gate = gate;
        this.listeners = scheduler.getListenerManager();
        this.advice = new TriggerAdvice(scheduler.getMetaData().isJobStoreClustered());
    }

    void start() {
        // Spring, Quarkus and others set their job factory after plugins are initialised, but before they are started.
        core.wrap(gate);
        listeners.addTriggerListener(new ClaimListener(core, gate));
        listeners.addJobListener(new VetoListener());
        listeners.addSchedulerListener(advice);
        try {
            advice.lookAt(scheduler);
        } catch (SchedulerException | RuntimeException harmless) {
            LOG.debug("triggers could not be looked at", harmless);
        }
    }
}
