package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.CurrentRun;
import io.hapax.event.GuardEvent;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.ledger.RunLedger;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.Trigger;

/** What happens to a firing whose job fails, or whose worker dies. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class FailedFiringTest {

    private static Instant soon() {
        return WallClock.now().plusMillis(300).truncatedTo(ChronoUnit.MILLIS);
    }

    /** Has a punctual replica fire, and another one that is late: the run of the first one has ended. */
    private static void fireOnTwoReplicas(Fleet fleet, Supplier<Trigger> trigger) throws Exception {
        fireOnTwoReplicas(fleet, trigger, 1);
    }

    private static void fireOnTwoReplicas(Fleet fleet, Supplier<Trigger> trigger, int runs) throws Exception {
        fleet.replica("a").scheduleJob(Jobs.job("tick"), trigger.get());
        LateFactory.replica(
                        fleet,
                        "late",
                        planned -> fleet.events(GuardEvent.Released.class).size() >= runs)
                .scheduleJob(Jobs.job("tick"), trigger.get());
        fleet.start();
    }

    private static Fleet failing(Fleet fleet) {
        fleet.probe().body(context -> {
            throw new IllegalStateException("the job fails");
        });
        return fleet;
    }

    private static void failsOnce(Fleet fleet) throws Exception {
        Instant soon = soon();
        fireOnTwoReplicas(fleet, () -> Jobs.nowAndDaily("daily", soon));
        await().until(() -> fleet.probe().count() == 2
                || !fleet.events(GuardEvent.Refused.class).isEmpty());
        assertThat(fleet.probe().count()).isEqualTo(1);
        assertThat(fleet.events(GuardEvent.Released.class))
                .singleElement()
                .satisfies(event -> assertThat(event.outcome()).isEqualTo(RunOutcome.FAILED));
        assertThat(fleet.events(GuardEvent.Refused.class)).singleElement().satisfies(event -> {
            assertThat(event.refusal().verdict()).isEqualTo(Verdict.DONE);
            assertThat(event.refusal().reason()).contains("failed by a ");
        });
    }

    @Test
    void a_firing_that_fails_is_over_for_a_late_replica() throws Exception {
        try (Fleet fleet = failing(Fleet.guarded())) {
            failsOnce(fleet);
        }
    }

    @Test
    void a_firing_that_fails_is_over_in_the_ledger_too() throws Exception {
        try (RunLedger runs = new InMemoryRunLedger(Ticker.SYSTEM);
                Fleet fleet = failing(Fleet.guarded().ledger(runs))) {
            failsOnce(fleet);
        }
    }

    @Test
    void a_firing_that_fails_is_free_if_its_job_says_so() throws Exception {
        try (Fleet fleet = failing(Fleet.guarded())) {
            Instant soon = soon();
            fireOnTwoReplicas(
                    fleet,
                    () -> Jobs.once("once", soon)
                            .usingJobData("hapax.onFailure", "release")
                            .build());
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.probe().replicas()).containsExactlyInAnyOrder("a", "late");
        }
    }

    @Test
    @ResourceLock(Logs.LOGGERS)
    void a_setting_that_is_not_known_is_refused_with_what_is_allowed() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax.quartz")) {
            Scheduler scheduler = fleet.replica("a");
            for (String setting : List.of("hapax.onFailure", "hapax.fixedStart")) {
                scheduler.scheduleJob(
                        Jobs.job(setting),
                        Jobs.nowAndDaily(setting, soon())
                                .getTriggerBuilder()
                                .usingJobData(setting, "perhaps")
                                .build());
            }
            fleet.start();
            await().until(() -> logs.contain("setting onFailure: 'perhaps' is not known; allowed are [OVER, RELEASE]"));
            await().until(() -> logs.contain("hapax.fixedStart: 'perhaps' is not known; allowed are true and false"));
            assertThat(fleet.probe().count()).isZero();
        }
    }

    @Test
    void a_job_that_is_refired_at_once_runs_again_under_the_same_occurrence_and_is_then_done() throws Exception {
        try (Fleet fleet = Fleet.guarded()) {
            fleet.probe().body(context -> {
                if (context.getRefireCount() == 0) {
                    throw new JobExecutionException("again", true);
                }
            });
            Instant soon = soon();
            fireOnTwoReplicas(fleet, () -> Jobs.once("once", soon).build(), 2);
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.probe().replicas()).containsExactly("a", "a");
            assertThat(fleet.events(GuardEvent.Released.class))
                    .extracting(GuardEvent.Released::outcome)
                    .containsExactly(RunOutcome.FAILED, RunOutcome.COMPLETED);
        }
    }

    @Test
    void work_under_a_key_of_the_users_own_may_be_tried_again_after_a_failure() throws Exception {
        try (Fleet fleet = failing(Fleet.guarded())) {
            Instant soon = soon();
            fireOnTwoReplicas(
                    fleet,
                    () -> Jobs.once("once", soon)
                            .usingJobData("hapax.runKey", "order 4711")
                            .build());
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.probe().replicas()).containsExactlyInAnyOrder("a", "late");
        }
    }

    @Test
    void a_nightly_firing_whose_worker_is_gone_is_taken_over() throws Exception {
        try (Fleet fleet = Fleet.guarded().shortTtl()) {
            AtomicReference<Duration> retention = new AtomicReference<>();
            fleet.probe().body(context -> {
                if (fleet.probe().count() == 1) {
                    Thread.currentThread().join();
                }
                retention.set(CurrentRun.get().options().retention());
            });
            Instant soon = soon();
            for (String name : new String[] {"a", "b"}) {
                Scheduler scheduler = fleet.replica(name);
                scheduler.scheduleJob(
                        Jobs.job("report"),
                        Jobs.once("every other night", soon)
                                .withSchedule(SimpleScheduleBuilder.repeatHourlyForever(48))
                                .build());
            }
            fleet.start();
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty()
                    && !fleet.events(GuardEvent.Acquired.class).isEmpty());
            fleet.guard(0)
                    .admin()
                    .forceRelease(
                            fleet.events(GuardEvent.Acquired.class)
                                    .get(0)
                                    .lease()
                                    .identity(),
                            "test",
                            "its worker is gone")
                    .join();
            await().until(() -> fleet.probe().ended() == 2);
            assertThat(fleet.probe().replicas()).doesNotHaveDuplicates();
            assertThat(retention.get())
                    .as("it stands for two days, also when it is taken over")
                    .isEqualTo(Duration.ofHours(48));
        }
    }
}
