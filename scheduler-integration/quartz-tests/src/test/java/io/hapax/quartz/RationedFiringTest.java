package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.OnConflict;
import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Verdict;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;

/** Overlap policies of recurring jobs, and limits of runs at once and in a time, on replicas with their own triggers. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class RationedFiringTest {

    private static JobDetail job(String... settings) {
        return job(PlainJob.class, settings);
    }

    private static JobDetail job(Class<? extends Job> type, String... settings) {
        JobBuilder builder = JobBuilder.newJob(type).withIdentity("report").storeDurably();
        for (String setting : settings) {
            builder.usingJobData("hapax." + setting.split("=")[0], setting.split("=")[1]);
        }
        return builder.build();
    }

    /** Three occurrences are due, one after the other, while the first one is at work. */
    private static void threeAreDue(Fleet fleet, JobDetail job) throws Exception {
        Scheduler scheduler = fleet.replica("a");
        scheduler.addJob(job, true);
        fleet.start();
        for (int n = 1; n <= 3; n++) {
            due(fleet, job, "t" + n);
        }
    }

    /** One occurrence is due; waits until it has started or was refused, as the threads of two may overtake each other. */
    private static void due(Fleet fleet, JobDetail job, String trigger) throws Exception {
        fleet.scheduler(0)
                .scheduleJob(Jobs.nowAndDaily(trigger, WallClock.now())
                        .getTriggerBuilder()
                        .forJob(job)
                        .build());
        await().until(() -> fleet.probe().entries().stream()
                        .anyMatch(entry -> entry.trigger().equals(trigger))
                || fleet.events(GuardEvent.Refused.class).stream()
                        .anyMatch(event ->
                                String.valueOf(event.identity().runKey()).contains("/" + trigger + "@")));
    }

    private static String occurrence(JobExecutionContext context) {
        return context.getTrigger().getKey().getName();
    }

    @Test
    void skip_runs_the_first_one_only() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            CountDownLatch end = new CountDownLatch(1);
            fleet.probe().body(context -> end.await());
            threeAreDue(fleet, job("onConflict=SKIP"));
            await().until(() -> refused(fleet, Verdict.OVERLAP) == 2);
            end.countDown();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.probe().count()).isEqualTo(1);
        }
    }

    @Test
    void allow_runs_all_at_once() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            CountDownLatch end = new CountDownLatch(1);
            fleet.probe().body(context -> end.await());
            threeAreDue(fleet, job("onConflict=ALLOW"));
            await().until(() -> fleet.probe().mostAtOnce() == 3);
            end.countDown();
            await().until(() -> fleet.probe().ended() == 3);
        }
    }

    @Test
    void buffer_one_runs_one_more_when_the_first_has_ended() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            CountDownLatch end = new CountDownLatch(1);
            fleet.probe().body(context -> end.await());
            threeAreDue(fleet, job("onConflict=BUFFER_ONE"));
            await().until(() -> refused(fleet, Verdict.OVERLAP) >= 4);
            end.countDown();
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(1);
            assertThat(fleet.probe().entries().get(1).trigger()).contains("t2");
        }
    }

    @Test
    void cancel_other_tells_the_one_at_work_and_the_newest_runs() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            AtomicInteger cancelled = new AtomicInteger();
            fleet.probe().body(context -> {
                if (occurrence(context).equals("t1")) {
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException told) {
                        cancelled.incrementAndGet();
                        throw told;
                    }
                }
            });
            Scheduler scheduler = fleet.replica("a");
            JobDetail job = job("onConflict=CANCEL_OTHER");
            scheduler.addJob(job, true);
            scheduler.scheduleJob(Jobs.nowAndDaily("t1", WallClock.now())
                    .getTriggerBuilder()
                    .forJob(job)
                    .build());
            fleet.start();
            await().until(() -> fleet.probe().count() == 1);
            scheduler.scheduleJob(Jobs.nowAndDaily("t2", WallClock.now())
                    .getTriggerBuilder()
                    .forJob(job)
                    .build());
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(cancelled).hasValue(1);
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(1);
            await().until(() -> !fleet.events(GuardEvent.Lost.class).isEmpty());
            assertThat(fleet.events(GuardEvent.Lost.class))
                    .singleElement()
                    .satisfies(lost -> assertThat(lost.reason()).isEqualTo(LossReason.CANCELLED));
        }
    }

    @Test
    void as_many_as_the_limit_are_at_work_in_the_fleet() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            CountDownLatch end = new CountDownLatch(1);
            fleet.probe().body(context -> end.await());
            Scheduler a = fleet.replica("a");
            Scheduler b = fleet.replica("b");
            for (int n = 0; n < 3; n++) {
                for (Scheduler each : new Scheduler[] {a, b}) {
                    JobDetail job = JobBuilder.newJob(PlainJob.class)
                            .withIdentity("order-" + each.hashCode() + "-" + n)
                            .usingJobData("hapax.lockKey", "partner-api")
                            .usingJobData("hapax.concurrency", "2")
                            .build();
                    each.scheduleJob(
                            job,
                            Jobs.once("once-" + each.hashCode() + "-" + n, WallClock.now())
                                    .build());
                }
            }
            fleet.start();
            await().until(() -> fleet.probe().count() == 2 && refused(fleet, Verdict.OVERLAP) >= 4);
            assertThat(fleet.probe().count()).isEqualTo(2);
            end.countDown();
            await().until(() -> fleet.probe().ended() == 6);
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(2);
        }
    }

    /** As while a deploy changes the limit. */
    @Test
    void a_job_that_states_a_smaller_limit_waits_until_the_others_have_ended() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            CountDownLatch end = new CountDownLatch(1);
            fleet.probe().body(context -> end.await());
            Scheduler scheduler = fleet.replica("a");
            Scheduler deployed = fleet.replica("b");
            for (int n = 1; n <= 3; n++) {
                scheduler.scheduleJob(
                        limited(n, "3"), Jobs.once("once-" + n, WallClock.now()).build());
            }
            fleet.start();
            await().until(() -> fleet.probe().count() == 3);
            deployed.scheduleJob(
                    limited(4, "1"), Jobs.once("once-4", WallClock.now()).build());
            await().until(() -> refused(fleet, Verdict.OVERLAP) >= 1);
            assertThat(fleet.probe().count()).isEqualTo(3);
            end.countDown();
            await().until(() -> fleet.probe().ended() == 4);
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(3);
        }
    }

    private static JobDetail limited(int number, String limit) {
        return JobBuilder.newJob(PlainJob.class)
                .withIdentity("order-" + number)
                .usingJobData("hapax.lockKey", "partner-api")
                .usingJobData("hapax.concurrency", limit)
                .build();
    }

    @Test
    void a_cooldown_skips_what_comes_too_soon_and_reschedules_what_would_be_lost() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            JobDetail job = job("throttle=1/10s");
            scheduler.addJob(job, true);
            fleet.start();
            due(fleet, job, "t1");
            due(fleet, job, "t2");
            scheduler.scheduleJob(
                    Jobs.once("one-shot", WallClock.now()).forJob(job).build());
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.probe().entries())
                    .extracting(entry -> entry.trigger())
                    .first()
                    .isEqualTo("t1");
            assertThat(fleet.probe().entries().get(1).trigger()).contains("one-shot");
            // Quartz may fire a moment too early, and then once more.
            assertThat(fleet.events(GuardEvent.Refused.class).stream()
                            .filter(event -> event.refusal().verdict() == Verdict.THROTTLED)
                            .map(event -> event.identity().runKey())
                            .distinct())
                    .hasSize(2);
        }
    }

    @Test
    void a_throttle_lets_so_many_begin_in_its_period() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            JobDetail job = job("throttle=2/1h");
            scheduler.addJob(job, true);
            scheduler.scheduleJob(Jobs.everySecond("every-second")
                    .getTriggerBuilder()
                    .forJob(job)
                    .build());
            fleet.start();
            await().until(() ->
                    refused(fleet, Verdict.THROTTLED) >= 2 && fleet.probe().count() >= 2);
            assertThat(fleet.probe().count()).isEqualTo(2);
            assertThat(fleet.first(GuardEvent.Refused.class).refusal().retryAfter())
                    .isBetween(Duration.ofMinutes(59), Duration.ofHours(1));
        }
    }

    @ParameterizedTest
    @ResourceLock(Logs.LOGGERS)
    @CsvSource({
        "onConflict=ALLOW, contradicts its @DisallowConcurrentExecution",
        "concurrency=2, contradicts its @DisallowConcurrentExecution",
        "mode=UNTIL_EXECUTED, needs a key",
        "throttle=often, write 3/1m",
        "concurrency=0, from 1 to 100",
        "overlap=NEVER, allowed are"
    })
    void a_wrong_setting_fails_the_firing_with_what_to_do(String setting, String message) throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz")) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.scheduleJob(
                    job(ExclusiveJob.class, setting),
                    Jobs.once("once", WallClock.now()).build());
            fleet.start();
            // Tests beside this one may have jobs that are set up wrongly, too.
            await().until(() -> logs.contain("its guard is set up wrongly") && logs.contain(message));
            assertThat(fleet.probe().count()).isZero();
        }
    }

    private static long refused(Fleet fleet, Verdict verdict) {
        return fleet.events(GuardEvent.Refused.class).stream()
                .filter(event -> event.refusal().verdict() == verdict)
                .count();
    }

    @Test
    void overlap_policies_go_for_the_whole_scheduler_by_a_property() throws Exception {
        try (Fleet fleet = Fleet.guarded().options(all -> all.withOnConflict(OnConflict.SKIP))) {
            CountDownLatch end = new CountDownLatch(1);
            fleet.probe().body(context -> end.await());
            threeAreDue(fleet, job());
            await().until(() -> refused(fleet, Verdict.OVERLAP) == 2);
            end.countDown();
            await().until(() -> fleet.probe().ended() == 1);
        }
    }
}
