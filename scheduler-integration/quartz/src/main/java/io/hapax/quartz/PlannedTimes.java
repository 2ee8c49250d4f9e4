package io.hapax.quartz;

import java.util.Date;
import org.jspecify.annotations.Nullable;
import org.quartz.Calendar;
import org.quartz.DailyTimeIntervalTrigger;
import org.quartz.Trigger;
import org.quartz.impl.triggers.DailyTimeIntervalTriggerImpl;

/**
 * The times for which a schedule plans its firings, without those that a calendar excludes: finds the one that a firing stands
 * for.
 *
 * <p>A misfired trigger reports the instant at which this replica noticed the misfire, which is a different one on each
 * replica; the planned time before it is the same on all.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class PlannedTimes {

    /** A schedule that takes no notice of a calendar. */
    interface Schedule {
        /** The first time after another one, or a second after it; null if there is none. */
        @Nullable
        Date after(Date time);
    }

    private static final long SECOND = 1000;
    private static final long FURTHEST = 4000L * 24 * 3600 * SECOND;
    /** So many times in a row that a calendar excludes, although it says that it does not, and it is left alone. */
    private static final int MOST_EXCLUDED = 20_000;

    private static final int EXCLUDED_ONE_BY_ONE = 100;

    private final Schedule schedule;
    private final @Nullable Calendar calendar;
    private final long limit;

    private PlannedTimes(Schedule schedule, @Nullable Calendar calendar, long limit) {
        this.schedule = schedule;
        this.calendar = calendar;
        this.limit = limit;
    }

    /** The schedule of a trigger that goes on for ever, from its start. */
    static Schedule of(Trigger trigger) {
        if (trigger instanceof DailyTimeIntervalTriggerImpl daily) {
            // It stops counting when it has fired often enough.
            DailyTimeIntervalTriggerImpl unfired = (DailyTimeIntervalTriggerImpl) daily.clone();
            unfired.setTimesTriggered(0);
            unfired.setRepeatCount(DailyTimeIntervalTrigger.REPEAT_INDEFINITELY);
            return unfired::getFireTimeAfter;
        }
        return trigger::getFireTimeAfter;
    }

    /** Whether a trigger stops firing some day by itself. */
    static boolean endsByItself(Trigger trigger, Date now) {
        boolean counts = trigger instanceof DailyTimeIntervalTrigger daily
                && daily.getRepeatCount() != DailyTimeIntervalTrigger.REPEAT_INDEFINITELY;
        return counts || trigger.getFireTimeAfter(new Date(now.getTime() + FURTHEST)) == null;
    }

    /** The last planned time at or before a firing; the firing's own time if there is none. */
    static Date atOrBefore(Schedule schedule, @Nullable Calendar calendar, Date firing) {
        Date planned = new PlannedTimes(schedule, calendar, firing.getTime()).last();
        if (planned == null && calendar != null) {
            planned = new PlannedTimes(schedule, null, firing.getTime()).last();
        }
        return planned == null ? firing : planned;
    }

    /** Schedules only tell what is next, so this looks for the last time whose successor is too late. */
    private @Nullable Date last() {
        long step = SECOND;
        Date last = dueAfter(limit - step);
        while (last == null) {
            step *= 2;
            if (step > FURTHEST) {
                return null;
            }
            last = dueAfter(limit - step);
        }
        long nothingAfter = step == SECOND ? limit : limit - step / 2;
        for (Date next = dueAfter(last.getTime()); next != null; next = dueAfter(last.getTime())) {
            long middle = next.getTime() + (nothingAfter - next.getTime()) / 2;
            Date later = dueAfter(middle);
            last = later == null ? next : later;
            nothingAfter = later == null ? Math.max(middle, next.getTime()) : nothingAfter;
        }
        return last;
    }

    private @Nullable Date dueAfter(long time) {
        Date next = schedule.after(new Date(time));
        for (int excluded = 0; next != null && next.getTime() <= limit; excluded++) {
            if (calendar == null || calendar.isTimeIncluded(next.getTime())) {
                return next;
            }
            if (excluded == MOST_EXCLUDED) {
                return null;
            }
            // Quartz looks at one time after the other; calendars are not exact about what comes next where clocks
            // change.
            long included = excluded < EXCLUDED_ONE_BY_ONE ? 0 : calendar.getNextIncludedTime(next.getTime());
            next = schedule.after(new Date(Math.max(included - SECOND, next.getTime())));
        }
        return null;
    }
}
