package io.hapax.quartz;

import java.text.ParseException;
import java.util.Date;
import org.jspecify.annotations.Nullable;
import org.quartz.Calendar;
import org.quartz.CronExpression;
import org.quartz.CronTrigger;

/** Maps the fire time of a cron trigger back to the time in its schedule, whenever the trigger itself was started. */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class CronSlot {

    private static final long SECOND = 1000;

    private CronSlot() {}

    static Date atOrBefore(CronTrigger trigger, Date fireTime) {
        return atOrBefore(trigger, null, fireTime);
    }

    static Date atOrBefore(CronTrigger trigger, @Nullable Calendar calendar, Date fireTime) {
        long second = Math.floorDiv(fireTime.getTime(), SECOND) * SECOND;
        // The usual case, for which the expression need not be read again.
        Date punctual = trigger.getFireTimeAfter(new Date(second - SECOND));
        boolean isIncluded = calendar == null || calendar.isTimeIncluded(second);
        if (isIncluded && punctual != null && punctual.getTime() == second) {
            return punctual;
        }
        try {
            CronExpression expression = new CronExpression(trigger.getCronExpression());
            expression.setTimeZone(trigger.getTimeZone());
            // CronExpression.getTimeBefore is a stub before Quartz 2.5.
            return PlannedTimes.atOrBefore(expression::getNextValidTimeAfter, calendar, new Date(second));
        } catch (ParseException notOfStandardForm) {
            return fireTime;
        }
    }
}
