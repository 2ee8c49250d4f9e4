package io.hapax.quartz;

import io.hapax.policy.KeyPath;
import java.time.Duration;
import java.util.Date;
import org.jspecify.annotations.Nullable;
import org.quartz.Calendar;
import org.quartz.CalendarIntervalTrigger;
import org.quartz.CronTrigger;
import org.quartz.JobDataMap;
import org.quartz.JobExecutionContext;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SimpleTrigger;
import org.quartz.Trigger;
import org.quartz.TriggerKey;

/**
 * Works out the run key of a firing: the same on every replica, and the same for every attempt at one firing.
 *
 * <p>Scheduler, job, trigger and the time for which the firing was planned; never the time at which it happens, nor
 * Quartz's fire instance id, which both differ from replica to replica. Nothing is recognised by a name that users may choose.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class FiringIdentity {

    private final String scheduler;
    private final boolean storeIsShared;
    private final boolean startsAreFixed;
    private final Misfires misfires;

    /**
     * @param storeIsShared whether all replicas read their triggers, and the times for which they are planned, from one
     *     place
     * @param startsAreFixed whether triggers start at the same instant on each replica, unless the job says otherwise
     */
    FiringIdentity(String scheduler, boolean storeIsShared, boolean startsAreFixed, Misfires misfires) {
        this.scheduler = scheduler;
        this.storeIsShared = storeIsShared;
        this.startsAreFixed = startsAreFixed;
        this.misfires = misfires;
    }

    /**
     * A firing and what is known of its trigger.
     *
     * @param trigger null if it was deleted before its firing was recovered
     * @param firstPlanned what was noted when a one-shot missed its time
     */
    private record Firing(
            TriggerKey key,
            @Nullable Trigger trigger,
            @Nullable Calendar calendar,
            Date scheduled,
            @Nullable String firstPlanned) {}

    /** @param chosen the run key that the job chooses, filled in; null if it chooses none */
    String runKey(JobExecutionContext context, @Nullable String chosen) {
        String retried = Kept.of(context).runKey();
        if (retried != null) {
            return retried;
        }
        JobKey job = context.getJobDetail().getKey();
        String prefix = KeyPath.of(scheduler, job.getGroup(), job.getName()) + "/";
        if (chosen != null) {
            return KeyPath.bounded(prefix + "@" + KeyPath.escaped(chosen));
        }
        Firing firing = isRecovery(context.getTrigger()) ? recovered(context) : fired(context);
        String trigger = KeyPath.of(firing.key().getGroup(), firing.key().getName());
        return KeyPath.bounded(prefix + trigger + "@" + occurrence(firing, context.getMergedJobDataMap()));
    }

    Misfires misfires() {
        return misfires;
    }

    /** How long a run stands for its interval of the wall clock; null if it stands for one planned time. */
    @Nullable
    Duration interval(Trigger trigger, JobDataMap data) {
        WallInterval interval = floating(trigger, data);
        return interval == null ? null : interval.length();
    }

    /** Whether Quartz has made a trigger to repeat a firing whose node is gone. */
    static boolean isRecovery(Trigger trigger) {
        return trigger.getKey().getGroup().equals(Scheduler.DEFAULT_RECOVERY_GROUP)
                && trigger.getJobDataMap().containsKey(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_NAME);
    }

    private static Firing fired(JobExecutionContext context) {
        Trigger trigger = context.getTrigger();
        Date planned = context.getScheduledFireTime();
        return new Firing(
                trigger.getKey(),
                trigger,
                context.getCalendar(),
                planned == null ? context.getFireTime() : planned,
                null);
    }

    private static Firing recovered(JobExecutionContext context) {
        JobDataMap data = context.getTrigger().getJobDataMap();
        String firstPlanned = Kept.of(context).firstPlanned();
        TriggerKey key = new TriggerKey(
                data.getString(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_NAME),
                data.getString(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_GROUP));
        String planned = data.getString(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_SCHEDULED_FIRETIME_IN_MILLISECONDS);
        Date scheduled = planned == null ? context.getFireTime() : new Date(Long.parseLong(planned));
        try {
            Trigger found = context.getScheduler().getTrigger(key);
            // What starts later has taken the name since.
            Trigger trigger = found == null || found.getStartTime().after(scheduled) ? null : found;
            String calendar = trigger == null ? null : trigger.getCalendarName();
            return new Firing(
                    key,
                    trigger,
                    calendar == null ? null : context.getScheduler().getCalendar(calendar),
                    scheduled,
                    firstPlanned);
        } catch (SchedulerException unknown) {
            return new Firing(key, null, null, scheduled, firstPlanned);
        }
    }

    private String occurrence(Firing firing, JobDataMap data) {
        Date planned = planned(firing);
        WallInterval interval = firing.trigger() == null ? null : floating(firing.trigger(), data);
        return interval == null ? planned.toInstant().toString() : interval.around(planned);
    }

    private Date planned(Firing firing) {
        Trigger trigger = firing.trigger();
        if (trigger == null) {
            Date first = Misfires.firstPlanned(firing.firstPlanned(), firing.scheduled());
            return first == null ? firing.scheduled() : first;
        }
        if (trigger instanceof CronTrigger cron) {
            return CronSlot.atOrBefore(cron, firing.calendar(), firing.scheduled());
        }
        if (trigger instanceof SimpleTrigger simple) {
            Grid grid = misfires.grid(simple);
            return grid.isOnce() ? grid.start() : onGrid(grid, firing);
        }
        return onGrid(PlannedTimes.of(trigger), firing);
    }

    /** A shared store has planned it for all replicas alike, also when it was misfired. */
    private Date onGrid(PlannedTimes.Schedule schedule, Firing firing) {
        return storeIsShared
                ? firing.scheduled()
                : PlannedTimes.atOrBefore(schedule, firing.calendar(), firing.scheduled());
    }

    private @Nullable WallInterval floating(Trigger trigger, JobDataMap data) {
        boolean counts = trigger instanceof SimpleTrigger || trigger instanceof CalendarIntervalTrigger;
        boolean says = data.containsKey(JobSettings.FIXED_START);
        boolean fixed = says ? JobSettings.flag(JobSettings.FIXED_START, data) : startsAreFixed;
        // Other triggers count from a time of the day.
        return fixed || !(counts || says) ? null : WallInterval.of(trigger, misfires);
    }
}
