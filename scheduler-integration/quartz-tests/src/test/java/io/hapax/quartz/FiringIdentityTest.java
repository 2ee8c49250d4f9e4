package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.event.GuardEvent;
import io.hapax.lease.JobIdentity;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.Map;
import java.util.TimeZone;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.CalendarIntervalScheduleBuilder;
import org.quartz.DisallowConcurrentExecution;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDataMap;
import org.quartz.JobDetail;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.SimpleTrigger;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;

/** The keys that firings get. */
@Execution(ExecutionMode.CONCURRENT)
class FiringIdentityTest {

    private static final Instant PAST =
            WallClock.now().minus(10, ChronoUnit.SECONDS).truncatedTo(ChronoUnit.MILLIS);

    private static JobIdentity identityOf(JobDetail job, Trigger trigger) throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.replica("a").scheduleJob(job, trigger);
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Acquired.class).isEmpty());
            return fleet.first(GuardEvent.Acquired.class).identity();
        }
    }

    private static String lockOf(Class<? extends Job> type, Map<String, String> data) throws Exception {
        JobDetail job = JobBuilder.newJob(type)
                .withIdentity("job", "group")
                .usingJobData(new JobDataMap(data))
                .build();
        return String.valueOf(
                identityOf(job, Jobs.once("once", PAST).build()).lock().orElse(null));
    }

    @Test
    void a_one_shot_is_known_by_scheduler_job_trigger_and_start_time() throws Exception {
        JobIdentity identity = identityOf(
                Jobs.job("order"),
                TriggerBuilder.newTrigger()
                        .withIdentity("once", "orders/2026")
                        .startAt(Date.from(PAST))
                        .build());
        assertThat(identity.run().orElseThrow().value()).isEqualTo("fleet/DEFAULT/order/orders%2F2026/once@" + PAST);
        assertThat(identity.lock()).isEmpty();
    }

    @Test
    void an_endless_simple_trigger_is_known_by_its_interval() throws Exception {
        JobIdentity identity = identityOf(
                Jobs.job("order"),
                Jobs.once("hourly", WallClock.now())
                        .withSchedule(SimpleScheduleBuilder.repeatHourlyForever())
                        .build());
        assertThat(identity.run().orElseThrow().value())
                .matches("fleet/DEFAULT/order/DEFAULT/hourly@....-..-..T..:00:00Z/PT1H");
    }

    private static TriggerBuilder<SimpleTrigger> hourly(Instant start) {
        return Jobs.once("hourly", start).withSchedule(SimpleScheduleBuilder.repeatHourlyForever());
    }

    @Test
    void a_trigger_that_starts_at_the_same_instant_everywhere_is_known_by_its_planned_time() throws Exception {
        Instant start = WallClock.now().truncatedTo(ChronoUnit.MILLIS);
        JobIdentity ofJob = identityOf(
                Jobs.job("order"),
                hourly(start).usingJobData("hapax.fixedStart", "true").build());
        assertThat(ofJob.run().orElseThrow().value()).isEqualTo("fleet/DEFAULT/order/DEFAULT/hourly@" + start);
    }

    @Test
    void a_plugin_may_say_so_of_all_triggers() throws Exception {
        Instant start = WallClock.now().truncatedTo(ChronoUnit.MILLIS);
        try (Fleet fleet = Fleet.guarded().fixedStart()) {
            fleet.replica("a").scheduleJob(Jobs.job("order"), hourly(start).build());
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Acquired.class).isEmpty());
            assertThat(fleet.first(GuardEvent.Acquired.class).identity().run())
                    .hasToString("Optional[fleet/DEFAULT/order/DEFAULT/hourly@" + start + "]");
        }
    }

    @Test
    void a_day_of_a_floating_trigger_is_one_in_the_zone_of_the_trigger() throws Exception {
        Instant now = WallClock.now();
        JobIdentity identity = identityOf(
                Jobs.job("order"),
                Jobs.once("daily", now)
                        .withSchedule(CalendarIntervalScheduleBuilder.calendarIntervalSchedule()
                                .withIntervalInDays(1)
                                .inTimeZone(TimeZone.getTimeZone("Pacific/Kiritimati")))
                        .build());
        assertThat(identity.run().orElseThrow().value())
                .isEqualTo("fleet/DEFAULT/order/DEFAULT/daily@"
                        + LocalDate.ofInstant(now, ZoneId.of("Pacific/Kiritimati")) + "/P1D");
    }

    @Test
    void a_run_that_stands_for_an_interval_is_remembered_for_as_long() throws Exception {
        AtomicReference<Duration> retention = new AtomicReference<>();
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe()
                    .body(context -> retention.set(CurrentRun.get().options().retention()));
            fleet.replica("a")
                    .scheduleJob(
                            Jobs.job("order"),
                            Jobs.once("every other day", WallClock.now())
                                    .withSchedule(SimpleScheduleBuilder.repeatHourlyForever(48))
                                    .build());
            fleet.start();
            await().until(() -> Duration.ofHours(48).equals(retention.get()));
        }
    }

    @Test
    void a_key_from_the_data_replaces_trigger_and_time() throws Exception {
        JobIdentity identity = identityOf(
                Jobs.job("order"),
                Jobs.once("once", PAST)
                        .usingJobData("hapax.runKey", "order 4711")
                        .build());
        assertThat(identity.run().orElseThrow().value()).isEqualTo("fleet/DEFAULT/order/@order 4711");
    }

    @Test
    void a_job_fired_by_hand_is_known_by_its_key_or_else_by_quartzs_random_name() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.addJob(Jobs.job("order"), false);
            fleet.start();
            scheduler.triggerJob(JobKey.jobKey("order"));
            scheduler.triggerJob(JobKey.jobKey("order"));
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.first(GuardEvent.Acquired.class).identity().leaseName())
                    .matches("fleet/DEFAULT/order/DEFAULT/MT_[^@]*@[^@]*Z");

            JobDataMap data = new JobDataMap(Map.of("hapax.runKey", "4711"));
            scheduler.triggerJob(JobKey.jobKey("order"), data);
            await().until(() -> fleet.events(GuardEvent.Released.class).size() == 3);
            scheduler.triggerJob(JobKey.jobKey("order"), data);
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.probe().count()).isEqualTo(3);
        }
    }

    @Test
    void names_of_any_length_make_a_key_and_can_be_tried_again() throws Exception {
        String name = "n".repeat(600);
        JobIdentity identity = identityOf(
                Jobs.job("job-" + name, ExclusiveJob.class),
                Jobs.once(name, PAST).build());
        assertThat(identity.run().orElseThrow().value())
                .startsWith("fleet/DEFAULT/job-nnn")
                .hasSizeLessThan(200);
        assertThat(identity.lock().orElseThrow().value())
                .startsWith("fleet/DEFAULT/job-nnn")
                .hasSizeLessThan(200);
    }

    /** Must not overlap, says its interface. */
    @DisallowConcurrentExecution
    public interface Exclusive {}

    /** Inherits the rule. */
    public static class InheritingJob extends PlainJob implements Exclusive {}

    /** Has a key with a placeholder. */
    @Guarded(key = "invoice/%{id}/%{year}")
    public static class KeyedJob extends PlainJob {}

    /** Inherits the key. */
    public static class InheritingKeyedJob extends KeyedJob {}

    @Test
    void the_lock_key_follows_from_data_annotation_or_the_rule_of_the_class() throws Exception {
        assertThat(lockOf(PlainJob.class, Map.of())).isEqualTo("null");
        assertThat(lockOf(ExclusiveJob.class, Map.of())).isEqualTo("fleet/group/job");
        assertThat(lockOf(InheritingJob.class, Map.of())).isEqualTo("fleet/group/job");
        assertThat(lockOf(InheritingKeyedJob.class, Map.of("id", "4$2", "year", "2026")))
                .isEqualTo("invoice/4$2/2026");
        assertThat(lockOf(KeyedJob.class, Map.of("hapax.lockKey", "tenant/%{tenant}", "tenant", "7")))
                .isEqualTo("tenant/7");
    }

    /** Names what must not happen twice. */
    @Guarded(once = "order/%{order}")
    public static class OrderJob extends PlainJob {}

    private static String runOf(Map<String, String> data, String trigger) throws Exception {
        JobDetail job = JobBuilder.newJob(OrderJob.class)
                .withIdentity("job", "group")
                .usingJobData(new JobDataMap(data))
                .build();
        return String.valueOf(
                identityOf(job, Jobs.once(trigger, PAST).build()).run().orElse(null));
    }

    @Test
    void a_run_key_chosen_by_annotation_is_the_same_for_every_trigger_and_job_data_wins_over_it() throws Exception {
        assertThat(runOf(Map.of("order", "7"), "first"))
                .isEqualTo(runOf(Map.of("order", "7"), "second"))
                .isNotEqualTo(runOf(Map.of("order", "8"), "first"));
        assertThat(runOf(Map.of("hapax.runKey", "order/7"), "first")).isEqualTo(runOf(Map.of("order", "7"), "first"));
    }
}
