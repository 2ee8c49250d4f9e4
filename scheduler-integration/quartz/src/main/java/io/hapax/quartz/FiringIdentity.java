package io.hapax.quartz;

import io.hapax.policy.KeyPath;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import org.jspecify.annotations.Nullable;
import org.quartz.CalendarIntervalTrigger;
import org.quartz.CronTrigger;
import org.quartz.DateBuilder.IntervalUnit;
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
 * Quartz's fire instance id, which both differ from replica to replica.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class FiringIdentity {

    static final String MANUAL_TRIGGER = "MT_";

    private FiringIdentity() {}

    /** @param chosen the run key that the job chooses, filled in; null if it chooses none */
    static String runKey(JobExecutionContext context, String scheduler, @Nullable String chosen) {
        String retried = RetryTriggers.runKey(context.getTrigger());
        if (retried != null) {
            return retried;
        }
        JobKey job = context.getJobDetail().getKey();
        String prefix = KeyPath.of(scheduler, job.getGroup(), job.getName()) + "/";
        if (chosen != null) {
            return KeyPath.bounded(prefix + "@" + KeyPath.escaped(chosen));
        }
        TriggerKey trigger = triggerKey(context);
        return KeyPath.bounded(prefix + KeyPath.of(trigger.getGroup(), trigger.getName()) + time(context, trigger));
    }

    private static TriggerKey triggerKey(JobExecutionContext context) {
        return context.isRecovering()
                ? context.getRecoveringTriggerKey()
                : context.getTrigger().getKey();
    }

    private static String time(JobExecutionContext context, TriggerKey key) {
        if (key.getName().startsWith(MANUAL_TRIGGER)) {
            // Scheduler.triggerJob: the name is unique and the time carries no meaning.
            return "";
        }
        if (context.isRecovering()) {
            return recoveredTime(context, key);
        }
        Date fireTime = context.getScheduledFireTime();
        return plannedTime(context.getTrigger(), fireTime == null ? context.getFireTime() : fireTime);
    }

    private static String recoveredTime(JobExecutionContext context, TriggerKey key) {
        JobDataMap data = context.getTrigger().getJobDataMap();
        String planned = data.getString(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_SCHEDULED_FIRETIME_IN_MILLISECONDS);
        Date fireTime = planned == null ? context.getFireTime() : new Date(Long.parseLong(planned));
        Trigger original = lookUp(context.getScheduler(), key);
        return original == null ? at(fireTime) : plannedTime(original, fireTime);
    }

    private static @Nullable Trigger lookUp(Scheduler scheduler, TriggerKey key) {
        try {
            return scheduler.getTrigger(key);
        } catch (SchedulerException gone) {
            return null;
        }
    }

    private static String plannedTime(Trigger trigger, Date fireTime) {
        if (trigger instanceof CronTrigger cron) {
            return at(CronSlot.atOrBefore(cron, fireTime));
        }
        if (trigger instanceof SimpleTrigger simple && simple.getRepeatCount() == 0) {
            return at(simple.getStartTime());
        }
        Duration interval = floatingInterval(trigger);
        return interval == null ? at(fireTime) : within(interval, fireTime);
    }

    private static String at(Date time) {
        return "@" + time.toInstant();
    }

    /**
     * Each replica may have started to count at another instant, but each fires exactly once in every interval of the
     * calendar; so the interval is what they have in common.
     */
    private static String within(Duration interval, Date fireTime) {
        long length = interval.toMillis();
        return at(Date.from(Instant.ofEpochMilli(Math.floorDiv(fireTime.getTime(), length) * length))) + "/" + interval;
    }

    /** The interval of a trigger that repeats for ever from a start which may be another on each replica. */
    static @Nullable Duration floatingInterval(Trigger trigger) {
        if (trigger instanceof SimpleTrigger simple
                && simple.getRepeatCount() == SimpleTrigger.REPEAT_INDEFINITELY
                && simple.getRepeatInterval() > 0) {
            return Duration.ofMillis(simple.getRepeatInterval());
        }
        if (trigger instanceof CalendarIntervalTrigger calendar && calendar.getRepeatInterval() > 0) {
            return unit(calendar.getRepeatIntervalUnit(), calendar.getRepeatInterval());
        }
        return null;
    }

    private static @Nullable Duration unit(IntervalUnit unit, int count) {
        // Days and longer units are not all of one length.
        return switch (unit) {
            case MILLISECOND -> Duration.ofMillis(count);
            case SECOND -> Duration.ofSeconds(count);
            case MINUTE -> Duration.ofMinutes(count);
            case HOUR -> Duration.ofHours(count);
            default -> null;
        };
    }
}
