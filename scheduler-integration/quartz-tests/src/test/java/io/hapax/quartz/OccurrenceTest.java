package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.GuardEvent;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TimeZone;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.quartz.CalendarIntervalScheduleBuilder;
import org.quartz.CronScheduleBuilder;
import org.quartz.DailyTimeIntervalScheduleBuilder;
import org.quartz.DateBuilder.IntervalUnit;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.TimeOfDay;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.calendar.BaseCalendar;

/** Which firings of replicas with their jobs in memory are one occurrence, trigger by trigger. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class OccurrenceTest {

    /** All times of these triggers are half an interval away, on either side. */
    static Stream<Arguments> misfired() {
        Instant now = WallClock.now().truncatedTo(ChronoUnit.SECONDS);
        // In the zone of the machine, like the trigger.
        TimeOfDay past = TimeOfDay.hourAndMinuteFromDate(Date.from(now.minus(30, ChronoUnit.MINUTES)));
        return Stream.of(
                Arguments.of(
                        "daily time interval",
                        since("daily time interval", now.minus(40, ChronoUnit.HOURS))
                                .withSchedule(DailyTimeIntervalScheduleBuilder.dailyTimeIntervalSchedule()
                                        .startingDailyAt(TimeOfDay.hourAndMinuteOfDay(0, past.getMinute()))
                                        .withIntervalInHours(1))
                                .build()),
                Arguments.of("days", every("days", now.minus(36, ChronoUnit.HOURS), IntervalUnit.DAY)),
                Arguments.of("weeks", every("weeks", now.minus(11, ChronoUnit.DAYS), IntervalUnit.WEEK)),
                Arguments.of("months", every("months", now.minus(45, ChronoUnit.DAYS), IntervalUnit.MONTH)),
                Arguments.of("hours", every("hours", now.minus(150, ChronoUnit.MINUTES), IntervalUnit.HOUR)),
                Arguments.of(
                        "finite",
                        since("finite", now.minus(150, ChronoUnit.MINUTES))
                                .withSchedule(SimpleScheduleBuilder.repeatHourlyForTotalCount(6))
                                .build()),
                Arguments.of(
                        "finite, remaining count",
                        since("finite, remaining count", now.minus(150, ChronoUnit.MINUTES))
                                .withSchedule(SimpleScheduleBuilder.repeatHourlyForTotalCount(6)
                                        .withMisfireHandlingInstructionNowWithRemainingCount())
                                .build()),
                Arguments.of(
                        "endless from now",
                        since("endless from now", now.minus(150, ChronoUnit.MINUTES))
                                .withSchedule(SimpleScheduleBuilder.repeatHourlyForever()
                                        .withMisfireHandlingInstructionNowWithExistingCount())
                                .build()),
                Arguments.of(
                        "once from now",
                        since("once from now", now.minus(150, ChronoUnit.MINUTES))
                                .withSchedule(SimpleScheduleBuilder.simpleSchedule()
                                        .withMisfireHandlingInstructionNowWithExistingCount())
                                .build()));
    }

    private static TriggerBuilder<Trigger> since(String name, Instant start) {
        return TriggerBuilder.newTrigger().withIdentity(name).startAt(Date.from(start));
    }

    private static Trigger every(String name, Instant start, IntervalUnit unit) {
        return since(name, start)
                .withSchedule(CalendarIntervalScheduleBuilder.calendarIntervalSchedule()
                        .withInterval(1, unit))
                .build();
    }

    private static Scheduler impatient(Fleet fleet, String name) throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.jobStore.misfireThreshold", "100");
        return fleet.replica(name, properties);
    }

    private static String runKeyOf(GuardEvent.Acquired event) {
        return event.identity().run().orElseThrow().value();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("misfired")
    void a_time_that_all_replicas_have_missed_is_made_up_for_once(String kind, Trigger trigger) throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            for (String name : List.of("a", "b")) {
                Scheduler scheduler = impatient(fleet, name);
                scheduler.scheduleJob(Jobs.job("tick"), Set.of(trigger), false);
                scheduler.start();
                if (name.equals("a")) {
                    await().until(() -> fleet.probe().ended() == 1);
                }
            }
            await().until(() -> fleet.probe().count() == 2
                    || !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.probe().count()).as(kind).isEqualTo(1);
        }
    }

    @Test
    void a_replica_that_begins_late_does_again_nothing_that_a_punctual_one_has_done() throws Exception {
        Duration interval = Duration.ofSeconds(1);
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler punctual = impatient(fleet, "punctual");
            Scheduler late = impatient(fleet, "late");
            Instant start = WallClock.now().plusMillis(500).truncatedTo(ChronoUnit.MILLIS);
            Trigger trigger = since("finite", start)
                    .withSchedule(SimpleScheduleBuilder.repeatSecondlyForTotalCount(6))
                    .build();
            for (Scheduler each : List.of(punctual, late)) {
                each.scheduleJob(Jobs.job("tick"), Set.of(trigger), false);
            }
            punctual.start();
            await().until(() -> fleet.probe().count() >= 3);
            late.start();
            await().until(() ->
                    late.getTrigger(trigger.getKey()) == null && punctual.getTrigger(trigger.getKey()) == null);
            Map<Long, Long> times = fleet.probe().entries().stream()
                    .collect(Collectors.groupingBy(
                            entry -> Duration.between(start, entry.planned()).dividedBy(interval),
                            Collectors.counting()));
            assertThat(times.values()).containsOnly(1L);
            assertThat(times).hasSizeGreaterThanOrEqualTo(6);
        }
    }

    /** Excludes a stretch of time. */
    public static class Stretch extends BaseCalendar {
        private static final long serialVersionUID = 1;

        private final long from;
        private final long until;

        Stretch(Instant from, Instant until) {
            this.from = from.toEpochMilli();
            this.until = until.toEpochMilli();
        }

        @Override
        public boolean isTimeIncluded(long time) {
            return time < from || time >= until;
        }

        @Override
        public long getNextIncludedTime(long time) {
            return isTimeIncluded(time + 1) ? time + 1 : until;
        }
    }

    @Test
    void a_time_that_a_calendar_excludes_is_no_time_of_the_schedule() throws Exception {
        Instant now = WallClock.now();
        Instant last = now.minus(20, ChronoUnit.MINUTES).truncatedTo(ChronoUnit.MINUTES);
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = impatient(fleet, "a");
            scheduler.addCalendar(
                    "lunch",
                    new Stretch(now.minus(100, ChronoUnit.MINUTES), now.plus(10, ChronoUnit.MINUTES)),
                    false,
                    false);
            String cron = "0 " + last.atZone(ZoneOffset.UTC).getMinute() + " * * * ?";
            Trigger trigger = since("hourly", now.minus(5, ChronoUnit.HOURS))
                    .modifiedByCalendar("lunch")
                    .withSchedule(CronScheduleBuilder.cronSchedule(cron)
                            .inTimeZone(TimeZone.getTimeZone(ZoneOffset.UTC))
                            .withMisfireHandlingInstructionFireAndProceed())
                    .build();
            scheduler.scheduleJob(Jobs.job("tick"), Set.of(trigger), false);
            scheduler.start();
            await().until(() -> !fleet.events(GuardEvent.Acquired.class).isEmpty());
            assertThat(runKeyOf(fleet.first(GuardEvent.Acquired.class)))
                    .endsWith("/hourly@" + last.minus(2, ChronoUnit.HOURS));
        }
    }

    @Test
    void a_trigger_that_is_named_like_those_of_a_firing_by_hand_is_an_ordinary_one() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.replica("a").scheduleJob(Jobs.job("tick"), Jobs.everySecond("MT_nightly"));
            fleet.start();
            await().until(() -> fleet.probe().count() >= 3);
            assertThat(fleet.events(GuardEvent.Refused.class)).isEmpty();
        }
    }

    @Test
    void a_job_fired_by_hand_is_a_one_shot_with_a_start_time() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.addJob(Jobs.job("order"), false);
            fleet.start();
            scheduler.triggerJob(JobKey.jobKey("order"));
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(runKeyOf(fleet.first(GuardEvent.Acquired.class)))
                    .matches("fleet/DEFAULT/order/DEFAULT/MT_[^@/]+@....-..-..T..:..:[0-9.]+Z");
        }
    }

    @Test
    void a_trigger_of_the_group_for_recoveries_is_an_ordinary_one_unless_quartz_made_it() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Instant start = WallClock.now().minus(1, ChronoUnit.SECONDS).truncatedTo(ChronoUnit.MILLIS);
            fleet.replica("a")
                    .scheduleJob(
                            Jobs.job("order"),
                            TriggerBuilder.newTrigger()
                                    .withIdentity(new TriggerKey("mine", Scheduler.DEFAULT_RECOVERY_GROUP))
                                    .startAt(Date.from(start))
                                    .build());
            fleet.start();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(runKeyOf(fleet.first(GuardEvent.Acquired.class)))
                    .isEqualTo("fleet/DEFAULT/order/RECOVERING_JOBS/mine@" + start);
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void a_one_shot_that_starts_at_another_time_on_each_replica_is_warned_of_once() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz")) {
            for (String name : List.of("a", "b")) {
                fleet.replica(name)
                        .scheduleJob(
                                Jobs.job("import", WarnedJob.class),
                                Jobs.once("import", whole(WallClock.now()).plusMillis(1))
                                        .build());
            }
            fleet.start();
            await().until(() -> fleet.probe().ended() >= 1);
            // Tests beside this one are warned of their own jobs.
            List<String> warnings = logs.lines().stream()
                    .filter(line -> line.startsWith("WARN job DEFAULT.import:"))
                    .toList();
            assertThat(warnings)
                    .filteredOn(line -> line.contains("hapax.runKey"))
                    .hasSize(2);
            assertThat(warnings).filteredOn(line -> line.contains("startAt")).hasSize(2);
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void a_one_shot_with_a_key_is_one_occurrence_whenever_its_replicas_start_it() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz")) {
            for (String name : List.of("a", "b")) {
                fleet.replica(name)
                        .scheduleJob(
                                Jobs.job("import", WarnedJob.class),
                                Jobs.once("import", WallClock.now().plusMillis(1))
                                        .usingJobData("hapax.runKey", "import of today")
                                        .build());
            }
            fleet.start();
            // One that comes while the first one runs is tried again.
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.probe().count()).isEqualTo(1);
            assertThat(logs.lines())
                    .filteredOn(line -> line.startsWith("WARN job DEFAULT.import:"))
                    .isEmpty();
        }
    }

    private static Instant whole(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS);
    }

    /** A job of its own, so that nobody else is warned of it. */
    public static class WarnedJob extends PlainJob {}
}
