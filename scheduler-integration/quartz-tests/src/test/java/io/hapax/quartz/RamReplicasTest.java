package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.RunKey;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.CronScheduleBuilder;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;

/** Replicas that each keep the same schedule in memory and know nothing of each other. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class RamReplicasTest {

    @Test
    void without_a_guard_two_replicas_run_each_cron_firing_twice() throws Exception {
        try (Fleet fleet = Fleet.guarded(false)) {
            everySecondOnTwoReplicas(fleet);
            await().untilAsserted(() -> assertThat(ofBoth(fleet))
                    .hasSizeGreaterThanOrEqualTo(3)
                    .allSatisfy((time, count) -> assertThat(count).isEqualTo(2)));
        }
    }

    @Test
    void with_a_guard_two_replicas_run_each_cron_firing_once_and_leave_none_out() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            everySecondOnTwoReplicas(fleet);
            // One time may be over before the one before it, on another thread.
            await().untilAsserted(() -> {
                TreeMap<Instant, Long> times = settled(fleet.probe().timesOf("tick"));
                assertThat(Duration.between(times.firstKey(), times.lastKey()).toSeconds())
                        .isEqualTo(times.size() - 1L);
            });
            assertThat(fleet.probe().timesOf("tick").values()).containsOnly(1L);
        }
    }

    /** The times at which both replicas were there, however late one of them has started or is. */
    private static Map<Instant, Long> ofBoth(Fleet fleet) {
        Map<String, TreeSet<Instant>> times = new HashMap<>();
        fleet.probe()
                .entries()
                .forEach(entry -> times.computeIfAbsent(entry.replica(), replica -> new TreeSet<>())
                        .add(entry.planned()));
        Instant from = times.values().stream()
                .map(TreeSet::first)
                .max(Instant::compareTo)
                .orElseThrow();
        Instant until = times.values().stream()
                .map(TreeSet::last)
                .min(Instant::compareTo)
                .orElseThrow();
        Map<Instant, Long> both = new HashMap<>(fleet.probe().timesOf("tick"));
        both.keySet().removeIf(time -> time.isBefore(from) || time.isAfter(until));
        return both;
    }

    private static void everySecondOnTwoReplicas(Fleet fleet) throws SchedulerException {
        for (String name : List.of("a", "b")) {
            fleet.replica(name).scheduleJob(Jobs.job("tick"), Jobs.everySecond("each second"));
        }
        fleet.start();
        await().until(() -> fleet.probe().timesOf("tick").size() >= 5);
    }

    /** Without the first and the last time, which one of the replicas may have missed. */
    private static TreeMap<Instant, Long> settled(Map<Instant, Long> times) {
        TreeMap<Instant, Long> settled = new TreeMap<>(times);
        settled.pollFirstEntry();
        settled.pollLastEntry();
        return settled;
    }

    @Test
    void a_late_replica_is_stopped_by_the_done_marker_when_the_lease_is_long_free() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.replica("a").scheduleJob(Jobs.job("tick"), Jobs.everySecond("each second"));
            LateFactory.replica(fleet, "late", planned -> hasEnded(fleet, planned))
                    .scheduleJob(Jobs.job("tick"), Jobs.everySecond("each second"));
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 3);

            assertThat(fleet.events(GuardEvent.Refused.class))
                    .allMatch(event -> event.refusal().verdict() == Verdict.DONE);
            assertThat(settled(fleet.probe().timesOf("tick")).values()).containsOnly(1L);
        }
    }

    private static boolean hasEnded(Fleet fleet, Instant planned) {
        return fleet.events(GuardEvent.Released.class).stream()
                .anyMatch(event -> event.identity().run().orElseThrow().value().endsWith("@" + planned));
    }

    @Test
    void without_a_guard_a_misfired_cron_time_is_made_up_for_by_each_replica() throws Exception {
        try (Fleet fleet = Fleet.guarded(false)) {
            misfireOnTwoReplicas(fleet, dailyAndLate());
            await().until(() -> fleet.probe().count() == 2);
            assertThat(fleet.probe().timesOf("tick")).hasSize(2);
        }
    }

    @Test
    void with_a_guard_a_misfired_cron_time_is_made_up_for_once() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            misfireOnTwoReplicas(fleet, dailyAndLate());
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.probe().count()).isEqualTo(1);
        }
    }

    @Test
    void with_a_guard_a_misfired_one_shot_is_made_up_for_once() throws Exception {
        Instant hourAgo = WallClock.now().minus(1, ChronoUnit.HOURS);
        try (Fleet fleet = Fleet.guarded()) {
            misfireOnTwoReplicas(fleet, Jobs.once("once", hourAgo).build());
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.probe().count()).isEqualTo(1);
        }
    }

    /** It was due six hours ago, and will be again in eighteen, also where and when a day has another length. */
    private static Trigger dailyAndLate() {
        Instant now = WallClock.now();
        ZonedDateTime due = now.minus(6, ChronoUnit.HOURS).atZone(ZoneOffset.UTC);
        return TriggerBuilder.newTrigger()
                .withIdentity("daily")
                .startAt(Date.from(now.minus(36, ChronoUnit.HOURS)))
                .withSchedule(CronScheduleBuilder.dailyAtHourAndMinute(due.getHour(), due.getMinute())
                        .inTimeZone(TimeZone.getTimeZone(ZoneOffset.UTC))
                        .withMisfireHandlingInstructionFireAndProceed())
                .build();
    }

    private static void misfireOnTwoReplicas(Fleet fleet, Trigger trigger) throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.jobStore.misfireThreshold", "100");
        for (String name : List.of("a", "b")) {
            Scheduler scheduler = fleet.replica(name, properties);
            scheduler.scheduleJob(Jobs.job("tick"), Set.of(trigger), false);
            scheduler.start();
            if (name.equals("a")) {
                await().until(() -> fleet.probe().ended() == 1);
            }
        }
    }

    @Test
    void replicas_that_count_from_different_starts_run_once_in_each_interval() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            startNowOnTwoReplicas(fleet);
            Map<Long, Long> intervals = fleet.probe().entries().stream()
                    .collect(Collectors.groupingBy(
                            entry -> entry.planned().getEpochSecond(), TreeMap::new, Collectors.counting()));
            assertThat(intervals.values()).containsOnly(1L);
            assertThat(intervals).hasSizeGreaterThanOrEqualTo(3);
        }
    }

    @Test
    void without_a_guard_replicas_that_count_from_different_starts_run_twice_in_each_interval() throws Exception {
        try (Fleet fleet = Fleet.guarded(false)) {
            startNowOnTwoReplicas(fleet);
            await().untilAsserted(() -> {
                Map<Long, Long> intervals = fleet.probe().entries().stream()
                        .collect(Collectors.groupingBy(
                                entry -> entry.planned().getEpochSecond(), Collectors.counting()));
                assertThat(intervals).containsValue(2L);
            });
        }
    }

    private static void startNowOnTwoReplicas(Fleet fleet) throws SchedulerException {
        for (String name : List.of("a", "b")) {
            Scheduler scheduler = fleet.replica(name);
            scheduler.start();
            scheduler.scheduleJob(
                    Jobs.job("tick"),
                    TriggerBuilder.newTrigger()
                            .withIdentity("each second")
                            .startAt(Date.from(WallClock.now().plusMillis(name.equals("a") ? 0 : 350)))
                            .withSchedule(SimpleScheduleBuilder.repeatSecondlyForever())
                            .build());
        }
        await().pollDelay(Duration.ofSeconds(4)).until(() -> fleet.probe().count() >= 4);
    }

    @Test
    void a_one_shot_whose_worker_lost_its_lease_is_taken_over_by_another_replica() throws Exception {
        try (Fleet fleet = Fleet.guarded().shortTtl()) {
            fleet.probe().body(context -> {
                if (fleet.probe().count() == 1) {
                    Thread.currentThread().join();
                }
            });
            Instant soon = WallClock.now().plusMillis(300).truncatedTo(ChronoUnit.MILLIS);
            fleet.replica("a")
                    .scheduleJob(Jobs.job("order"), Jobs.once("once", soon).build());
            fleet.replica("b")
                    .scheduleJob(Jobs.job("order"), Jobs.once("once", soon).build());
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());

            RunKey key = fleet.first(GuardEvent.Refused.class).identity().runKey();
            fleet.guard(0)
                    .admin()
                    .forceRelease(new JobIdentity(null, key), "test", "its worker is gone")
                    .join();

            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.probe().replicas()).doesNotHaveDuplicates();
            await().until(() -> fleet.events(GuardEvent.Lost.class).size() == 1);
        }
    }
}
