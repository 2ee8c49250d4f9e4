package io.hapax.quartz;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoField;
import java.util.Date;
import org.jspecify.annotations.Nullable;
import org.quartz.CalendarIntervalTrigger;
import org.quartz.DailyTimeIntervalTrigger;
import org.quartz.DateBuilder.IntervalUnit;
import org.quartz.SimpleTrigger;
import org.quartz.Trigger;

/**
 * The stretch of the wall clock that a firing stands for. Each replica may have started to count at another instant, but each
 * fires once in every such stretch; so that is what they have in common.
 *
 * @param zone where days, weeks, months and years start
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
record WallInterval(IntervalUnit unit, long count, ZoneId zone) {

    private static final long EPOCH_IS_A_THURSDAY = 3;

    /** The interval of a trigger that repeats from its start; null for all others. */
    static @Nullable WallInterval of(Trigger trigger, Misfires misfires) {
        if (trigger instanceof SimpleTrigger simple) {
            long interval = misfires.grid(simple).interval();
            return interval == 0 ? null : new WallInterval(IntervalUnit.MILLISECOND, interval, ZoneOffset.UTC);
        }
        if (trigger instanceof CalendarIntervalTrigger calendar && calendar.getRepeatInterval() > 0) {
            return new WallInterval(
                    calendar.getRepeatIntervalUnit(),
                    calendar.getRepeatInterval(),
                    calendar.getTimeZone().toZoneId());
        }
        if (trigger instanceof DailyTimeIntervalTrigger daily && daily.getRepeatInterval() > 0) {
            return new WallInterval(daily.getRepeatIntervalUnit(), daily.getRepeatInterval(), ZoneOffset.UTC);
        }
        return null;
    }

    /** The stretch around an instant, as part of a key. */
    String around(Date time) {
        return switch (unit) {
            case MILLISECOND, SECOND, MINUTE, HOUR -> {
                long length = length().toMillis();
                yield Instant.ofEpochMilli(Math.floorDiv(time.getTime(), length) * length) + "/" + length();
            }
            case DAY, WEEK -> {
                long days = unit == IntervalUnit.DAY ? count : 7 * count;
                long shift = unit == IntervalUnit.DAY ? 0 : EPOCH_IS_A_THURSDAY;
                long first = Math.floorDiv(date(time).toEpochDay() + shift, days) * days - shift;
                yield LocalDate.ofEpochDay(first) + "/P" + count + (unit == IntervalUnit.DAY ? "D" : "W");
            }
            case MONTH -> {
                long month = date(time).getLong(ChronoField.PROLEPTIC_MONTH);
                yield LocalDate.EPOCH.plusMonths(Math.floorDiv(month, count) * count - 1970 * 12L) + "/P" + count + "M";
            }
            case YEAR -> Math.floorDiv(date(time).getYear(), count) * count + "/P" + count + "Y";
        };
    }

    private LocalDate date(Date time) {
        return LocalDate.ofInstant(time.toInstant(), zone);
    }

    /** How long it is at most. */
    Duration length() {
        return switch (unit) {
            case MILLISECOND -> Duration.ofMillis(count);
            case SECOND -> Duration.ofSeconds(count);
            case MINUTE -> Duration.ofMinutes(count);
            case HOUR -> Duration.ofHours(count);
            // One of the days may have 25 hours.
            case DAY -> Duration.ofDays(count).plusHours(1);
            case WEEK -> Duration.ofDays(7 * count).plusHours(1);
            case MONTH -> Duration.ofDays(31 * count).plusHours(1);
            case YEAR -> Duration.ofDays(366 * count);
        };
    }
}
