package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Admission.Admitted;
import io.hapax.GuardedRun;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.ResourceLockTarget;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.Trigger.TriggerState;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.calendar.BaseCalendar;
import org.quartz.listeners.JobListenerSupport;
import org.quartz.listeners.SchedulerListenerSupport;

/** A one-shot that was refused waits under its own name, and stays the user's trigger. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@ResourceLock(value = Logs.LOGGERS, mode = ResourceAccessMode.READ, target = ResourceLockTarget.CHILDREN)
class RetriedOneShotTest {

    private static final TriggerKey ONCE = TriggerKey.triggerKey("once");
    private static final JobKey CHAIN = JobKey.jobKey("chain");

    /** How a job makes the next link of its chain. */
    enum Link {
        NEW {
            @Override
            TriggerBuilder<?> next(JobExecutionContext context) {
                return TriggerBuilder.newTrigger().withIdentity(ONCE);
            }
        },
        OF_ITS_FIRING {
            @Override
            TriggerBuilder<?> next(JobExecutionContext context) {
                return context.getTrigger().getTriggerBuilder();
            }
        },
        OF_THE_STORE {
            @Override
            TriggerBuilder<?> next(JobExecutionContext context) throws SchedulerException {
                return context.getScheduler().getTrigger(ONCE).getTriggerBuilder();
            }
        };

        abstract TriggerBuilder<?> next(JobExecutionContext context) throws SchedulerException;
    }

    private static GuardedRun holder(Fleet fleet) throws InterruptedException {
        return ((Admitted) fleet.guard(0)
                        .admit(RunRequest.lock("fleet/DEFAULT/chain").ttl(Duration.ofHours(1))))
                .run();
    }

    /** A scheduler on which the one-shot was refused, and waits. */
    private static Scheduler waiting(Fleet fleet, Trigger trigger) throws Exception {
        Scheduler scheduler = fleet.scheduler(0);
        scheduler.scheduleJob(Jobs.job("chain", ExclusiveJob.class), trigger);
        fleet.start();
        await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
        await().until(() ->
                scheduler.checkExists(ONCE) && scheduler.getTrigger(ONCE).getNextFireTime() != null);
        return scheduler;
    }

    @ParameterizedTest
    @EnumSource(Link.class)
    void a_job_that_reschedules_its_own_trigger_keeps_its_chain_after_a_refusal(Link link) throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> {
                if (fleet.probe().count() < 3) {
                    Trigger next = link.next(context)
                            .startAt(Date.from(WallClock.now().plusMillis(300)))
                            .build();
                    assertThat(context.getScheduler().rescheduleJob(ONCE, next)).isNotNull();
                }
            });
            fleet.replica("a");
            GuardedRun holder = holder(fleet);
            fleet.scheduler(0)
                    .scheduleJob(
                            Jobs.job("chain", ExclusiveJob.class),
                            Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            holder.close();
            await().until(() -> fleet.probe().ended() == 3);

            assertThat(fleet.probe().entries()).extracting(Probe.Entry::trigger).containsOnly("once");
            assertThat(fleet.events(GuardEvent.Acquired.class).stream()
                            .filter(event -> event.identity().runKey() != null)
                            .map(event -> event.identity().runKey()))
                    .doesNotHaveDuplicates()
                    .hasSize(3);
            await().until(() -> !fleet.scheduler(0).checkExists(ONCE));
        }
    }

    @Test
    void while_it_waits_its_trigger_is_there_as_the_user_has_made_it() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.replica("a").addCalendar("all days", new BaseCalendar(), false, false);
            GuardedRun holder = holder(fleet);
            Scheduler scheduler = waiting(
                    fleet,
                    Jobs.once("once", WallClock.now())
                            .withDescription("of the user")
                            .withPriority(7)
                            .modifiedByCalendar("all days")
                            .usingJobData("order", "7")
                            .build());
            Trigger kept = scheduler.getTrigger(ONCE);
            assertThat(kept.getDescription()).isEqualTo("of the user");
            assertThat(kept.getPriority()).isEqualTo(7);
            assertThat(kept.getCalendarName()).isEqualTo("all days");
            assertThat(kept.getJobDataMap()).containsEntry("order", "7");
            assertThat(scheduler.getTriggersOfJob(kept.getJobKey()))
                    .extracting(Trigger::getKey)
                    .satisfies(keys -> assertThat(keys.toString()).isEqualTo("[DEFAULT.once]"));
            holder.close();
            await().until(() -> fleet.probe().ended() == 1);
            await().until(() -> !scheduler.checkExists(ONCE));
        }
    }

    @Test
    void while_it_is_paused_it_waits_on_and_when_it_is_resumed_it_runs() throws Exception {
        // Not while an attempt is on its way.
        try (Fleet fleet = Fleet.guarded().retries("2s", 100)) {
            fleet.replica("a");
            GuardedRun holder = holder(fleet);
            Scheduler scheduler =
                    waiting(fleet, Jobs.once("once", WallClock.now()).build());
            scheduler.pauseTrigger(ONCE);
            await().until(() -> scheduler.getTriggerState(ONCE) == TriggerState.PAUSED);
            holder.close();
            later(fleet, scheduler);
            assertThat(fleet.probe().count()).isEqualTo(1);
            scheduler.resumeTrigger(ONCE);
            await().until(() -> fleet.probe().ended() == 2);
        }
    }

    /** Lets the time of the retry go by: another job, which is due after it, has run. */
    private static void later(Fleet fleet, Scheduler scheduler) throws Exception {
        Trigger retry = scheduler.getTrigger(ONCE);
        Instant after = retry == null
                ? WallClock.now().plusMillis(500)
                : retry.getStartTime().toInstant().plusMillis(1);
        scheduler.scheduleJob(Jobs.job("marker"), Jobs.once("marker", after).build());
        await().until(() ->
                fleet.probe().entries().stream().anyMatch(entry -> entry.job().equals("marker")));
    }

    @Test
    void when_it_is_unscheduled_it_does_not_run() throws Exception {
        // Not while an attempt is on its way.
        try (Fleet fleet = Fleet.guarded().retries("2s", 100)) {
            fleet.replica("a");
            GuardedRun holder = holder(fleet);
            Scheduler scheduler =
                    waiting(fleet, Jobs.once("once", WallClock.now()).build());
            assertThat(scheduler.unscheduleJob(ONCE)).isTrue();
            holder.close();
            later(fleet, scheduler);
            assertThat(fleet.probe().entries()).extracting(Probe.Entry::job).containsExactly("marker");
        }
    }

    @Test
    void it_has_come_to_its_end_when_it_has_run_and_not_before() throws Exception {
        List<Integer> ended = new CopyOnWriteArrayList<>();
        try (Fleet fleet = Fleet.guarded()) {
            fleet.replica("a").getListenerManager().addSchedulerListener(new SchedulerListenerSupport() {
                @Override
                public void triggerFinalized(Trigger trigger) {
                    ended.add(fleet.probe().count());
                }
            });
            GuardedRun holder = holder(fleet);
            Scheduler scheduler =
                    waiting(fleet, Jobs.once("once", WallClock.now()).build());
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 2);
            holder.close();
            await().until(() -> !scheduler.checkExists(ONCE));
            assertThat(ended).containsExactly(1);
        }
    }

    /** Includes what is not later than a time. */
    private static final class Until extends BaseCalendar {
        private static final long serialVersionUID = 1;
        private final long last;

        Until(Instant last) {
            this.last = last.toEpochMilli();
        }

        @Override
        public boolean isTimeIncluded(long time) {
            return time <= last;
        }
    }

    @Test
    void a_calendar_or_an_end_before_the_next_attempt_does_not_keep_it_from_running() throws Exception {
        Instant due = WallClock.now().plusMillis(100);
        try (Fleet fleet = Fleet.guarded()) {
            fleet.replica("a").addCalendar("until", new Until(due), false, false);
            GuardedRun holder = holder(fleet);
            waiting(
                    fleet,
                    Jobs.once("once", due)
                            .endAt(Date.from(due.plusMillis(1)))
                            .modifiedByCalendar("until")
                            .build());
            holder.close();
            await().until(() -> fleet.probe().ended() == 1);
        }
    }

    @Test
    void a_job_that_is_not_durable_stays_until_it_has_run() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(
                    JobBuilder.newJob(ExclusiveJob.class).withIdentity("chain").build(),
                    Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 2);
            holder.close();
            await().until(() -> fleet.probe().ended() == 1);
            await().until(() -> !scheduler.checkExists(CHAIN));
        }
    }

    @Test
    void replicas_that_try_the_same_one_again_run_it_once() throws Exception {
        Instant due = WallClock.now().plusMillis(300).truncatedTo(ChronoUnit.MILLIS);
        try (Fleet fleet = Fleet.guarded()) {
            for (String name : List.of("a", "b")) {
                fleet.replica(name)
                        .scheduleJob(
                                Jobs.job("chain", ExclusiveJob.class),
                                Jobs.once("once", due).build());
            }
            GuardedRun holder = holder(fleet);
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Refused.class).stream()
                            .filter(event -> event.refusal().verdict() == Verdict.OVERLAP)
                            .count()
                    >= 2);
            holder.close();
            await().until(() ->
                    !fleet.scheduler(0).checkExists(ONCE) && !fleet.scheduler(1).checkExists(ONCE));
            assertThat(fleet.probe().count()).isEqualTo(1);
        }
    }

    @Test
    void what_is_paused_after_it_has_fired_waits_paused() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            Fleet.beforeItIsDecided(scheduler, context -> context.getScheduler().pauseTrigger(ONCE));
            GuardedRun holder = holder(fleet);
            waiting(fleet, Jobs.once("once", WallClock.now()).build());
            await().until(() -> scheduler.getTriggerState(ONCE) == TriggerState.PAUSED);
            holder.close();
            assertThat(fleet.probe().count()).isZero();
            scheduler.resumeTrigger(ONCE);
            await().until(() -> fleet.probe().ended() == 1);
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void what_is_unscheduled_after_it_has_fired_is_not_tried_again_and_the_log_says_so() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz").inDetail()) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            Fleet.beforeItIsDecided(scheduler, context -> context.getScheduler().unscheduleJob(ONCE));
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(
                    Jobs.job("chain", ExclusiveJob.class),
                    Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> outcomes.vetoed().size() == 1);
            holder.close();
            assertThat(logs.lines())
                    .anyMatch(line -> line.startsWith("INFO job DEFAULT.chain")
                            && line.contains("its trigger DEFAULT.once was unscheduled or rescheduled meanwhile"));
            assertThat(scheduler.getTriggersOfJob(CHAIN)).isEmpty();
        }
    }

    @Test
    void a_refire_that_meets_another_holder_waits_like_any_other() throws Exception {
        AtomicReference<GuardedRun> holder = new AtomicReference<>();
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            fleet.probe().body(context -> {
                if (fleet.probe().count() == 1) {
                    throw new JobExecutionException("once more", true);
                }
            });
            scheduler.getListenerManager().addJobListener(new JobListenerSupport() {
                @Override
                public String getName() {
                    return "other";
                }

                @Override
                public void jobWasExecuted(JobExecutionContext context, @Nullable JobExecutionException failure) {
                    if (holder.get() != null) {
                        return;
                    }
                    try {
                        holder.set(holder(fleet));
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                }
            });
            waiting(fleet, Jobs.once("once", WallClock.now()).build());
            holder.get().close();
            await().until(() -> fleet.probe().ended() == 2);
            await().until(() -> !scheduler.checkExists(ONCE));
            assertThat(fleet.probe().entries()).extracting(Probe.Entry::trigger).containsOnly("once");
        }
    }

    @Test
    void a_name_of_odd_characters_is_kept() throws Exception {
        String odd = "a/b@c#1 %\u00e4\n'";
        try (Fleet fleet = Fleet.guarded()) {
            fleet.replica("a");
            GuardedRun holder = holder(fleet);
            fleet.scheduler(0)
                    .scheduleJob(
                            Jobs.job("chain", ExclusiveJob.class),
                            TriggerBuilder.newTrigger()
                                    .withIdentity(odd, "hapax-retry")
                                    .startNow()
                                    .build());
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 2);
            holder.close();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.probe().entries().get(0).trigger()).isEqualTo(odd);
        }
    }
}
