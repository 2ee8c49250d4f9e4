package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.quartz.StallingDelegate.Stall;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.Scheduler;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.Trigger;
import org.quartz.impl.matchers.GroupMatcher;

/** A cluster of two nodes on PostgreSQL, and the ways in which it runs a job twice all the same. */
@Tag("slow")
class ClusteredJobStoreTest {

    private Cluster cluster;

    @BeforeEach
    void create_the_tables() throws SQLException, IOException {
        cluster = Cluster.create();
    }

    @AfterEach
    void end_all_stalls() {
        StallingDelegate.none();
    }

    @Test
    void without_a_guard_a_node_that_stalls_between_reading_and_acquiring_fires_again() throws Exception {
        try (Fleet fleet = Fleet.guarded(false)) {
            fireBehindTheBackOfAStalledNode(fleet, () -> fleet.probe().ended() == 1);
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.probe().timesOf("report")).hasSize(1).containsValue(2L);
        }
    }

    @Test
    void with_a_guard_a_node_that_stalls_between_reading_and_acquiring_is_refused() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fireBehindTheBackOfAStalledNode(
                    fleet, () -> !fleet.events(GuardEvent.Released.class).isEmpty());
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() == 1);
            assertThat(fleet.first(GuardEvent.Refused.class).refusal().verdict())
                    .isEqualTo(Verdict.DONE);
            assertThat(fleet.probe().count()).isEqualTo(1);
        }
    }

    private void fireBehindTheBackOfAStalledNode(Fleet fleet, Callable<Boolean> hasRun) throws Exception {
        Scheduler slow = cluster.node(fleet);
        Scheduler quick = cluster.node(fleet);
        slow.scheduleJob(
                Jobs.job("report"), Jobs.nowAndDaily("daily", WallClock.now().plusMillis(800)));
        Stall stall = StallingDelegate.betweenReadAndAcquire(slow.getSchedulerInstanceId());
        slow.start();
        await().until(stall::isReached);
        quick.start();
        await().until(hasRun);
        stall.goOn();
    }

    @Test
    void without_a_guard_two_triggers_of_a_job_that_must_not_overlap_make_it_overlap() throws Exception {
        try (Fleet fleet = Fleet.guarded(false)) {
            fireTwoTriggersAtOnce(fleet, () -> fleet.probe().mostAtOnce() == 2);
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(2);
        }
    }

    @Test
    void with_a_guard_two_triggers_of_a_job_that_must_not_overlap_run_one_after_the_other() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fireTwoTriggersAtOnce(
                    fleet, () -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(1);
        }
    }

    /** The one that comes first is at work until the other one has tried to be. */
    private void fireTwoTriggersAtOnce(Fleet fleet, Callable<Boolean> otherHasTried) throws Exception {
        fleet.probe().body(context -> await().until(otherHasTried));
        Scheduler first = cluster.node(fleet);
        Scheduler second = cluster.node(fleet);
        first.addJob(Jobs.job("exclusive", ExclusiveJob.class), false);
        first.start();
        second.start();
        // Each acquires one of the triggers, and waits for the time; both nodes are up, so that this takes a moment
        // only, and some more on a busy machine.
        Instant soon = WallClock.now().plusSeconds(8);
        first.scheduleJob(Jobs.once("one", soon).forJob("exclusive").build());
        await().until(() -> cluster.acquired() == 1);
        // Either may have been faster when it started. The other one looks again when it is given something to do, and
        // else
        // only after half a minute.
        Scheduler idle = cluster.hasAcquired(first) ? second : first;
        idle.scheduleJob(Jobs.once("two", soon).forJob("exclusive").build());
        await().until(() -> cluster.acquired() == 2);
        await().until(() -> fleet.probe().ended() == 2);
        await().until(() -> first.getTriggerKeys(GroupMatcher.anyGroup()).isEmpty());
        assertThat(fleet.probe().count()).isEqualTo(2);
    }

    @Test
    void without_a_guard_a_live_node_that_misses_its_check_in_is_overtaken_by_its_peer() throws Exception {
        try (Fleet fleet = Fleet.guarded(false)) {
            CountDownLatch mayEnd = overtakeALiveNode(fleet);
            await().until(() -> fleet.probe().mostAtOnce() >= 2);
            mayEnd.countDown();
        }
    }

    @Test
    void with_a_guard_the_peer_of_a_live_node_that_misses_its_check_in_is_refused() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            CountDownLatch mayEnd = overtakeALiveNode(fleet);
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 2
                    && fleet.events(GuardEvent.Refused.class).stream()
                            .anyMatch(event -> event.refusal().verdict() == Verdict.RUNNING));
            assertThat(fleet.events(GuardEvent.Refused.class))
                    .extracting(event -> event.refusal().verdict())
                    .isSubsetOf(Verdict.RUNNING, Verdict.OVERLAP);
            mayEnd.countDown();
            await().until(() -> fleet.probe().ended() >= 2);
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(1);
            assertThat(fleet.events(GuardEvent.Lost.class)).isEmpty();
        }
    }

    private CountDownLatch overtakeALiveNode(Fleet fleet) throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        fleet.probe().body(context -> mayEnd.await());
        Scheduler victim = cluster.node(fleet);
        Scheduler peer = cluster.node(fleet);
        victim.scheduleJob(
                JobBuilder.newJob(ExclusiveJob.class)
                        .withIdentity("long")
                        .requestRecovery()
                        .build(),
                Jobs.everySecond("each second"));
        victim.start();
        await().until(() -> fleet.probe().count() == 1);
        peer.start();

        Stall stall = StallingDelegate.checkInsOf(victim.getSchedulerInstanceId());
        await().until(stall::isReached);
        cluster.ageCheckInOf(victim.getSchedulerInstanceId());
        return mayEnd;
    }

    @Test
    void without_a_guard_a_job_that_ends_after_the_shutdown_of_its_node_is_run_again_by_the_peer() throws Exception {
        try (Fleet fleet = Fleet.guarded(false)) {
            endAfterShutdown(
                    fleet,
                    Jobs.nowAndDaily("daily", WallClock.now()),
                    () -> fleet.probe().ended() == 1);
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.probe().entries().get(1).recovering()).isTrue();
        }
    }

    @Test
    void with_a_guard_a_job_that_ends_after_the_shutdown_of_its_node_is_known_to_be_done() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            endAfterShutdown(fleet, Jobs.nowAndDaily("daily", WallClock.now()));
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() == 1);
            assertThat(fleet.first(GuardEvent.Refused.class).refusal().verdict())
                    .isEqualTo(Verdict.DONE);
            assertThat(fleet.probe().count()).isEqualTo(1);
        }
    }

    private void endAfterShutdown(Fleet fleet, Trigger trigger) throws Exception {
        endAfterShutdown(
                fleet, trigger, () -> !fleet.events(GuardEvent.Released.class).isEmpty());
    }

    private void endAfterShutdown(Fleet fleet, Trigger trigger, Callable<Boolean> hasRun) throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        fleet.probe().body(context -> mayEnd.await());
        Scheduler leaver = cluster.node(fleet);
        Scheduler peer = cluster.node(fleet);
        JobDetail job = JobBuilder.newJob(PlainJob.class)
                .withIdentity("order")
                .requestRecovery()
                .storeDurably()
                .build();
        leaver.scheduleJob(job, Set.of(trigger), false);
        leaver.start();
        await().until(() -> fleet.probe().count() == 1);
        leaver.shutdown(false);
        mayEnd.countDown();
        await().until(hasRun);

        cluster.ageCheckInOf(leaver.getSchedulerInstanceId());
        peer.start();
    }

    @Test
    void with_a_guard_a_misfired_one_shot_is_known_by_its_first_planned_time_also_when_it_is_recovered()
            throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Instant planned = WallClock.now().minus(Duration.ofHours(1)).truncatedTo(ChronoUnit.MILLIS);
            endAfterShutdown(fleet, Jobs.once("once", planned).build());
            await().until(() -> fleet.probe().count() == 2
                    || !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.probe().count()).isEqualTo(1);
            assertThat(fleet.first(GuardEvent.Refused.class).refusal().verdict())
                    .isEqualTo(Verdict.DONE);
            assertThat(fleet.first(GuardEvent.Refused.class).identity().run())
                    .hasToString("Optional[fleet/DEFAULT/order/DEFAULT/once@" + planned + "]");
        }
    }

    @Test
    void with_a_guard_the_last_firing_of_a_misfired_finite_trigger_is_the_same_one_when_it_is_recovered()
            throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Instant planned = WallClock.now().minus(Duration.ofHours(1)).truncatedTo(ChronoUnit.MILLIS);
            Trigger last = Jobs.once("finite", planned)
                    .withSchedule(SimpleScheduleBuilder.repeatHourlyForTotalCount(2)
                            .withMisfireHandlingInstructionNowWithRemainingCount())
                    .endAt(Date.from(planned.plus(Duration.ofHours(3))))
                    .build();
            endAfterShutdown(fleet, last);
            await().until(() -> fleet.probe().count() == 2
                    || !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.probe().count()).isEqualTo(1);
        }
    }

    @Test
    void with_a_guard_a_firing_is_known_by_the_time_for_which_the_shared_store_has_planned_it() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Instant planned = WallClock.now().plus(Duration.ofSeconds(1)).truncatedTo(ChronoUnit.MILLIS);
            Scheduler node = cluster.node(fleet);
            node.scheduleJob(Jobs.job("report"), Jobs.nowAndDaily("daily", planned));
            node.start();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.first(GuardEvent.Acquired.class).identity().run())
                    .hasToString("Optional[fleet/DEFAULT/report/DEFAULT/daily@" + planned + "]");
        }
    }
}
