package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Admission.Admitted;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.Trigger;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;

/** A firing of a recurring trigger that waits its turn behind another holder of its key, and what users do to its trigger. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class WaitingFiringTest {

    private static final JobKey REPORT = JobKey.jobKey("report");
    private static final TriggerKey DAILY = TriggerKey.triggerKey("daily");

    /** A scheduler with a recurring trigger whose firing was refused, as somebody else holds its key. */
    private static GuardedRun waiting(Fleet fleet, Trigger trigger) throws Exception {
        Scheduler scheduler = fleet.replica("a");
        GuardedRun holder = ((Admitted) fleet.guard(0)
                        .admit(RunRequest.lock("fleet/DEFAULT/report").ttl(Duration.ofHours(1))))
                .run();
        holder.enter();
        scheduler.scheduleJob(Jobs.job("report", ExclusiveJob.class), trigger);
        fleet.start();
        await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
        await().until(() -> !waiting(scheduler).isEmpty());
        return holder;
    }

    private static List<Trigger> waiting(Scheduler scheduler) throws Exception {
        List<Trigger> waiting = new ArrayList<>();
        for (TriggerKey key : scheduler.getTriggerKeys(GroupMatcher.triggerGroupEquals(RetryTriggers.GROUP))) {
            Trigger trigger = scheduler.getTrigger(key);
            if (trigger != null) {
                waiting.add(trigger);
            }
        }
        return waiting;
    }

    private static void release(GuardedRun holder) {
        holder.close();
        boolean unused = Thread.interrupted();
    }

    @Test
    void it_runs_when_the_key_is_free() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            GuardedRun holder = waiting(fleet, Jobs.nowAndDaily("daily", WallClock.now()));
            release(holder);
            await().until(() -> fleet.probe().ended() == 1);
            await().until(() -> waiting(fleet.scheduler(0)).isEmpty());
            assertThat(fleet.scheduler(0).getTrigger(DAILY).getNextFireTime()).isAfter(WallClock.now());
        }
    }

    @Test
    void it_waits_its_turn_also_if_it_came_later_than_others_remember_it() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Trigger late = Jobs.once("daily", WallClock.now().minusSeconds(30))
                    .withSchedule(SimpleScheduleBuilder.repeatHourlyForever(24)
                            .withMisfireHandlingInstructionIgnoreMisfires())
                    // Else it stands for a day, and is remembered for as long.
                    .usingJobData("hapax.fixedStart", "true")
                    .usingJobData("hapax.retention", "PT20S")
                    .build();
            release(waiting(fleet, late));
            await().until(() -> waiting(fleet.scheduler(0)).isEmpty());
            await().until(() -> fleet.probe().ended() == 1);
        }
    }

    @Test
    void one_firing_of_a_trigger_waits_and_the_later_ones_are_skipped() throws Exception {
        try (Fleet fleet = Fleet.guarded().retries("1m", 10)) {
            GuardedRun holder = waiting(fleet, Jobs.everySecond("daily"));
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 3);
            assertThat(waiting(fleet.scheduler(0))).hasSize(1);
            release(holder);
        }
    }

    @Test
    void it_is_dropped_when_its_trigger_is_unscheduled() throws Exception {
        // Not while an attempt is on its way.
        try (Fleet fleet = Fleet.guarded().retries("1s", 100)) {
            GuardedRun holder = waiting(fleet, Jobs.nowAndDaily("daily", WallClock.now()));
            assertThat(fleet.scheduler(0).unscheduleJob(DAILY)).isTrue();
            release(holder);
            await().until(() -> waiting(fleet.scheduler(0)).isEmpty());
            assertThat(fleet.probe().count()).isZero();
        }
    }

    @Test
    void it_is_deleted_with_its_job() throws Exception {
        // Not while an attempt is on its way.
        try (Fleet fleet = Fleet.guarded().retries("1s", 100)) {
            GuardedRun holder = waiting(fleet, Jobs.nowAndDaily("daily", WallClock.now()));
            assertThat(fleet.scheduler(0).deleteJob(REPORT)).isTrue();
            release(holder);
            await().until(() -> waiting(fleet.scheduler(0)).isEmpty());
            assertThat(fleet.probe().count()).isZero();
        }
    }

    @Test
    void it_waits_on_while_the_group_of_its_trigger_is_paused() throws Exception {
        // Not while an attempt is on its way.
        try (Fleet fleet = Fleet.guarded().retries("500ms", 100)) {
            GuardedRun holder = waiting(fleet, Jobs.nowAndDaily("daily", WallClock.now()));
            Scheduler scheduler = fleet.scheduler(0);
            scheduler.pauseTriggers(GroupMatcher.triggerGroupEquals("DEFAULT"));
            release(holder);
            Trigger before = waiting(scheduler).get(0);
            await().until(() -> waiting(scheduler).stream()
                    .anyMatch(now -> now.getStartTime().after(before.getStartTime())));
            Trigger postponed = waiting(scheduler).get(0);
            await().until(() -> waiting(scheduler).stream()
                    .anyMatch(now -> now.getStartTime().after(postponed.getStartTime())));
            assertThat(fleet.probe().count()).isZero();
            scheduler.resumeTriggers(GroupMatcher.triggerGroupEquals("DEFAULT"));
            await().until(() -> fleet.probe().ended() == 1);
        }
    }

    @Test
    void it_runs_although_its_trigger_has_come_to_its_end() throws Exception {
        try (Fleet fleet = Fleet.guarded().fixedStart()) {
            GuardedRun holder = waiting(
                    fleet,
                    Jobs.once("daily", WallClock.now())
                            .withSchedule(SimpleScheduleBuilder.simpleSchedule()
                                    .withIntervalInMilliseconds(300)
                                    .withRepeatCount(1))
                            .build());
            await().until(() -> fleet.events(GuardEvent.Refused.class).stream()
                            .map(event -> event.identity().runKey())
                            .distinct()
                            .count()
                    == 2);
            release(holder);
            await().until(() -> fleet.probe().ended() == 2);
            await().until(() -> fleet.scheduler(0).getTriggersOfJob(REPORT).isEmpty());
        }
    }
}
