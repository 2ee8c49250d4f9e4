package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.test.ManualTicker;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.TimeZone;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.CalendarIntervalScheduleBuilder;
import org.quartz.CronScheduleBuilder;
import org.quartz.DailyTimeIntervalScheduleBuilder;
import org.quartz.Scheduler;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.TimeOfDay;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;

/** What is due while nothing is granted yet, as in the first moments of a namespace, runs after it. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class FirstStartTest {

    private static final TimeZone UTC = TimeZone.getTimeZone(ZoneOffset.UTC);

    private final ManualTicker time = new ManualTicker();
    private final InMemoryLeaseStore store = new InMemoryLeaseStore(time);

    /** One of each kind, due in a moment and then not before tomorrow. */
    static List<TriggerBuilder<? extends Trigger>> nightly() {
        ZonedDateTime due =
                WallClock.now().plusSeconds(2).atZone(ZoneOffset.UTC).withNano(0);
        Date start = Date.from(due.toInstant());
        // Not when it is built: what is built after its time would be due tomorrow.
        Date before = Date.from(due.toInstant().minusSeconds(1));
        TimeOfDay time = TimeOfDay.hourAndMinuteAndSecondFromDate(start);
        return List.of(
                TriggerBuilder.newTrigger().withIdentity("cron").startAt(before).withSchedule(daily(due.toInstant())),
                TriggerBuilder.newTrigger()
                        .withIdentity("simple")
                        .startAt(start)
                        .withSchedule(SimpleScheduleBuilder.repeatHourlyForever(24)),
                TriggerBuilder.newTrigger()
                        .withIdentity("calendar")
                        .startAt(start)
                        .withSchedule(CalendarIntervalScheduleBuilder.calendarIntervalSchedule()
                                .withIntervalInDays(1)),
                TriggerBuilder.newTrigger()
                        .withIdentity("daily")
                        .startAt(before)
                        .withSchedule(DailyTimeIntervalScheduleBuilder.dailyTimeIntervalSchedule()
                                .withIntervalInHours(24)
                                .startingDailyAt(time)),
                TriggerBuilder.newTrigger().withIdentity("once").startAt(start));
    }

    static CronScheduleBuilder daily(Instant at) {
        ZonedDateTime due = at.atZone(ZoneOffset.UTC);
        return CronScheduleBuilder.cronSchedule(
                        due.getSecond() + " " + due.getMinute() + " " + due.getHour() + " * * ?")
                .inTimeZone(UTC);
    }

    private static void schedule(Scheduler scheduler) throws Exception {
        List<Trigger> triggers = new ArrayList<>();
        nightly().forEach(each -> triggers.add(each.build()));
        for (Trigger trigger : triggers) {
            String job = "job of " + trigger.getKey().getName();
            scheduler.scheduleJob(Jobs.job(job), trigger);
        }
    }

    private void assertEachRunsOnceWhenItIsOver(Fleet fleet) {
        await().until(() -> refused(fleet) == 5);
        assertThat(fleet.probe().count()).isZero();
        time.advance(Duration.ofSeconds(2));
        await().until(() -> fleet.probe().ended() >= 5);
        assertThat(fleet.probe().entries())
                .extracting(Probe.Entry::job)
                .containsExactlyInAnyOrder(
                        "job of cron", "job of simple", "job of calendar", "job of daily", "job of once");
    }

    private static long refused(Fleet fleet) {
        return fleet.events(GuardEvent.Refused.class).stream()
                .filter(event -> event.refusal().verdict() == Verdict.UNAVAILABLE)
                .map(event -> event.identity().runKey())
                .distinct()
                .count();
    }

    @Test
    void on_replicas_with_triggers_in_memory() throws Exception {
        store.quarantine(Duration.ofSeconds(2));
        try (Fleet fleet = Fleet.on(store)) {
            schedule(fleet.replica("a"));
            Scheduler other = fleet.replica("b");
            for (Trigger trigger : of(fleet.scheduler(0))) {
                other.scheduleJob(Jobs.job(trigger.getJobKey().getName()), trigger);
            }
            fleet.start();
            assertEachRunsOnceWhenItIsOver(fleet);
        }
    }

    private static List<Trigger> of(Scheduler scheduler) throws Exception {
        List<Trigger> triggers = new ArrayList<>();
        for (TriggerKey key : scheduler.getTriggerKeys(GroupMatcher.anyTriggerGroup())) {
            triggers.add(scheduler.getTrigger(key));
        }
        return triggers;
    }

    @Test
    void on_the_nodes_of_a_cluster() throws Exception {
        Cluster cluster = Cluster.create();
        store.quarantine(Duration.ofSeconds(2));
        try (Fleet fleet = Fleet.on(store)) {
            schedule(cluster.node(fleet));
            cluster.node(fleet);
            fleet.start();
            assertEachRunsOnceWhenItIsOver(fleet);
        }
    }

    @Test
    void what_comes_again_before_anything_is_granted_is_not_made_up_for() throws Exception {
        store.quarantine(Duration.ofHours(1));
        try (Fleet fleet = Fleet.on(store)) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.scheduleJob(Jobs.job("tick"), Jobs.everySecond("each second"));
            fleet.start();
            await().until(() -> refused(fleet) >= 2);
            assertThat(scheduler.getTriggerKeys(GroupMatcher.triggerGroupEquals(RetryTriggers.GROUP)))
                    .isEmpty();
            store.quarantine(Duration.ZERO);
            await().until(() -> fleet.probe().ended() >= 1);
        }
    }
}
