package io.hapax.quartz;

import io.hapax.QueueEntry;
import io.hapax.event.Refusal;
import java.util.Optional;
import org.quartz.JobDataMap;
import org.quartz.JobDetail;
import org.quartz.ListenerManager;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The guard's parts in one scheduler, ready to be put in place without failing. */
final class Installation {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");

    private final Scheduler scheduler;
    private final SchedulerCore core;
    private final Gate gate;
    private final ListenerManager listeners;
    private final JobCheck check;
    private final TriggerAdvice advice;
    private final Misfires misfires;
    private final TriggerQueue queue;

    Installation(Scheduler scheduler, SchedulerCore core, Gate gate, FiringIdentity identities)
            throws SchedulerException {
        this.scheduler = scheduler;
        this.core = core;
        this.gate = gate;
        this.listeners = scheduler.getListenerManager();
        this.check = new JobCheck(scheduler, gate);
        this.advice = new TriggerAdvice(scheduler, identities);
        this.misfires = identities.misfires();
        this.queue = new TriggerQueue(scheduler);
    }

    /** @throws IllegalArgumentException if the scheduler has a job whose code is wrong */
    void requireOfAll() {
        check.requireOfAll();
    }

    void start() {
        // Spring, Quarkus and others set their job factory after plugins are initialised, but before they are started.
        core.wrap(gate);
        listeners.addTriggerListener(new ClaimListener(core, gate, misfires));
        listeners.addJobListener(new VetoListener());
        listeners.addSchedulerListener(gate.replacements());
        listeners.addSchedulerListener(misfires);
        listeners.addSchedulerListener(advice);
        listeners.addSchedulerListener(check);
        try {
            // Quartz would go on without the guard if this threw: it tells, and firings fail.
            check.lookAtAll();
            advice.lookAtAll();
        } catch (SchedulerException | RuntimeException harmless) {
            LOG.debug("jobs and triggers could not be looked at", harmless);
        }
    }

    Optional<Refusal> scheduleUnique(JobDetail job, Trigger trigger) throws SchedulerException {
        String id = queue.newId(trigger);
        QueueEntry entry = gate.queued(job, trigger, id).enter(queue);
        if (entry.refusal().isPresent()) {
            return entry.refusal();
        }
        JobDataMap data = new JobDataMap(trigger.getJobDataMap());
        data.put(JobSettings.QUEUED, id);
        try {
            scheduler.scheduleJob(
                    job, trigger.getTriggerBuilder().usingJobData(data).build());
        } catch (SchedulerException | RuntimeException | Error notTaken) {
            entry.failed();
            throw notTaken;
        }
        entry.stored();
        return Optional.empty();
    }
}
