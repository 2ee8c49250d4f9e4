package io.hapax.quartz;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.JobGuard;
import io.hapax.RunOptions;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.quartz.Job;
import org.quartz.spi.OperableTrigger;
import org.quartz.spi.TriggerFiredBundle;

/** What the user's job factory sees of a firing. */
class GuardedJobFactoryTest {

    @Test
    void entries_of_ours_in_the_data_of_a_trigger_do_not_reach_the_users_factory() throws Exception {
        OperableTrigger trigger = (OperableTrigger) Jobs.once("once", WallClock.now())
                .usingJobData("order", "7")
                .usingJobData("hapax.lockKey", "order/7")
                .usingJobData("hapax.firstPlanned", "1@2")
                .usingJobData("hapax.retry.runKey", "key")
                .build();
        Date now = Date.from(WallClock.now());
        List<String> seen = new ArrayList<>();
        try (JobGuard guard =
                JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM)).build()) {
            FiringIdentity identities = new FiringIdentity("fleet", false, false, new Misfires(false, WallClock.REAL));
            JobSettings settings = new JobSettings("fleet", guard, RunOptions.DEFAULTS, identities);
            Gate gate = new Gate(
                    guard,
                    settings,
                    new RetryTriggers(Duration.ofSeconds(1), 1, WallClock.REAL, bound -> 0),
                    new KeptData(true));
            Job made = new GuardedJobFactory(
                            (bundle, scheduler) -> {
                                seen.addAll(bundle.getTrigger().getJobDataMap().keySet());
                                return new PlainJob();
                            },
                            gate)
                    .newJob(new TriggerFiredBundle(Jobs.job("job"), trigger, null, false, now, now, null, null), null);
            assertThat(HapaxPlugin.unwrap(made)).isInstanceOf(PlainJob.class);
        }
        assertThat(seen).containsExactly("order");
        // What the user has written stays for the job.
        assertThat(trigger.getJobDataMap()).containsOnlyKeys("order", "hapax.lockKey");
    }
}
