package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Admission.Admitted;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.OnConflict;
import io.hapax.RunRequest;
import io.hapax.WhenUnavailable;
import io.hapax.event.GuardEvent;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.test.FaultyLeaseStore;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.ResourceLockTarget;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;

/** What happens to a firing whose key somebody else holds. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@ResourceLock(value = Logs.LOGGERS, mode = ResourceAccessMode.READ, target = ResourceLockTarget.CHILDREN)
class ConflictPolicyTest {

    /** Has a key of its own, from its data. */
    @Guarded(key = "invoice/%{id}")
    public static class InvoiceJob extends PlainJob {}

    private static JobDetail invoice(OnConflict policy) {
        return JobBuilder.newJob(InvoiceJob.class)
                .withIdentity("invoice")
                .usingJobData("id", "42")
                .usingJobData("hapax.onConflict", policy.name())
                .usingJobData("hapax.waitTimeout", "1m")
                .build();
    }

    private static Trigger once() {
        return Jobs.once("once", WallClock.now()).build();
    }

    /** Somebody else holds the key. */
    private static GuardedRun holder(Fleet fleet) throws InterruptedException {
        GuardedRun run =
                ((Admitted) fleet.guard(0).admit(RunRequest.lock("invoice/42").ttl(Duration.ofHours(1)))).run();
        run.enter();
        return run;
    }

    private static void release(GuardedRun run) {
        run.close();
        boolean unused = Thread.interrupted();
    }

    @Test
    void skip_drops_the_firing() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(invoice(OnConflict.SKIP), once());
            fleet.start();
            await().until(() -> outcomes.vetoed().size() == 1);
            release(holder);

            assertThat(retries(scheduler)).isZero();
            assertThat(fleet.probe().count()).isZero();
        }
    }

    @Test
    void a_one_shot_is_tried_again_until_the_key_is_free() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(invoice(OnConflict.AUTO), once());
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 2);
            assertThat(fleet.probe().count()).isZero();
            release(holder);

            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.probe().entries().get(0).trigger()).isEqualTo("once");
            assertThat(retries(scheduler)).isZero();
            await().until(() -> !scheduler.checkExists(TriggerKey.triggerKey("once")));
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void with_hashed_keys_neither_the_retry_nor_a_line_about_it_has_the_plain_key() throws Exception {
        try (Fleet fleet = Fleet.guarded().hashing("0123456789abcdef");
                Logs logs = Logs.of("io.hapax").inDetail()) {
            Scheduler scheduler = fleet.replica("a");
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(invoice(OnConflict.AUTO), once());
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 2);
            TriggerKey once = TriggerKey.triggerKey("once");
            await().until(() ->
                    scheduler.checkExists(once) && scheduler.getTrigger(once).getNextFireTime() != null);
            assertThat(scheduler.getTrigger(once).getJobDataMap().values())
                    .anySatisfy(kept -> assertThat(kept.toString()).matches("h[0-9a-f]{40}"))
                    .noneSatisfy(kept -> assertThat(kept.toString()).contains("invoice"));
            release(holder);
            await().until(() -> fleet.probe().ended() == 1);
            // The first attempt and its retries are one occurrence.
            assertThat(fleet.events(GuardEvent.Refused.class).stream().map(GuardEvent.Refused::identity))
                    .hasSizeGreaterThan(1)
                    .allSatisfy(identity ->
                            assertThat(identity.toString()).matches("lock h[0-9a-f]{40}, run h[0-9a-f]{40}"));
            assertThat(fleet.events(GuardEvent.Refused.class).stream()
                            .map(event -> event.identity().runKey())
                            .distinct())
                    .hasSize(1);
            assertThat(logs.lines()).isNotEmpty().noneMatch(line -> line.contains("invoice/42"));
        }
    }

    @Test
    void a_recurring_job_is_tried_again_if_its_policy_says_so() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(invoice(OnConflict.RESCHEDULE), Jobs.nowAndDaily("daily", WallClock.now()));
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 1);
            release(holder);
            await().until(() -> fleet.probe().ended() == 1);
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void retries_end_and_say_so() throws Exception {
        try (Fleet fleet = Fleet.guarded().retries("20ms", 3);
                Logs logs = Logs.of("io.hapax.quartz")) {
            Scheduler scheduler = fleet.replica("a");
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(invoice(OnConflict.AUTO), once());
            fleet.start();
            await().until(() -> logs.contain("GIVEN UP: job DEFAULT.invoice"));
            release(holder);

            // Quartz removes a trigger after its firing was refused.
            await().until(() -> !scheduler.checkExists(TriggerKey.triggerKey("once")));
            assertThat(fleet.events(GuardEvent.Refused.class)).hasSize(4);
        }
    }

    @Test
    void wait_waits_on_the_jobs_own_thread_where_people_can_see_it() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(invoice(OnConflict.WAIT), Jobs.nowAndDaily("daily", WallClock.now()));
            fleet.start();
            await().until(() -> scheduler.getCurrentlyExecutingJobs().size() == 1);
            assertThat(fleet.probe().count()).isZero();
            release(holder);

            await().until(() -> fleet.probe().ended() == 1);
        }
    }

    @Test
    void a_job_that_waited_in_vain_ends_with_an_error_and_a_one_shot_is_tried_again() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(
                    invoice(OnConflict.WAIT)
                            .getJobBuilder()
                            .usingJobData("hapax.waitTimeout", "1s")
                            .build(),
                    once());
            fleet.start();
            // It is tried again, and again.
            await().until(() -> !outcomes.executed().isEmpty());
            assertThat(outcomes.executed().get(0).failure().orElseThrow())
                    .hasMessageContaining("OVERLAP")
                    .hasMessageContaining("is tried again in");
            release(holder);
            await().until(() -> fleet.probe().ended() == 1);
        }
    }

    @Test
    @ResourceLock("StoppableJob.LOG")
    void an_interruptable_job_that_waits_can_be_interrupted_by_the_scheduler() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(
                    JobBuilder.newJob(GuardedJobTest.StoppableJob.class)
                            .withIdentity("waiting")
                            .usingJobData("hapax.lockKey", "invoice/42")
                            .usingJobData("hapax.onConflict", "wait")
                            .build(),
                    Jobs.nowAndDaily("daily", WallClock.now()));
            fleet.start();
            await().until(() -> scheduler.getCurrentlyExecutingJobs().size() == 1);

            await().until(() -> {
                scheduler.interrupt(JobKey.jobKey("waiting"));
                return outcomes.executed().size() == 1;
            });
            release(holder);
            assertThat(outcomes.executed().get(0).failure().orElseThrow())
                    .hasMessageContaining("the thread was interrupted while it asked");
        }
    }

    @Test
    void fail_ends_the_firing_with_an_error_that_listeners_see() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            GuardedRun holder = holder(fleet);
            scheduler.scheduleJob(invoice(OnConflict.FAIL), Jobs.nowAndDaily("daily", WallClock.now()));
            fleet.start();
            await().until(() -> outcomes.executed().size() == 1);
            release(holder);

            assertThat(outcomes.executed().get(0).failure().orElseThrow())
                    .hasMessageContaining(
                            "job DEFAULT.invoice [lock invoice/42, run fleet/DEFAULT/invoice/DEFAULT/daily@")
                    .hasMessageContaining("OVERLAP: the key is held by");
            assertThat(scheduler.getTrigger(TriggerKey.triggerKey("daily")).getNextFireTime())
                    .isAfter(WallClock.now());
        }
    }

    @Test
    void a_store_that_cannot_tell_keeps_a_one_shot_waiting_and_drops_a_recurring_firing() throws Exception {
        FaultyLeaseStore store = broken();
        try (Fleet fleet = Fleet.on(store)) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            // What comes again before its lease could end is not made up for.
            JobDetail recurring = JobBuilder.newJob(PlainJob.class)
                    .withIdentity("recurring")
                    .usingJobData("hapax.ttl", "25h")
                    .build();
            scheduler.scheduleJob(recurring, Jobs.nowAndDaily("daily", WallClock.now()));
            scheduler.scheduleJob(Jobs.job("order"), once());
            fleet.start();
            // The one-shot is tried again, and again.
            await().until(() -> outcomes.vetoed().containsAll(List.of("daily", "once")));
            assertThat(fleet.probe().count()).isZero();
            store.healthy();

            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.probe().entries().get(0).job()).isEqualTo("order");
        }
    }

    @Test
    void a_store_that_cannot_tell_does_not_stop_a_job_that_may_run_unguarded() throws Exception {
        try (Fleet fleet = Fleet.on(broken()).options(all -> all.withWhenUnavailable(WhenUnavailable.FAIL_OPEN))) {
            fleet.replica("a").scheduleJob(Jobs.job("order"), once());
            fleet.start();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.events(GuardEvent.Unguarded.class)).hasSize(1);
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void a_job_whose_settings_are_wrong_is_not_run_and_says_what_to_mend() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz")) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(with("no id", "hapax.retention", "1h"), trigger("no id"));
            scheduler.scheduleJob(with("typo", "hapax.tll", "1s"), trigger("typo"));
            scheduler.scheduleJob(with("too short", "hapax.ttl", "1ms"), trigger("too short"));
            scheduler.scheduleJob(with("no boolean", "hapax.enabled", "yes"), trigger("no boolean"));
            fleet.start();
            await().until(() -> outcomes.executed().size() == 4);

            assertThat(fleet.probe().count()).isZero();
            assertThat(message(outcomes, "no id"))
                    .contains("job DEFAULT.no id is not run, because its guard is set up wrongly")
                    .contains(
                            "key 'invoice/%{id}': %{id} has no value: nothing is called 'id'; there are [hapax.retention]");
            assertThat(message(outcomes, "typo"))
                    .contains("job data hapax.tll")
                    .contains("allowed are [enabled, lockKey");
            assertThat(message(outcomes, "too short")).contains("setting ttl: must be from");
            assertThat(message(outcomes, "no boolean"))
                    .contains("hapax.enabled: 'yes'")
                    .contains("true and false");
            assertThat(logs.contain("job DEFAULT.typo is not run")).isTrue();
        }
    }

    private static JobDetail with(String job, String key, String value) {
        return JobBuilder.newJob(job.equals("no id") ? InvoiceJob.class : PlainJob.class)
                .withIdentity(job)
                .usingJobData(key, value)
                .build();
    }

    private static Trigger trigger(String name) {
        return TriggerBuilder.newTrigger().withIdentity(name).startNow().build();
    }

    private static String message(Outcomes outcomes, String trigger) {
        return outcomes.executed().stream()
                .filter(executed -> executed.trigger().equals(trigger))
                .map(executed -> executed.failure().orElseThrow().getMessage())
                .findFirst()
                .orElseThrow();
    }

    private static int retries(Scheduler scheduler) throws Exception {
        return scheduler
                .getTriggerKeys(GroupMatcher.groupEquals(RetryTriggers.GROUP))
                .size();
    }

    private static FaultyLeaseStore broken() {
        FaultyLeaseStore store = new FaultyLeaseStore(new InMemoryLeaseStore(Ticker.SYSTEM));
        store.failAcquires();
        return store;
    }
}
