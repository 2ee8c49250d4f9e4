package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.LeaseLostException;
import io.hapax.OnLeaseLost;
import io.hapax.event.GuardEvent;
import io.hapax.event.RunOutcome;
import io.hapax.lease.JobIdentity;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.quartz.InterruptableJob;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.JobKey;
import org.quartz.PersistJobDataAfterExecution;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.Trigger.TriggerState;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.UnableToInterruptJobException;
import org.quartz.simpl.PropertySettingJobFactory;
import org.quartz.spi.TriggerFiredBundle;

@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class GuardedJobTest {

    private static Trigger now(String name) {
        return TriggerBuilder.newTrigger().withIdentity(name).startNow().build();
    }

    private static Properties oneThread() {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.threadPool.threadCount", "1");
        return properties;
    }

    private static void takeAway(Fleet fleet) {
        JobIdentity identity = fleet.first(GuardEvent.Acquired.class).lease().identity();
        assertThat(fleet.guard(0)
                        .admin()
                        .forceRelease(identity, "test", "to lose it")
                        .join())
                .isPresent();
    }

    @Test
    void a_job_sees_its_run_and_the_run_is_noted_as_done() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            AtomicReference<GuardedRun> seen = new AtomicReference<>();
            fleet.probe().body(context -> seen.set(CurrentRun.get()));
            fleet.replica("a").scheduleJob(Jobs.job("order"), now("once"));
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Released.class).isEmpty());

            assertThat(seen.get().fencingToken().value()).isPositive();
            assertThat(fleet.first(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.COMPLETED);
        }
    }

    @Test
    void a_plain_job_that_loses_its_lease_is_interrupted_and_the_next_job_of_its_thread_is_not() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            List<String> log = new CopyOnWriteArrayList<>();
            fleet.probe().body(context -> {
                String job = context.getJobDetail().getKey().getName();
                if (job.equals("next")) {
                    log.add("next, interrupted: " + Thread.currentThread().isInterrupted());
                    return;
                }
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException("stopped", e);
                }
            });
            Scheduler scheduler = fleet.replica("a", oneThread());
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(Jobs.job("long"), now("first"));
            fleet.start();
            await().until(() -> fleet.probe().count() == 1);
            scheduler.scheduleJob(Jobs.job("next"), now("second"));

            takeAway(fleet);

            await().until(() -> outcomes.executed().size() == 2);
            assertThat(log).containsExactly("next, interrupted: false");
            JobExecutionException failure = outcomes.executed().get(0).failure().orElseThrow();
            assertThat(failure).hasMessageContaining("lost its lease").hasCauseInstanceOf(LeaseLostException.class);
            assertThat(failure.getCause().getSuppressed()[0]).hasMessage("stopped");
            assertThat(failure.refireImmediately()).isFalse();
            assertThat(failure.unscheduleAllTriggers() || failure.unscheduleFiringTrigger())
                    .isFalse();
        }
    }

    @Test
    void a_job_that_returns_after_its_lease_was_lost_has_failed_and_may_run_again() throws Exception {
        try (Fleet fleet = Fleet.guarded().options(all -> all.withOnLeaseLost(OnLeaseLost.SIGNAL))) {
            fleet.probe().body(context -> {
                GuardedRun run = CurrentRun.get();
                takeAway(fleet);
                await().until(() -> run.lost().isPresent());
            });
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(Jobs.job("order"), now("once"));
            fleet.start();
            await().until(() -> outcomes.executed().size() == 1);

            assertThat(outcomes.executed().get(0).failure().orElseThrow()).hasCauseInstanceOf(LeaseLostException.class);
            assertThat(fleet.first(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.LOST);
        }
    }

    /** Waits until it is told to stop. */
    public static class StoppableJob implements InterruptableJob {
        static final List<String> LOG = new CopyOnWriteArrayList<>();
        private final CountDownLatch stopped = new CountDownLatch(1);

        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            LOG.add("began");
            try {
                stopped.await();
            } catch (InterruptedException e) {
                throw new JobExecutionException("its thread was interrupted", e);
            }
            LOG.add("stopped");
        }

        @Override
        public void interrupt() {
            LOG.add("told by " + (Thread.currentThread().getName().contains("Worker") ? "its own thread" : "another"));
            stopped.countDown();
        }
    }

    @Test
    @ResourceLock("StoppableJob.LOG")
    void an_interruptable_job_that_loses_its_lease_is_told_by_its_own_method() throws Exception {
        StoppableJob.LOG.clear();
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(Jobs.job("stoppable", StoppableJob.class), now("once"));
            fleet.start();
            await().until(() -> StoppableJob.LOG.contains("began"));

            takeAway(fleet);

            await().until(() -> outcomes.executed().size() == 1);
            assertThat(StoppableJob.LOG).containsExactly("began", "told by another", "stopped");
            assertThat(outcomes.executed().get(0).failure().orElseThrow()).hasCauseInstanceOf(LeaseLostException.class);
        }
    }

    @Test
    @ResourceLock("StoppableJob.LOG")
    void the_scheduler_interrupts_an_interruptable_job_through_its_guard() throws Exception {
        StoppableJob.LOG.clear();
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(Jobs.job("stoppable", StoppableJob.class), now("once"));
            fleet.start();
            await().until(() -> StoppableJob.LOG.contains("began"));

            String id = scheduler.getCurrentlyExecutingJobs().get(0).getFireInstanceId();
            assertThat(scheduler.interrupt(id)).isTrue();

            await().until(() -> outcomes.executed().size() == 1);
            assertThat(outcomes.executed().get(0).failure()).isEmpty();
        }
    }

    @Test
    void a_plain_job_cannot_be_interrupted_by_the_scheduler_as_ever() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> done.await());
            Scheduler scheduler = fleet.replica("a");
            scheduler.scheduleJob(Jobs.job("plain"), now("once"));
            fleet.start();
            await().until(() -> scheduler.getCurrentlyExecutingJobs().size() == 1);

            assertThatThrownBy(() -> scheduler.interrupt(JobKey.jobKey("plain")))
                    .isInstanceOf(UnableToInterruptJobException.class);
            done.countDown();
        }
    }

    @Test
    void an_interrupt_that_a_job_leaves_behind_is_cleared() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> Thread.currentThread().interrupt());
            Scheduler scheduler = fleet.replica("a", oneThread());
            for (int i = 0; i < 20; i++) {
                scheduler.scheduleJob(Jobs.job("job " + i), now("trigger " + i));
            }
            fleet.start();
            await().until(() -> fleet.probe().ended() == 20);
        }
    }

    @Test
    void job_data_is_still_injected() throws Exception {
        InjectedJob.SEEN.clear();
        try (Fleet fleet = Fleet.guarded()) {
            fleet.replica("a")
                    .scheduleJob(
                            JobBuilder.newJob(InjectedJob.class)
                                    .withIdentity("injected")
                                    .usingJobData("who", "map")
                                    .build(),
                            now("once"));
            fleet.start();
            await().until(() -> InjectedJob.SEEN.contains("map"));
        }
    }

    /** Has a property. */
    public static class InjectedJob implements Job {
        static final List<String> SEEN = new CopyOnWriteArrayList<>();
        private String who = "nobody";

        public void setWho(String who) {
            this.who = who;
        }

        @Override
        public void execute(JobExecutionContext context) {
            assertThat(HapaxPlugin.jobOf(context)).isSameAs(this);
            SEEN.add(who);
        }
    }

    /** Counts in its job data. */
    @PersistJobDataAfterExecution
    public static class CountingJob extends ExclusiveJob {
        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            super.execute(context);
            int count = context.getJobDetail().getJobDataMap().getInt("count");
            context.getJobDetail().getJobDataMap().put("count", count + 1);
        }
    }

    @Test
    void a_job_that_keeps_its_data_and_must_not_overlap_counts_right_with_many_triggers() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.addJob(
                    JobBuilder.newJob(CountingJob.class)
                            .withIdentity("counting")
                            .usingJobData("count", 0)
                            .usingJobData("hapax.alone", "true")
                            .storeDurably()
                            .build(),
                    false);
            for (int i = 0; i < 8; i++) {
                scheduler.scheduleJob(TriggerBuilder.newTrigger()
                        .withIdentity("trigger " + i)
                        .forJob("counting")
                        .startNow()
                        .build());
            }
            fleet.start();
            await().untilAsserted(() -> assertThat(scheduler
                            .getJobDetail(JobKey.jobKey("counting"))
                            .getJobDataMap()
                            .getInt("count"))
                    .isEqualTo(8));
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(1);
        }
    }

    @Test
    void a_job_that_wants_to_be_refired_runs_again_under_a_new_lease_and_is_then_done() throws Exception {
        AtomicInteger attempts = new AtomicInteger();
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> {
                if (attempts.incrementAndGet() < 3) {
                    throw new JobExecutionException("again", true);
                }
            });
            fleet.replica("a").scheduleJob(Jobs.job("stubborn"), now("once"));
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Released.class).size() == 3);

            assertThat(fleet.events(GuardEvent.Released.class))
                    .extracting(GuardEvent.Released::outcome)
                    .containsExactly(RunOutcome.FAILED, RunOutcome.FAILED, RunOutcome.COMPLETED);
            assertThat(fleet.events(GuardEvent.Refused.class)).isEmpty();
        }
    }

    @Test
    void a_failure_reaches_the_listeners_unchanged_and_is_not_noted_as_done() throws Exception {
        JobExecutionException failure = new JobExecutionException("broken");
        failure.setUnscheduleFiringTrigger(true);
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> {
                throw failure;
            });
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(Jobs.job("broken"), Jobs.nowAndDaily("daily", WallClock.now()));
            fleet.start();
            await().until(() -> outcomes.executed().size() == 1);

            assertThat(outcomes.executed().get(0).failure()).containsSame(failure);
            assertThat(fleet.first(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.FAILED);
            await().until(() -> scheduler.getTriggerState(TriggerKey.triggerKey("daily")) == TriggerState.COMPLETE);
        }
    }

    /** Cannot make jobs. */
    public static class BrokenFactory extends PropertySettingJobFactory {
        @Override
        public Job newJob(TriggerFiredBundle bundle, Scheduler scheduler) throws SchedulerException {
            throw new SchedulerException("no job today");
        }
    }

    @Test
    void a_factory_that_cannot_make_the_job_has_the_same_effect_as_ever() throws Exception {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.jobFactory.class", BrokenFactory.class.getName());
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a", properties);
            scheduler.scheduleJob(Jobs.job("broken"), now("once"));
            fleet.start();
            await().until(() -> scheduler.getTriggerState(TriggerKey.triggerKey("once")) == TriggerState.ERROR);
            assertThat(fleet.events()).isEmpty();
        }
    }

    /** Says that it needs no guard. */
    @Guarded(enabled = false)
    public static class FreeJob extends PlainJob {}

    @Test
    void a_job_that_is_not_to_be_guarded_runs_without_a_lease() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.scheduleJob(Jobs.job("free", FreeJob.class), now("by annotation"));
            scheduler.scheduleJob(
                    JobBuilder.newJob(PlainJob.class)
                            .withIdentity("free by data")
                            .usingJobData("hapax.enabled", "false")
                            .build(),
                    now("by data"));
            fleet.start();
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.events()).isEmpty();
        }
    }

    @Test
    void shutdown_without_waiting_leaves_a_job_its_lease_until_it_has_ended() throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        AtomicReference<GuardedRun> run = new AtomicReference<>();
        Duration ttl = Duration.ofSeconds(6);
        Fleet fleet = Fleet.guarded().options(all -> all.withTtl(ttl));
        try (fleet) {
            fleet.probe().body(context -> {
                run.set(CurrentRun.get());
                mayEnd.await();
            });
            Scheduler scheduler = fleet.replica("a");
            scheduler.scheduleJob(Jobs.job("long"), now("once"));
            fleet.start();
            await().until(() -> run.get() != null);

            scheduler.shutdown(false);
            fleet.guard(0).close();

            await().during(ttl.plusSeconds(1)).until(() -> run.get().isHeld());
            mayEnd.countDown();
            await().until(() -> !fleet.events(GuardEvent.Released.class).isEmpty());
            assertThat(fleet.first(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.COMPLETED);
        }
    }
}
