package io.hapax.quartz;

import java.text.ParseException;
import java.util.Date;
import org.quartz.CronExpression;
import org.quartz.CronTrigger;

/**
 * Maps the fire time of a cron trigger back to the time in its schedule.
 *
 * <p>A misfired trigger reports the instant at which this replica noticed the misfire, which is a different one on each
 * replica.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class CronSlot {

    private static final long SECOND = 1000;
    private static final long FURTHEST = 400L * 24 * 3600 * SECOND * 10;

    private CronSlot() {}

    static Date atOrBefore(CronTrigger trigger, Date fireTime) {
        try {
            CronExpression expression = new CronExpression(trigger.getCronExpression());
            expression.setTimeZone(trigger.getTimeZone());
            return atOrBefore(expression, fireTime);
        } catch (ParseException notOfStandardForm) {
            return fireTime;
        }
    }

    private static Date atOrBefore(CronExpression expression, Date fireTime) {
        long second = Math.floorDiv(fireTime.getTime(), SECOND) * SECOND;
        if (expression.isSatisfiedBy(new Date(second))) {
            return new Date(second);
        }
        // CronExpression.getTimeBefore is a stub before Quartz 2.5, so look for the last time whose successor is due.
        long step = SECOND;
        while (!isDueAfter(expression, second - step, second)) {
            step *= 2;
            if (step > FURTHEST) {
                return fireTime;
            }
        }
        long due = second - step;
        long notDue = second - step / 2;
        while (notDue - due > SECOND) {
            long middle = due + (notDue - due) / (2 * SECOND) * SECOND;
            if (isDueAfter(expression, middle, second)) {
                due = middle;
            } else {
                notDue = middle;
            }
        }
        return expression.getNextValidTimeAfter(new Date(due));
    }

    private static boolean isDueAfter(CronExpression expression, long time, long limit) {
        Date next = expression.getNextValidTimeAfter(new Date(time));
        return next != null && next.getTime() <= limit;
    }
}
