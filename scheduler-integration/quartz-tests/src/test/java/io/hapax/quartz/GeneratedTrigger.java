package io.hapax.quartz;

import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TimeZone;
import org.jspecify.annotations.Nullable;
import org.quartz.Calendar;
import org.quartz.DateBuilder.IntervalUnit;
import org.quartz.SimpleTrigger;
import org.quartz.TimeOfDay;
import org.quartz.Trigger;
import org.quartz.impl.calendar.DailyCalendar;
import org.quartz.impl.calendar.HolidayCalendar;
import org.quartz.impl.calendar.WeeklyCalendar;
import org.quartz.impl.triggers.AbstractTrigger;
import org.quartz.impl.triggers.CalendarIntervalTriggerImpl;
import org.quartz.impl.triggers.CronTriggerImpl;
import org.quartz.impl.triggers.DailyTimeIntervalTriggerImpl;
import org.quartz.impl.triggers.SimpleTriggerImpl;
import org.quartz.spi.OperableTrigger;

/** A trigger of any kind, with or without a calendar, in any zone, half of them where the clocks are changed. */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class GeneratedTrigger {

    private enum Kind {
        CRON,
        DAILY,
        CALENDAR,
        FINITE,
        ENDLESS,
        ONCE
    }

    private static final List<String> ZONES = List.of(
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "America/Santiago",
            "Africa/Cairo",
            "Pacific/Chatham");

    private static final long DAY = Duration.ofDays(1).toMillis();
    private static final long FIRST = Instant.parse("2020-01-01T00:00:00Z").toEpochMilli();

    private final SplittableRandom random;
    private final Kind kind;
    private final ZoneId zone;
    private final long around;
    private final boolean fixed;
    private final AbstractTrigger<?> trigger;
    private final @Nullable Calendar calendar;

    GeneratedTrigger(SplittableRandom random) {
        this.random = random;
        // Cron expressions take most of the time.
        this.kind = random.nextInt(20) == 0 ? Kind.CRON : Kind.values()[random.nextInt(1, Kind.values().length)];
        this.zone = ZoneId.of(ZONES.get(random.nextInt(ZONES.size())));
        this.around = around();
        this.fixed = random.nextBoolean();
        this.trigger = switch (kind) {
            case CRON -> cron();
            case DAILY -> daily();
            case CALENDAR -> calendarInterval();
            case FINITE, ENDLESS, ONCE -> simple();
        };
        trigger.setName("trigger");
        trigger.setGroup("group");
        this.calendar = kind == Kind.ONCE || random.nextInt(10) < 6 ? null : calendar();
        trigger.setCalendarName(calendar == null ? null : "calendar");
    }

    private long around() {
        Instant any = Instant.ofEpochMilli(FIRST + random.nextLong(3650 * DAY));
        ZoneOffsetTransition change = random.nextBoolean() ? zone.getRules().nextTransition(any) : null;
        return (change == null ? any : change.getInstant()).toEpochMilli() - random.nextLong(2 * DAY);
    }

    private int at(int bound) {
        return random.nextInt(bound);
    }

    private AbstractTrigger<?> cron() {
        String expression = switch (at(9)) {
            case 0 -> at(60) + " " + at(60) + " " + at(24) + " * * ?";
            case 1 -> "0 " + at(60) + " " + at(24) + " ? * MON-FRI";
            case 2 -> "0 0/" + (1 + at(30)) + " * * * ?";
            case 3 -> at(20) + "/20 * 9-16 * * ?";
            case 4 -> "0 " + at(60) + " " + at(4) + " * * ?";
            case 5 -> "0 0/30 0-4 * * ?";
            case 6 -> "0 " + at(60) + " " + at(24) + " L * ?";
            case 7 -> "0 " + at(60) + " 0/" + (1 + at(6)) + " * * ?";
            default -> "0 " + at(60) + " " + at(24) + " " + (1 + at(28)) + " * ?";
        };
        CronTriggerImpl made = new CronTriggerImpl();
        try {
            made.setCronExpression(expression);
        } catch (ParseException e) {
            throw new IllegalStateException(expression, e);
        }
        made.setTimeZone(TimeZone.getTimeZone(zone));
        made.setStartTime(new Date(around - random.nextLong(DAY)));
        return made;
    }

    private AbstractTrigger<?> daily() {
        DailyTimeIntervalTriggerImpl made = new DailyTimeIntervalTriggerImpl();
        made.setRepeatIntervalUnit(List.of(IntervalUnit.SECOND, IntervalUnit.MINUTE, IntervalUnit.HOUR)
                .get(at(3)));
        made.setRepeatInterval(made.getRepeatIntervalUnit() == IntervalUnit.HOUR ? 1 + at(5) : 20 + at(40));
        int hour = at(12);
        made.setStartTimeOfDay(new TimeOfDay(hour, at(60), at(60)));
        if (random.nextBoolean()) {
            made.setEndTimeOfDay(new TimeOfDay(hour + 6 + at(6), at(60), at(60)));
        }
        if (random.nextBoolean()) {
            made.setDaysOfWeek(Set.of(1 + at(2), 3 + at(2), 5 + at(3)));
        }
        made.setStartTime(new Date(around - random.nextLong(60 * DAY)));
        return made;
    }

    private AbstractTrigger<?> calendarInterval() {
        CalendarIntervalTriggerImpl made = new CalendarIntervalTriggerImpl();
        made.setTimeZone(TimeZone.getTimeZone(zone));
        made.setRepeatIntervalUnit(IntervalUnit.values()[1 + at(7)]);
        made.setRepeatInterval(1 + at(3));
        made.setPreserveHourOfDayAcrossDaylightSavings(random.nextBoolean());
        made.setSkipDayIfHourDoesNotExist(fixed && random.nextInt(4) == 0);
        made.setStartTime(new Date(
                around - random.nextLong(made.getRepeatIntervalUnit() == IntervalUnit.YEAR ? 800 * DAY : 60 * DAY)));
        return made;
    }

    private AbstractTrigger<?> simple() {
        SimpleTriggerImpl made = new SimpleTriggerImpl();
        long interval = 1000 + random.nextLong(random.nextBoolean() ? 100_000 : 2 * DAY);
        int times = 4 + at(20);
        made.setRepeatInterval(kind == Kind.ONCE && random.nextBoolean() ? 0 : interval);
        made.setRepeatCount(kind == Kind.ONCE ? 0 : kind == Kind.FINITE ? times : SimpleTrigger.REPEAT_INDEFINITELY);
        made.setTimesTriggered(kind == Kind.FINITE ? at(times + 1) : 0);
        if (kind == Kind.ENDLESS || random.nextBoolean()) {
            made.setMisfireInstruction(SimpleTrigger.MISFIRE_INSTRUCTION_RESCHEDULE_NOW_WITH_EXISTING_REPEAT_COUNT);
        }
        made.setStartTime(new Date(kind == Kind.ONCE ? around : around - random.nextLong(2 * interval)));
        return made;
    }

    private Calendar calendar() {
        TimeZone there = TimeZone.getTimeZone(zone);
        switch (at(4)) {
            case 0 -> {
                int hour = at(20);
                DailyCalendar hours = new DailyCalendar(hour, at(60), 0, 0, hour + 1 + at(3), at(60), 0, 0);
                hours.setTimeZone(there);
                return hours;
            }
            case 1 -> {
                return new WeeklyCalendar(there);
            }
            case 2 -> {
                HolidayCalendar days = new HolidayCalendar();
                days.setTimeZone(there);
                days.addExcludedDate(new Date(around + random.nextLong(3 * DAY)));
                return days;
            }
            default -> {
                Instant from = Instant.ofEpochMilli(around + random.nextLong(3 * DAY));
                return new OccurrenceTest.Stretch(from, from.plusMillis(random.nextLong(2 * DAY)));
            }
        }
    }

    /** A one-shot that fires when a misfire is noticed, and is not made to begin anew. */
    boolean keepsItsStart() {
        return kind == Kind.ONCE && trigger.getMisfireInstruction() == Trigger.MISFIRE_INSTRUCTION_SMART_POLICY;
    }

    /** A cron trigger that has gone since leaves no schedule to find the slot of a misfired firing in. */
    boolean mayBeGone() {
        return kind != Kind.CRON;
    }

    /**
     * What the firing after a misfire is for.
     *
     * @param time when it takes place
     * @param planned when it was to take place
     * @return null if a calendar excludes other times of those that a misfire has moved
     */
    @Nullable
    String afterMisfire(long time, String planned) {
        if (!(trigger instanceof SimpleTrigger)) {
            return replica(time).fire(time);
        }
        return calendar == null ? planned : null;
    }

    private @Nullable Date next(OperableTrigger of, long after) {
        Date next = of.getFireTimeAfter(new Date(after));
        for (int tries = 0; next != null && calendar != null && !calendar.isTimeIncluded(next.getTime()); tries++) {
            next = tries > 400 ? null : of.getFireTimeAfter(next);
        }
        return next;
    }

    /** Some firings in a row, as they are planned. */
    List<Long> planned(int most) {
        List<Long> planned = new ArrayList<>();
        OperableTrigger fresh = (OperableTrigger) trigger.clone();
        if (fresh instanceof SimpleTriggerImpl simple) {
            simple.setTimesTriggered(0);
        }
        for (Date time = next(fresh, around - 1);
                time != null && planned.size() < most;
                time = next(fresh, time.getTime())) {
            planned.add(time.getTime());
        }
        return planned;
    }

    /** When replicas notice that they have missed the first of some times. */
    List<Long> noticed(List<Long> planned) {
        long missed = planned.get(0);
        // Beyond its end a finite trigger goes on in the same steps.
        long most = trigger instanceof SimpleTriggerImpl simple && kind == Kind.FINITE
                ? simple.getRepeatInterval()
                : 3_600_000;
        long gap = planned.size() == 1 ? most : planned.get(1) - missed;
        return List.of(missed + 1 + random.nextLong(gap - 1), missed + gap - 1);
    }

    SimulatedReplica replica(long next) {
        return new SimulatedReplica(trigger, calendar, next, false, fixed);
    }

    SimulatedReplica sharing(long next) {
        return new SimulatedReplica(trigger, calendar, next, true, true);
    }

    /** Of what counts from no start, a restarted replica has another one. */
    SimulatedReplica restarted(long next) {
        AbstractTrigger<?> again = (AbstractTrigger<?>) trigger.clone();
        if (kind == Kind.CRON) {
            again.setStartTime(new Date(next - 1 - random.nextLong(DAY)));
        }
        return new SimulatedReplica(again, calendar, next, false, fixed);
    }

    /** What is wrong with a replica that counts from a start of its own: it fires once, too, for what others fire for. */
    List<String> floating(List<Long> planned, List<String> keys) {
        boolean counts = kind == Kind.FINITE || kind == Kind.ENDLESS || kind == Kind.CALENDAR;
        if (fixed || !counts || calendar != null || planned.size() < 3) {
            return List.of();
        }
        long shift = random.nextLong(planned.get(1) - planned.get(0));
        long length = planned.get(2) - planned.get(0);
        AbstractTrigger<?> other = (AbstractTrigger<?>) trigger.clone();
        other.setStartTime(new Date(trigger.getStartTime().getTime() + shift - 2 * length));
        if (other instanceof SimpleTriggerImpl simple) {
            simple.setTimesTriggered(0);
            simple.setRepeatCount(SimpleTrigger.REPEAT_INDEFINITELY);
        }
        SimulatedReplica replica = new SimulatedReplica(other, null, planned.get(1), false, false);
        List<String> firings = new ArrayList<>();
        Date time = next(other, planned.get(1) - length);
        while (time != null && time.getTime() < planned.get(1) + length) {
            firings.add(replica.fire(time.getTime()));
            time = next(other, time.getTime());
        }
        return firings.stream().filter(keys.get(1)::equals).count() == 1
                ? List.of()
                : List.of(keys.get(1) + " among those of a floating start: " + firings);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s%s in %s around %s since %s, fixed %s, calendar %s",
                kind,
                trigger instanceof CronTriggerImpl cron
                        ? " " + cron.getCronExpression()
                        : trigger instanceof CalendarIntervalTriggerImpl interval
                                ? " " + interval.getRepeatInterval() + interval.getRepeatIntervalUnit()
                                : "",
                zone,
                Instant.ofEpochMilli(around),
                trigger.getStartTime().toInstant(),
                fixed,
                calendar == null ? "none" : calendar.getClass().getSimpleName());
    }
}
