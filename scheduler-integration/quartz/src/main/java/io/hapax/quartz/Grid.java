package io.hapax.quartz;

import java.util.Date;
import org.quartz.SimpleTrigger;

/**
 * From where, and in which steps, a simple trigger counts.
 *
 * @param interval in milliseconds; zero if it fires once
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
record Grid(Date start, long interval) implements PlannedTimes.Schedule {

    static Grid of(SimpleTrigger trigger) {
        return new Grid(trigger.getStartTime(), trigger.getRepeatCount() == 0 ? 0 : trigger.getRepeatInterval());
    }

    boolean isOnce() {
        return interval == 0;
    }

    @Override
    public Date after(Date time) {
        long steps = Math.floorDiv(time.getTime() - start.getTime(), interval) + 1;
        return new Date(start.getTime() + Math.max(steps, 0) * interval);
    }
}
