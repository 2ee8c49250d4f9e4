package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.GuardEvent;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.quartz.Job;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.Trigger.TriggerState;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;
import org.quartz.listeners.JobChainingJobListener;
import org.quartz.listeners.JobListenerSupport;
import org.quartz.listeners.TriggerListenerSupport;
import org.quartz.simpl.PropertySettingJobFactory;
import org.quartz.spi.JobFactory;

/** The guard beside other listeners, plugins and factories. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class ListenersTest {

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_replica_that_is_refused_does_not_start_the_next_job_of_a_chain(boolean guarded) throws Exception {
        AtomicInteger chained = new AtomicInteger();
        try (Fleet fleet = Fleet.guarded(guarded)) {
            fleet.probe().body(context -> {
                if (context.getJobDetail().getKey().getName().equals("second")) {
                    chained.incrementAndGet();
                }
            });
            Instant soon = WallClock.now().plusMillis(300);
            for (String name : List.of("a", "b")) {
                Scheduler scheduler = fleet.replica(name);
                JobChainingJobListener chain = new JobChainingJobListener("chain");
                chain.addJobChainLink(JobKey.jobKey("first"), JobKey.jobKey("second"));
                scheduler.getListenerManager().addJobListener(chain);
                scheduler.addJob(Jobs.job("second"), false);
                scheduler.scheduleJob(Jobs.job("first"), Jobs.nowAndDaily("daily", soon));
            }
            fleet.start();
            int expected = guarded ? 1 : 2;
            await().until(() -> chained.get() == expected);
            if (guarded) {
                // One that comes while the first one runs is tried again.
                await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            }
            await().during(Duration.ofMillis(300)).until(() -> chained.get() == expected);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void listeners_find_the_users_own_job(boolean guarded) throws Exception {
        List<Job> seen = new CopyOnWriteArrayList<>();
        try (Fleet fleet = Fleet.guarded(guarded)) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.getListenerManager().addJobListener(new JobListenerSupport() {
                @Override
                public String getName() {
                    return "of jobs";
                }

                @Override
                public void jobToBeExecuted(JobExecutionContext context) {
                    seen.add(HapaxPlugin.jobOf(context));
                }

                @Override
                public void jobWasExecuted(JobExecutionContext context, @Nullable JobExecutionException failure) {
                    seen.add(HapaxPlugin.jobOf(context));
                }
            });
            scheduler.getListenerManager().addTriggerListener(new TriggerListenerSupport() {
                @Override
                public String getName() {
                    return "of triggers";
                }

                @Override
                public void triggerFired(Trigger trigger, JobExecutionContext context) {
                    seen.add(HapaxPlugin.jobOf(context));
                }

                @Override
                public void triggerComplete(
                        Trigger trigger,
                        JobExecutionContext context,
                        Trigger.CompletedExecutionInstruction instruction) {
                    seen.add(HapaxPlugin.jobOf(context));
                }
            });
            scheduler.scheduleJob(Jobs.job("order"), Jobs.nowAndDaily("daily", WallClock.now()));
            fleet.start();
            await().until(() -> seen.size() == 4);
            assertThat(seen).hasOnlyElementsOfType(PlainJob.class).allMatch(job -> job == seen.get(0));
        }
    }

    @Test
    void when_another_listener_vetoes_the_lease_is_given_back_at_once() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.getListenerManager().addTriggerListener(new TriggerListenerSupport() {
                @Override
                public String getName() {
                    return "never";
                }

                @Override
                public boolean vetoJobExecution(Trigger trigger, JobExecutionContext context) {
                    return true;
                }
            });
            scheduler.scheduleJob(Jobs.job("vetoed"), Jobs.nowAndDaily("daily", WallClock.now()));
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Released.class).size() == 1);

            assertThat(fleet.first(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.RELEASED);
            assertThat(fleet.probe().count()).isZero();
        }
    }

    @Test
    void a_flag_that_another_listener_left_on_the_thread_refuses_no_firing() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.getListenerManager().addTriggerListener(new TriggerListenerSupport() {
                @Override
                public String getName() {
                    return "careless";
                }

                @Override
                public void triggerFired(Trigger trigger, JobExecutionContext context) {
                    Thread.currentThread().interrupt();
                }
            });
            scheduler.scheduleJob(Jobs.job("clean"), Jobs.nowAndDaily("daily", WallClock.now()));
            fleet.start();

            await().until(() -> fleet.events(GuardEvent.Released.class).size() == 1);
            assertThat(fleet.first(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.COMPLETED);
            assertThat(fleet.events(GuardEvent.Refused.class)).isEmpty();
        }
    }

    @Test
    void when_another_listener_throws_the_lease_lapses_by_itself() throws Exception {
        try (Fleet fleet = Fleet.guarded().shortTtl()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.getListenerManager().addJobListener(new JobListenerSupport() {
                @Override
                public String getName() {
                    return "broken";
                }

                @Override
                public void jobToBeExecuted(JobExecutionContext context) {
                    throw new IllegalStateException("broken listener");
                }
            });
            Instant soon = WallClock.now().plusMillis(100);
            scheduler.scheduleJob(Jobs.job("stuck", ExclusiveJob.class), Jobs.nowAndDaily("daily", soon));
            scheduler.start();
            await().until(() -> fleet.events(GuardEvent.Acquired.class).size() == 1);
            // Quartz leaves the job stuck on this replica, with or without a guard.
            await().until(() -> scheduler.getTriggerState(TriggerKey.triggerKey("daily")) == TriggerState.BLOCKED);

            Scheduler other = fleet.replica("b");
            other.scheduleJob(
                    Jobs.job("stuck", ExclusiveJob.class),
                    Jobs.once("once", WallClock.now()).build());
            other.start();
            await().until(() -> fleet.probe().replicas().equals(List.of("b")));
        }
    }

    @Test
    void when_the_claiming_listener_was_removed_the_job_still_asks() throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> mayEnd.await());
            Instant soon = WallClock.now().plusMillis(300);
            Scheduler first = fleet.replica("a");
            first.scheduleJob(Jobs.job("order"), Jobs.nowAndDaily("daily", soon));
            Scheduler second = fleet.replica("b");
            second.scheduleJob(Jobs.job("order"), Jobs.nowAndDaily("daily", soon));
            Outcomes outcomes = Outcomes.of(second);
            second.getListenerManager().removeTriggerListener(HapaxPlugin.NAME);
            first.start();
            await().until(() -> fleet.probe().count() == 1);
            second.start();

            await().until(() -> !outcomes.executed().isEmpty());
            assertThat(outcomes.executed().get(0).failure().orElseThrow()).hasMessageContaining("is not run, RUNNING");
            assertThat(fleet.probe().count()).isEqualTo(1);
            mayEnd.countDown();
        }
    }

    @Test
    void a_factory_set_after_the_start_is_noticed_and_guarded_and_the_firing_is_made_up_for() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.start();
            scheduler.setJobFactory(new PropertySettingJobFactory());
            scheduler.scheduleJob(Jobs.job("order"), Jobs.nowAndDaily("daily", WallClock.now()));

            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.probe().entries().get(0).trigger()).startsWith("fleet/DEFAULT/order/DEFAULT/daily@");
            assertThat(fleet.events(GuardEvent.Acquired.class)).hasSize(1);
            await().until(() -> scheduler
                    .getTriggerKeys(GroupMatcher.groupEquals(RetryTriggers.GROUP))
                    .isEmpty());
        }
    }

    @Test
    void a_wrapper_around_the_guard_does_not_make_a_job_compete_with_itself() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            SchedulerCore core = SchedulerCore.of(scheduler);
            JobFactory guarding = core.factory();
            scheduler.setJobFactory((bundle, owner) -> new Around(guarding.newJob(bundle, owner)));
            scheduler.scheduleJob(Jobs.job("order", ExclusiveJob.class), Jobs.nowAndDaily("daily", WallClock.now()));
            scheduler.start();

            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.events(GuardEvent.Refused.class)).isEmpty();
            assertThat(fleet.events(GuardEvent.Acquired.class)).hasSize(1);
        }
    }

    private record Around(Job job) implements Job {
        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            job.execute(context);
        }
    }

    @Test
    void a_firing_that_is_skipped_leaves_the_schedule_alone() throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> mayEnd.await());
            Scheduler first = fleet.replica("a");
            first.scheduleJob(Jobs.job("tick", ExclusiveJob.class), Jobs.everySecond("cron"));
            Scheduler second = fleet.replica("b");
            second.scheduleJob(Jobs.job("tick", ExclusiveJob.class), Jobs.everySecond("cron"));
            Outcomes outcomes = Outcomes.of(second);
            first.start();
            await().until(() -> fleet.probe().count() == 1);
            second.start();
            await().until(() -> outcomes.vetoed().size() >= 2);

            assertThat(outcomes.executed()).isEmpty();
            assertThat(fleet.probe().count()).isEqualTo(1);
            assertThat(fleet.events(GuardEvent.Refused.class))
                    .extracting(event -> event.refusal().verdict())
                    .contains(Verdict.OVERLAP);
            mayEnd.countDown();
            await().until(() -> fleet.probe().ended() >= 3);
        }
    }

    @Test
    void a_trigger_that_is_built_without_a_name_still_works() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.replica("a")
                    .scheduleJob(
                            Jobs.job("order"),
                            TriggerBuilder.newTrigger().startNow().build());
            fleet.start();
            await().until(() -> fleet.probe().ended() == 1);
        }
    }
}
