package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.CurrentRun;
import io.hapax.event.GuardEvent;
import io.hapax.event.RunOutcome;
import io.hapax.event.Verdict;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.Ticker;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.quartz.JobExecutionException;
import org.quartz.JobKey;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;

/** What Quartz makes of what the ledger says. */
class LedgerFiringTest {

    private final InMemoryRunLedger runs = new InMemoryRunLedger(Ticker.SYSTEM);

    private static Trigger order(String trigger) {
        return TriggerBuilder.newTrigger()
                .withIdentity(trigger)
                .usingJobData("hapax.runKey", "order-1")
                .startNow()
                .build();
    }

    /** What a person lets run again is done by the first firing that comes for it, as the console and the command line say. */
    @Test
    void a_firing_whose_run_broke_off_is_repeated_only_when_a_person_has_let_it_run_again_and_triggers_it()
            throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        try (Fleet fleet =
                Fleet.guarded().ledger(runs).options(options -> options.withAfterCrash(AfterCrash.ABANDON))) {
            fleet.probe().body(context -> {
                if (fleet.probe().count() > 1) {
                    return;
                }
                try {
                    never.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(Jobs.job("order"), order("first"));
            fleet.start();
            await().until(() -> fleet.probe().count() == 1);
            JobIdentity identity =
                    fleet.first(GuardEvent.Acquired.class).lease().identity();
            fleet.guard(0).admin().forceRelease(identity, "test", "to lose it").join();
            await().until(() -> outcomes.executed().size() == 1);
            assertThat(entry(identity).state()).isEqualTo(RunState.ABANDONED);

            JobKey job = Jobs.job("order").getKey();
            scheduler.triggerJob(job, order("second").getJobDataMap());
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.first(GuardEvent.Refused.class).refusal().verdict())
                    .isEqualTo(Verdict.ABANDONED);

            assertThat(runs.resolve(
                                    identity,
                                    entry(identity).token(),
                                    RunState.RELEASED,
                                    new Intervention("ann", "nothing was sent"))
                            .toCompletableFuture()
                            .join())
                    .isTrue();
            scheduler.triggerJob(job, order("third").getJobDataMap());
            await().until(() -> entry(identity).state() == RunState.DONE);
            assertThat(fleet.probe().count()).isEqualTo(2);
            assertThat(entry(identity).attempt()).isEqualTo(2);
        }
    }

    private LedgerEntry entry(JobIdentity identity) {
        return runs.entry(identity).toCompletableFuture().join().orElseThrow();
    }

    @Test
    void a_job_that_fails_and_wants_to_be_refired_is_not_abandoned() throws Exception {
        AtomicInteger attempts = new AtomicInteger();
        try (Fleet fleet =
                Fleet.guarded().ledger(runs).options(options -> options.withAfterCrash(AfterCrash.ABANDON))) {
            fleet.probe().body(context -> {
                if (attempts.incrementAndGet() == 1) {
                    throw new JobExecutionException("again", true);
                }
            });
            fleet.replica("a").scheduleJob(Jobs.job("order"), order("first"));
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Released.class).size() == 2);
            assertThat(fleet.events(GuardEvent.Released.class))
                    .extracting(GuardEvent.Released::outcome)
                    .containsExactly(RunOutcome.FAILED, RunOutcome.COMPLETED);
            assertThat(fleet.events(GuardEvent.Refused.class)).isEmpty();
        }
    }

    @Test
    void a_job_whose_transaction_did_not_commit_has_failed() throws Exception {
        try (Fleet fleet = Fleet.guarded().ledger(rollingBack())) {
            fleet.probe().body(context -> {
                try {
                    CurrentRun.get().completeIn(null);
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            Scheduler scheduler = fleet.replica("a");
            Outcomes outcomes = Outcomes.of(scheduler);
            scheduler.scheduleJob(Jobs.job("order"), order("first"));
            fleet.start();
            await().until(() -> outcomes.executed().size() == 1);
            assertThat(outcomes.executed().get(0).failure().orElseThrow()).hasMessageContaining("did not commit");
            assertThat(fleet.first(GuardEvent.Released.class).outcome()).isEqualTo(RunOutcome.FAILED);
        }
    }

    /** A ledger in which no transaction ever commits. */
    private RunLedger rollingBack() {
        return (RunLedger) Proxy.newProxyInstance(
                RunLedger.class.getClassLoader(),
                new Class<?>[] {RunLedger.class},
                (proxy, method, args) ->
                        method.getName().equals("completeIn") ? Completion.NOTED : method.invoke(runs, args));
    }
}
