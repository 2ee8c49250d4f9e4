package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.quartz.Probe.ExclusiveJob;
import io.hapax.testkit.WallClock;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.Scheduler;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;

/** What happens to firings whose key an operator has paused. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class PausedKeyTest {

    private static final JobIdentity REPORT = new JobIdentity(new LockKey("fleet/DEFAULT/report"), null);

    private static long refusedAsPaused(Fleet fleet) {
        return fleet.events(GuardEvent.Refused.class).stream()
                .filter(event -> event.refusal().verdict() == Verdict.PAUSED)
                .count();
    }

    @Test
    void a_one_shot_is_tried_again_and_runs_once_when_the_pause_is_over() throws Exception {
        try (Fleet fleet = Fleet.guarded().retries("200ms", 1000)) {
            Scheduler scheduler = fleet.replica("a");
            // Where nobody knows when it ends, each minute.
            fleet.guard(0)
                    .admin()
                    .pause(REPORT, Duration.ofSeconds(20), "ann", "wrong sums")
                    .join();
            scheduler.scheduleJob(
                    Jobs.job("report", ExclusiveJob.class),
                    Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> refusedAsPaused(fleet) >= 1);
            await().until(() -> fleet.probe().ended() == 1);
            await().until(() -> scheduler.getTrigger(TriggerKey.triggerKey("once")) == null);
            assertThat(fleet.probe().count()).isEqualTo(1);
        }
    }

    @Test
    void a_recurring_firing_is_skipped_and_a_later_one_runs_when_the_key_is_resumed() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            Scheduler scheduler = fleet.replica("a");
            fleet.guard(0).admin().pause(REPORT, "ann", "wrong sums").join();
            scheduler.scheduleJob(Jobs.job("report", ExclusiveJob.class), Jobs.everySecond("often"));
            fleet.start();
            await().until(() -> refusedAsPaused(fleet) >= 2);
            assertThat(fleet.probe().count()).isZero();
            assertThat(scheduler.getTriggerKeys(GroupMatcher.triggerGroupEquals(RetryTriggers.GROUP)))
                    .isEmpty();
            fleet.guard(0).admin().resume(REPORT, "ann", "mended").join();
            await().until(() -> fleet.probe().ended() >= 1);
        }
    }
}
