package io.hapax.quartz;

import io.hapax.quartz.GeneratedTriggersTest.GeneratedJob;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import org.jspecify.annotations.Nullable;
import org.quartz.Calendar;
import org.quartz.JobBuilder;
import org.quartz.JobDataMap;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SimpleTrigger;
import org.quartz.Trigger;
import org.quartz.impl.JobExecutionContextImpl;
import org.quartz.impl.triggers.SimpleTriggerImpl;
import org.quartz.spi.OperableTrigger;
import org.quartz.spi.TriggerFiredBundle;

/** Does to a trigger what a scheduler does to it, at times of the test's choice. */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class SimulatedReplica {

    private static final JobDetail JOB =
            JobBuilder.newJob(GeneratedJob.class).withIdentity("job").build();

    private final OperableTrigger trigger;
    private final @Nullable Calendar calendar;
    private final boolean storeIsShared;
    private final Misfires misfires;
    private final FiringIdentity identities;
    private Instant now = Instant.EPOCH;

    SimulatedReplica(
            OperableTrigger trigger, @Nullable Calendar calendar, long next, boolean storeIsShared, boolean fixed) {
        this.trigger = (OperableTrigger) trigger.clone();
        this.calendar = calendar;
        this.storeIsShared = storeIsShared;
        this.misfires = new Misfires(storeIsShared, clock());
        this.identities = new FiringIdentity("fleet", storeIsShared, fixed, misfires);
        this.trigger.setNextFireTime(new Date(next));
    }

    private InstantSource clock() {
        return () -> now;
    }

    /** Fires, and returns the run key. */
    String fire(long scheduled) {
        return runKey(trigger, null, scheduled);
    }

    /** The time after the one that is due; null if there is none. */
    @Nullable
    Long next() {
        trigger.triggered(calendar);
        Date next = trigger.getNextFireTime();
        return next == null ? null : next.getTime();
    }

    /** Misses the time that is due, as job stores do, but at an instant of the test's choice; returns what is scheduled. */
    long misfire(long noticed) {
        now = Instant.ofEpochMilli(noticed);
        // A store in memory shows a copy.
        misfires.noticed(storeIsShared ? trigger : (Trigger) trigger.clone());
        if (trigger instanceof SimpleTriggerImpl simple && movesStart(simple)) {
            if (simple.getRepeatCount() > 0) {
                simple.setRepeatCount(simple.getRepeatCount() - simple.getTimesTriggered());
                simple.setTimesTriggered(0);
            }
            simple.setStartTime(new Date(noticed));
        }
        trigger.setNextFireTime(new Date(noticed));
        return noticed;
    }

    private static boolean movesStart(SimpleTrigger simple) {
        return simple.getRepeatCount() != 0
                || simple.getMisfireInstruction()
                        == SimpleTrigger.MISFIRE_INSTRUCTION_RESCHEDULE_NOW_WITH_EXISTING_REPEAT_COUNT;
    }

    /** Another node repeats a firing whose node is gone, perhaps when its trigger is gone, too. */
    String recover(long scheduled, boolean isGone) {
        SimpleTriggerImpl recovery = new SimpleTriggerImpl();
        recovery.setName("recover_node_1");
        recovery.setGroup(Scheduler.DEFAULT_RECOVERY_GROUP);
        recovery.setStartTime(new Date(scheduled));
        JobDataMap data = new JobDataMap(trigger.getJobDataMap());
        data.put(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_NAME, trigger.getKey().getName());
        data.put(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_GROUP, trigger.getKey().getGroup());
        data.put(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_SCHEDULED_FIRETIME_IN_MILLISECONDS, String.valueOf(scheduled));
        recovery.setJobDataMap(data);
        return runKey(recovery, store(isGone ? null : trigger), scheduled + 60_000);
    }

    private Scheduler store(@Nullable Trigger kept) {
        return (Scheduler) Proxy.newProxyInstance(
                Scheduler.class.getClassLoader(),
                new Class<?>[] {Scheduler.class},
                (proxy, method, arguments) -> method.getName().equals("getTrigger") ? kept : calendar);
    }

    private String runKey(OperableTrigger fired, @Nullable Scheduler scheduler, long scheduled) {
        Date time = new Date(scheduled);
        JobExecutionContext context = new JobExecutionContextImpl(
                scheduler,
                new TriggerFiredBundle(
                        JOB, fired, scheduler == null ? calendar : null, scheduler != null, time, time, null, null),
                new GeneratedJob());
        return identities.runKey(context, null);
    }
}
