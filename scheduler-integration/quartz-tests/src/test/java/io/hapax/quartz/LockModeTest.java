package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;

/** Each cell of the table of lock modes, for one-shot jobs of real schedulers. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class LockModeTest {

    private static final AtomicInteger NAMES = new AtomicInteger();

    /** Its work is named by its data. */
    @Guarded(key = "import/%{id}")
    public static class ImportJob extends PlainJob {}

    /** Its key says nothing of its data. */
    @Guarded(key = "import", mode = LockMode.UNTIL_EXECUTED)
    public static class CollapsingJob extends PlainJob {}

    /** Its key says nothing of its data, on purpose. */
    @Guarded(key = "import", mode = LockMode.UNTIL_EXECUTED, ignoreArguments = true)
    public static class OnlyOneJob extends PlainJob {}

    private static JobDetail job(LockMode mode) {
        return JobBuilder.newJob(ImportJob.class)
                .withIdentity("import-" + NAMES.incrementAndGet())
                .usingJobData("id", "7")
                .usingJobData("hapax.mode", mode.name())
                .usingJobData("hapax.uniqueFor", "1h")
                .build();
    }

    private static boolean schedule(Scheduler scheduler, LockMode mode) throws SchedulerException {
        return HapaxPlugin.of(scheduler)
                .scheduleUnique(
                        job(mode),
                        Jobs.once("once-" + NAMES.incrementAndGet(), WallClock.now())
                                .build())
                .isEmpty();
    }

    @ParameterizedTest
    @EnumSource(value = LockMode.class, mode = EnumSource.Mode.EXCLUDE, names = "WHILE_EXECUTING")
    void while_it_is_queued_the_same_work_is_not_queued_again_by_any_replica(LockMode mode) throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler a = fleet.replica("a");
            Scheduler b = fleet.replica("b");
            assertThat(schedule(a, mode)).isTrue();
            assertThat(schedule(a, mode)).isFalse();
            assertThat(schedule(b, mode)).isFalse();
            assertThat(fleet.events(GuardEvent.Refused.class))
                    .extracting(event -> event.refusal().verdict())
                    .containsExactly(Verdict.QUEUED, Verdict.QUEUED);
            fleet.start();
            await().until(() -> fleet.probe().ended() == 1);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED, false",
        "UNTIL_EXPIRED, false",
        "UNTIL_EXECUTING, true",
        "UNTIL_AND_WHILE_EXECUTING, true"
    })
    void while_it_executes(LockMode mode, boolean mayBeQueued) throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            CountDownLatch end = new CountDownLatch(1);
            fleet.probe().body(context -> end.await());
            assertThat(schedule(scheduler, mode)).isTrue();
            fleet.start();
            await().until(() -> fleet.probe().count() == 1);
            await().until(() -> schedule(scheduler, mode) == mayBeQueued);
            if (mode == LockMode.UNTIL_EXECUTING) {
                await().until(() -> fleet.probe().count() == 2);
            } else if (mayBeQueued) {
                await().until(() -> fleet.events(GuardEvent.Refused.class).stream()
                        .anyMatch(event -> event.refusal().verdict() == Verdict.OVERLAP));
                assertThat(fleet.probe().count()).isEqualTo(1);
            }
            end.countDown();
            await().until(() -> fleet.probe().ended() == (mayBeQueued ? 2 : 1));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED, true",
        "UNTIL_EXPIRED, false",
        "UNTIL_EXECUTING, true",
        "UNTIL_AND_WHILE_EXECUTING, true"
    })
    void after_its_success(LockMode mode, boolean mayBeQueued) throws Exception {
        assertAfterItsEnd(mode, mayBeQueued, context -> {});
    }

    private static void assertAfterItsEnd(LockMode mode, boolean mayBeQueued, Probe.Body job) throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            fleet.probe().body(job);
            assertThat(schedule(scheduler, mode)).isTrue();
            fleet.start();
            await().until(() -> fleet.probe().ended() == 1
                    && fleet.events(GuardEvent.Released.class).size() == 1);
            if (mayBeQueued) {
                await().until(() -> schedule(scheduler, mode));
                await().until(() -> fleet.probe().ended() == 2);
            } else {
                assertThat(schedule(scheduler, mode)).isFalse();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED, true",
        "UNTIL_EXPIRED, false",
        "UNTIL_EXECUTING, true",
        "UNTIL_AND_WHILE_EXECUTING, true"
    })
    void after_its_final_failure(LockMode mode, boolean mayBeQueued) throws Exception {
        assertAfterItsEnd(mode, mayBeQueued, context -> {
            throw new JobExecutionException("on purpose");
        });
    }

    @ParameterizedTest
    @CsvSource({
        "UNTIL_EXECUTED, false",
        "UNTIL_EXPIRED, false",
        "UNTIL_EXECUTING, true",
        "UNTIL_AND_WHILE_EXECUTING, true"
    })
    void while_it_is_retried(LockMode mode, boolean mayBeQueued) throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            AtomicInteger tries = new AtomicInteger();
            CountDownLatch end = new CountDownLatch(1);
            fleet.probe().body(context -> {
                if (tries.incrementAndGet() == 1) {
                    JobExecutionException again = new JobExecutionException("once more");
                    again.setRefireImmediately(true);
                    throw again;
                }
                end.await();
            });
            assertThat(schedule(scheduler, mode)).isTrue();
            fleet.start();
            await().until(() -> tries.get() == 2);
            await().until(() -> schedule(scheduler, mode) == mayBeQueued);
            end.countDown();
            await().until(() -> fleet.probe().ended() == (mayBeQueued ? 3 : 2));
        }
    }

    @Test
    void a_job_that_was_refused_and_waits_for_its_retry_is_still_queued() throws Exception {
        try (Fleet fleet = Fleet.guarded().retries("300ms", 100)) {
            Scheduler scheduler = fleet.replica("a");
            CountDownLatch end = new CountDownLatch(1);
            fleet.probe().body(context -> end.await());
            assertThat(schedule(scheduler, LockMode.UNTIL_AND_WHILE_EXECUTING)).isTrue();
            fleet.start();
            await().until(() -> fleet.probe().count() == 1);
            await().until(() -> schedule(scheduler, LockMode.UNTIL_AND_WHILE_EXECUTING));
            await().until(() -> fleet.events(GuardEvent.Refused.class).stream()
                            .filter(event -> event.refusal().verdict() == Verdict.OVERLAP)
                            .count()
                    >= 2);
            assertThat(schedule(scheduler, LockMode.UNTIL_AND_WHILE_EXECUTING)).isFalse();
            end.countDown();
            await().until(() -> fleet.probe().ended() == 2);
        }
    }

    @Test
    void work_with_other_data_is_other_work() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            assertThat(schedule(scheduler, LockMode.UNTIL_EXECUTED)).isTrue();
            JobDetail other = job(LockMode.UNTIL_EXECUTED);
            other.getJobDataMap().put("id", "8");
            assertThat(HapaxPlugin.of(scheduler)
                            .scheduleUnique(
                                    other, Jobs.once("other", WallClock.now()).build()))
                    .isEmpty();
        }
    }

    @Test
    void a_job_that_the_scheduler_does_not_take_has_no_place() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            JobDetail job = job(LockMode.UNTIL_EXECUTED);
            scheduler.addJob(job.getJobBuilder().storeDurably().build(), false);
            assertThatThrownBy(() -> HapaxPlugin.of(scheduler)
                            .scheduleUnique(
                                    job, Jobs.once("taken", WallClock.now()).build()))
                    .isInstanceOf(SchedulerException.class);
            assertThat(schedule(scheduler, LockMode.UNTIL_EXECUTED)).isTrue();
        }
    }

    @Test
    void what_cannot_be_unique_is_refused_with_what_to_do() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            HapaxPlugin plugin = HapaxPlugin.of(scheduler);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> plugin.scheduleUnique(
                            job(LockMode.WHILE_EXECUTING),
                            Jobs.once("x", WallClock.now()).build()))
                    .withMessageContaining("set @Guarded(mode = LockMode.UNTIL_EXECUTED");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> plugin.scheduleUnique(job(LockMode.UNTIL_EXECUTED), Jobs.everySecond("x")))
                    .withMessageContaining("fires more than once")
                    .withMessageContaining("or onConflict");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> plugin.scheduleUnique(
                            Jobs.job("x", CollapsingJob.class),
                            Jobs.once("x", WallClock.now()).build()))
                    .withMessageContaining("key 'import'")
                    .withMessageContaining("ignoreArguments = true");
            JobDetail keyless = JobBuilder.newJob(PlainJob.class)
                    .withIdentity("keyless")
                    .usingJobData("hapax.mode", "UNTIL_EXECUTED")
                    .build();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> plugin.scheduleUnique(
                            keyless, Jobs.once("x", WallClock.now()).build()))
                    .withMessageContaining("needs a key");
            assertThat(plugin.scheduleUnique(
                            Jobs.job("only", OnlyOneJob.class),
                            Jobs.once("only", WallClock.now()).build()))
                    .isEmpty();
        }
    }

    @Test
    void a_scheduler_without_the_plugin_says_so() throws Exception {
        try (Fleet fleet = Fleet.guarded(false)) {
            Scheduler scheduler = fleet.replica("a");
            assertThatThrownBy(() -> HapaxPlugin.of(scheduler))
                    .isInstanceOf(SchedulerException.class)
                    .hasMessageContaining("is not guarded by Hapax");
        }
    }

    @Test
    void while_executing_any_number_may_be_queued() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            fleet.probe().body(context -> Thread.sleep(Duration.ofMillis(50).toMillis()));
            for (int n = 0; n < 3; n++) {
                scheduler.scheduleJob(
                        job(LockMode.WHILE_EXECUTING),
                        Jobs.once("n" + n, WallClock.now()).build());
            }
            fleet.start();
            await().until(() -> fleet.probe().ended() == 3);
            assertThat(fleet.probe().mostAtOnce()).isEqualTo(1);
        }
    }
}
