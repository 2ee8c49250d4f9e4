package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.hapax.JobGuard;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.ResourceLockTarget;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.PersistJobDataAfterExecution;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;

/** Jobs whose data is kept from run to run, where each replica would keep its own. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@ResourceLock(value = Logs.LOGGERS, mode = ResourceAccessMode.READ, target = ResourceLockTarget.CHILDREN)
class KeptDataTest {

    /** Counts in its data. */
    @PersistJobDataAfterExecution
    public static class CountingJob extends PlainJob {}

    private static JobBuilder counting() {
        return JobBuilder.newJob(CountingJob.class)
                .withIdentity("counting")
                .usingJobData("count", 0)
                .storeDurably();
    }

    private static JobGuard guard() {
        return JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .closesStore()
                .build();
    }

    @Test
    void with_a_job_store_in_memory_the_scheduler_is_not_guarded_and_the_message_says_what_to_do() throws Exception {
        try (Fleet fleet = Fleet.guarded(false);
                JobGuard guard = guard()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.addJob(counting().build(), false);
            assertThatThrownBy(() -> HapaxPlugin.install(scheduler, guard))
                    .isInstanceOf(SchedulerException.class)
                    .hasMessageContaining("job DEFAULT.counting")
                    .hasMessageContaining("@PersistJobDataAfterExecution")
                    .hasMessageContaining("alone = true");
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void a_job_that_is_added_later_is_refused_when_it_fires() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz")) {
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            fleet.start();
            scheduler.scheduleJob(
                    counting().build(), Jobs.once("once", WallClock.now()).build());
            await().until(() -> outcomes.executed().size() == 1);
            assertThat(outcomes.executed().get(0).failure().orElseThrow())
                    .hasMessageContaining("@PersistJobDataAfterExecution");
            assertThat(fleet.probe().count()).isZero();
            assertThat(logs.contain("alone = true")).isTrue();
        }
    }

    @Test
    void a_job_that_runs_on_this_scheduler_alone_or_unguarded_says_so_in_its_data() throws Exception {
        for (JobDetail job : new JobDetail[] {
            counting().usingJobData("hapax.alone", "true").build(),
            counting().usingJobData("hapax.enabled", "false").build()
        }) {
            try (Fleet fleet = Fleet.guarded(false);
                    JobGuard guard = guard()) {
                Scheduler scheduler = fleet.replica("a");
                scheduler.addJob(job, false);
                HapaxPlugin.install(scheduler, guard);
                scheduler.scheduleJob(
                        Jobs.once("once", WallClock.now()).forJob(job).build());
                fleet.start();
                await().until(() -> fleet.probe().ended() == 1);
            }
        }
    }

    @Test
    void a_shared_job_store_keeps_the_data_for_all() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler node = Cluster.create().node(fleet);
            node.scheduleJob(
                    counting().usingJobData("count", "0").build(),
                    Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> fleet.probe().ended() == 1);
        }
    }
}
