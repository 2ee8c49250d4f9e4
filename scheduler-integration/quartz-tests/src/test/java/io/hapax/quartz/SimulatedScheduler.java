package io.hapax.quartz;

import io.hapax.JobGuard;
import io.hapax.RunOptions;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.JobKey;
import org.quartz.JobPersistenceException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerKey;
import org.quartz.impl.JobExecutionContextImpl;
import org.quartz.simpl.RAMJobStore;
import org.quartz.spi.OperableTrigger;
import org.quartz.spi.SchedulerSignaler;
import org.quartz.spi.TriggerFiredBundle;
import org.quartz.spi.TriggerFiredResult;

/**
 * Does with Quartz's own job store and the adapter's own classes what a scheduler does, at times of the test's choice, which lie
 * after today, so that nothing is ever misfired.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class SimulatedScheduler {

    /** What the adapter might get wrong, as far as it shows at the scheduler. */
    enum Mutant {
        NONE,
        /** A firing that waits does not see that its trigger is paused. */
        SEES_NO_PAUSE,
        /** A firing that waits does not see that its trigger is gone. */
        SEES_NO_END,
        /** A one-shot is not rescheduled, although it says so. */
        LOSES_RETRIES,
        /** A retry is an occurrence of its own. */
        FORGETS_THE_RUN_KEY,
        /** What is kept with triggers is left where jobs see it. */
        SHOWS_WHAT_IS_KEPT
    }

    private final RAMJobStore store = new RAMJobStore();
    private final Map<TriggerKey, Trigger> known = new HashMap<>();
    private final Mutant mutant;
    private final Scheduler scheduler = (Scheduler) Proxy.newProxyInstance(
            Scheduler.class.getClassLoader(),
            new Class<?>[] {Scheduler.class},
            (proxy, method, arguments) -> call(method.getName(), arguments));
    private final String name;
    private final InstantSource clock;
    private final JobGuard guard;
    private final Job job;
    private final Random random;
    private Gate gate;
    private GuardedJobFactory factory;

    SimulatedScheduler(String name, RetryHistory.World world, Job job, Mutant mutant, Random random)
            throws SchedulerException {
        this.mutant = mutant;
        this.name = name;
        this.clock = world.clock();
        this.guard = world.guard();
        this.random = random;
        this.job = job;
        store.initialize(null, signaler());
        this.gate = gate();
        this.factory = new GuardedJobFactory((bundle, owner) -> job, gate);
    }

    private static SchedulerSignaler signaler() {
        return (SchedulerSignaler) Proxy.newProxyInstance(
                Scheduler.class.getClassLoader(),
                new Class<?>[] {SchedulerSignaler.class},
                (proxy, method, arguments) -> null);
    }

    /** The job store outlives the plugin, as one with a database does. */
    void restart() {
        gate = gate();
        factory = new GuardedJobFactory((bundle, owner) -> job, gate);
    }

    private Gate gate() {
        FiringIdentity identities = new FiringIdentity(name, true, true, new Misfires(true, clock));
        JobSettings settings = new JobSettings(name, guard, RunOptions.DEFAULTS, identities);
        return new Gate(
                guard,
                settings,
                new RetryTriggers(Duration.ofMillis(500), 1000, clock, random::nextLong),
                new KeptData(false));
    }

    RAMJobStore store() {
        return store;
    }

    Scheduler scheduler() {
        return scheduler;
    }

    private @Nullable Object call(String method, Object[] arguments) throws SchedulerException {
        return switch (method) {
            case "getTrigger" -> {
                Trigger found = store.retrieveTrigger((TriggerKey) arguments[0]);
                yield found == null && mutant == Mutant.SEES_NO_END ? known.get(arguments[0]) : found;
            }
            case "getTriggerState" ->
                mutant == Mutant.SEES_NO_PAUSE
                        ? Trigger.TriggerState.NORMAL
                        : store.getTriggerState((TriggerKey) arguments[0]);
            case "getCalendar" -> store.retrieveCalendar((String) arguments[0]);
            case "pauseTrigger" -> {
                store.pauseTrigger((TriggerKey) arguments[0]);
                yield null;
            }
            case "scheduleJob" -> schedule((OperableTrigger) arguments[0]);
            case "rescheduleJob" -> retry((TriggerKey) arguments[0], (OperableTrigger) arguments[1]);
            default -> throw new UnsupportedOperationException(method);
        };
    }

    Date schedule(OperableTrigger trigger) throws SchedulerException {
        trigger.validate();
        Date first = Objects.requireNonNull(trigger.computeFirstFireTime(null));
        store.storeTrigger(trigger, false);
        known.put(trigger.getKey(), trigger);
        return first;
    }

    private @Nullable Date retry(TriggerKey key, OperableTrigger trigger) throws SchedulerException {
        boolean isRetry = Kept.of(trigger).runKey() != null;
        if (isRetry && mutant == Mutant.LOSES_RETRIES) {
            return trigger.getStartTime();
        }
        if (isRetry && mutant == Mutant.FORGETS_THE_RUN_KEY) {
            trigger.getJobDataMap().remove("hapax.retry.runKey");
        }
        return reschedule(key, trigger);
    }

    @Nullable
    Date reschedule(TriggerKey key, OperableTrigger trigger) throws SchedulerException {
        Trigger old = store.retrieveTrigger(key);
        if (old == null) {
            return null;
        }
        trigger.setJobKey(old.getJobKey());
        Date first = Objects.requireNonNull(trigger.computeFirstFireTime(null));
        return store.replaceTrigger(key, trigger) ? first : null;
    }

    boolean exists(JobKey key) throws JobPersistenceException {
        return store.checkExists(key);
    }

    /** Fires everything that is due. */
    void fireDue() throws SchedulerException {
        while (true) {
            List<OperableTrigger> acquired =
                    store.acquireNextTriggers(clock.instant().toEpochMilli(), 1, 0);
            if (acquired.isEmpty()) {
                return;
            }
            for (TriggerFiredResult fired : store.triggersFired(acquired)) {
                fire(fired.getTriggerFiredBundle());
            }
        }
    }

    private void fire(TriggerFiredBundle due) throws SchedulerException {
        Instant now = clock.instant();
        TriggerFiredBundle bundle = new TriggerFiredBundle(
                due.getJobDetail(),
                due.getTrigger(),
                due.getCalendar(),
                false,
                Date.from(now),
                due.getScheduledFireTime(),
                due.getPrevFireTime(),
                due.getNextFireTime());
        Job guarded = mutant == Mutant.SHOWS_WHAT_IS_KEPT
                ? new GuardedJob(job, gate, Kept.of(bundle.getTrigger()))
                : factory.newJob(bundle, scheduler);
        JobExecutionContext context = new JobExecutionContextImpl(scheduler, bundle, guarded);
        JobExecutionException failure = null;
        Decision decision = gate.decide(context, false);
        if (!(decision instanceof Decision.Skip)) {
            Gate.leave(context, decision);
            try {
                guarded.execute(context);
            } catch (JobExecutionException failed) {
                failure = failed;
            }
        }
        OperableTrigger trigger = bundle.getTrigger();
        store.triggeredJobComplete(trigger, bundle.getJobDetail(), trigger.executionComplete(context, failure));
    }
}
