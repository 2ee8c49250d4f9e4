package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.JobGuard;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.RunKey;
import io.hapax.ledger.Completion;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.test.InMemoryRunLedger;
import io.hapax.time.Ticker;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.UUID;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.FailedState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What JobRunr makes of what the ledger says. */
@Execution(ExecutionMode.CONCURRENT)
class LedgerJobTest {

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k");
    private final String name = fleet.journalName("k");
    private final InMemoryRunLedger runs = new InMemoryRunLedger(Ticker.SYSTEM);

    @AfterEach
    void stop() {
        fleet.close();
    }

    private void worker(RunLedger ledger) {
        JobGuard guard = JobGuard.builder(fleet.leases)
                .ledger(ledger)
                .defaults(options -> options.withTtl(Duration.ofSeconds(8)))
                .build();
        fleet.guarded("a", 1, guard).start();
    }

    private JobIdentity identity(UUID id) {
        return new JobIdentity(null, new RunKey(fleet.firstRunKey(id)));
    }

    private LedgerEntry entry(UUID id) {
        return runs.entry(identity(id)).toCompletableFuture().join().orElseThrow();
    }

    private FailedState lastFailure(UUID id) {
        return fleet.job(id)
                .getJobStatesOfType(FailedState.class)
                .reduce((first, second) -> second)
                .orElseThrow();
    }

    @Test
    void a_job_is_done_in_the_ledger_before_it_has_succeeded() {
        worker(runs);
        UUID id = fleet.enqueue(work -> work.run(name));
        fleet.awaitState(id, SUCCEEDED);
        assertThat(entry(id).state()).isEqualTo(RunState.DONE);
    }

    /** Its run loses its lease, which fails the job; the retry is refused and not tried again. */
    private UUID abandoned() {
        journal.hold();
        worker(runs);
        UUID id = fleet.enqueue(work -> work.atMostOnce(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        assertThat(fleet.leases
                        .admin()
                        .forceRelease(identity(id))
                        .toCompletableFuture()
                        .join())
                .isPresent();
        Fleet.eventually()
                .until(() -> fleet.history(id).stream().filter(FAILED::equals).count() == 2);
        journal.release();
        assertThat(entry(id).state()).isEqualTo(RunState.ABANDONED);
        assertThat(journal.starts()).isEqualTo(1);
        return id;
    }

    @Test
    void a_job_whose_run_broke_off_is_left_to_a_person_if_it_says_abandon() {
        UUID id = abandoned();
        assertThat(lastFailure(id).getExceptionMessage()).contains("ABANDONED").contains("resolve");
    }

    /** As the console and the command line say where a person lets it run again. */
    @Test
    void an_abandoned_job_that_may_run_again_runs_when_it_is_requeued_and_not_before() {
        UUID id = abandoned();
        assertThat(runs.resolve(
                                identity(id),
                                entry(id).token(),
                                RunState.RELEASED,
                                new Intervention("ann", "nothing was sent"))
                        .toCompletableFuture()
                        .join())
                .isTrue();
        String another = fleet.journalName("another");
        fleet.awaitState(fleet.enqueue(work -> work.run(another)), SUCCEEDED);
        assertThat(journal.starts()).as("JobRunr takes it for ended").isEqualTo(1);
        assertThat(fleet.state(id)).isEqualTo(FAILED);

        Job requeued = fleet.job(id);
        requeued.enqueue();
        fleet.storage.save(requeued);
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
        assertThat(entry(id).state()).isEqualTo(RunState.DONE);
        assertThat(entry(id).attempt()).isEqualTo(2);
    }

    @Test
    void a_job_whose_transaction_did_not_commit_has_failed() {
        worker(rollingBack());
        UUID id = fleet.enqueue(work -> work.completing(name));
        fleet.awaitState(id, FAILED);
        assertThat(lastFailure(id).getMessage()).contains("did not commit");
        assertThat(entry(id).state()).isEqualTo(RunState.FAILED);
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
