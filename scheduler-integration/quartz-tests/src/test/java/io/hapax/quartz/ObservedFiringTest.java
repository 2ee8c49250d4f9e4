package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.quartz.Probe.PlainJob;
import io.hapax.testkit.WallClock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.quartz.CronScheduleBuilder;
import org.quartz.JobBuilder;
import org.quartz.Scheduler;
import org.quartz.TriggerBuilder;

/** Replicas whose guard only observes: each runs as if there were none, and the fleet learns what it would be spared. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class ObservedFiringTest {

    private static Fleet observed() {
        return Fleet.guarded().options(options -> options.withObserve(true));
    }

    @Test
    void two_schedulers_run_each_firing_and_name_those_that_ran_twice() throws Exception {
        try (Fleet fleet = observed()) {
            for (String name : List.of("a", "b")) {
                Scheduler scheduler = fleet.replica(name);
                scheduler.scheduleJob(
                        JobBuilder.newJob(PlainJob.class).withIdentity("tick").build(),
                        TriggerBuilder.newTrigger()
                                .withIdentity("every second")
                                .withSchedule(CronScheduleBuilder.cronSchedule("* * * * * ?"))
                                .build());
            }
            fleet.start();
            // The one that was granted the lease may begin after the other one has run.
            await().until(() -> fleet.events(GuardEvent.RanTwice.class).size() >= 3
                    && fleet.probe().timesOf("tick").values().stream()
                                    .filter(count -> count == 2)
                                    .count()
                            >= 3);

            Set<String> named = fleet.events(GuardEvent.RanTwice.class).stream()
                    .map(event -> String.valueOf(event.identity().runKey()))
                    .collect(Collectors.toSet());
            assertThat(named).hasSizeGreaterThanOrEqualTo(3);
            Map<Instant, Long> times = fleet.probe().timesOf("tick");
            assertThat(times.values()).filteredOn(count -> count == 2).hasSizeGreaterThanOrEqualTo(3);
            assertThat(fleet.events(GuardEvent.RanTwice.class))
                    .allSatisfy(event -> assertThat(event.refusal().holder()).isNotNull());
            assertThat(fleet.events(GuardEvent.WouldRefuse.class))
                    .hasSizeGreaterThanOrEqualTo(3)
                    .allSatisfy(event -> assertThat(event.refusal().verdict()).isIn(Verdict.RUNNING, Verdict.DONE));
            assertThat(fleet.events(GuardEvent.Refused.class)).isEmpty();
        }
    }

    @Test
    void a_firing_whose_lease_is_lost_goes_on_and_its_result_counts() throws Exception {
        try (Fleet fleet = observed()) {
            AtomicBoolean interrupted = new AtomicBoolean();
            fleet.probe().body(context -> {
                var unused = fleet.guard(0)
                        .admin()
                        .forceRelease(RunRequest.lock("tick").identity(), "ann", "a test")
                        .join();
                await().until(() -> !fleet.events(GuardEvent.Lost.class).isEmpty());
                interrupted.set(Thread.currentThread().isInterrupted());
            });
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(
                    JobBuilder.newJob(PlainJob.class)
                            .withIdentity("tick")
                            .usingJobData("hapax.lockKey", "tick")
                            .build(),
                    Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> outcomes.executed().size() == 1);
            assertThat(interrupted).isFalse();
            assertThat(outcomes.executed())
                    .allSatisfy(each -> assertThat(each.failure()).isEmpty());
        }
    }

    /** A key that cannot be made is a mistake that fails the job where the guard guards. */
    @Test
    void a_job_whose_settings_are_wrong_runs_as_if_there_were_no_guard() throws Exception {
        try (Fleet fleet = observed()) {
            Scheduler scheduler = fleet.replica("a");
            scheduler.scheduleJob(
                    JobBuilder.newJob(PlainJob.class)
                            .withIdentity("tick")
                            .usingJobData("hapax.lockKey", "invoice/%{missing}")
                            .build(),
                    Jobs.once("once", WallClock.now()).build());
            fleet.start();
            await().until(() -> fleet.probe().ended() == 1);
            assertThat(fleet.events()).isEmpty();
        }
    }
}
