package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.JobBuilder;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerKey;

/** A place in the queue has a job: none that is gone. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class PlacesTest {

    /** Its work is named by its data. */
    @Guarded(key = "import/%{id}", mode = LockMode.UNTIL_EXECUTED, uniqueFor = "1h")
    public static class ImportJob extends PlainJob {}

    private static boolean schedule(Scheduler scheduler, String name) throws SchedulerException {
        return HapaxPlugin.of(scheduler)
                .scheduleUnique(
                        JobBuilder.newJob(ImportJob.class)
                                .withIdentity(name)
                                .usingJobData("id", "7")
                                .build(),
                        Jobs.once(name, WallClock.now().plus(Duration.ofMillis(1)))
                                .build())
                .isEmpty();
    }

    private static void assertRuns(Fleet fleet, int count) throws SchedulerException {
        fleet.start();
        await().until(() -> fleet.probe().ended() == count);
    }

    @Test
    void a_job_whose_trigger_was_taken_away_has_no_place() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            assertThat(schedule(scheduler, "first")).isTrue();
            assertThat(schedule(scheduler, "second")).isFalse();
            scheduler.unscheduleJob(TriggerKey.triggerKey("first"));
            assertThat(schedule(scheduler, "second")).isTrue();
            assertThat(schedule(scheduler, "third")).isFalse();
            assertRuns(fleet, 1);
        }
    }

    @Test
    void a_job_that_was_deleted_has_no_place_and_its_names_may_be_used_again() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            assertThat(schedule(scheduler, "first")).isTrue();
            scheduler.deleteJob(JobKey.jobKey("first"));
            assertThat(schedule(scheduler, "first")).isTrue();
            assertThat(schedule(scheduler, "second")).isFalse();
            scheduler.deleteJob(JobKey.jobKey("first"));
            assertThat(schedule(scheduler, "second")).isTrue();
            assertRuns(fleet, 1);
        }
    }
}
