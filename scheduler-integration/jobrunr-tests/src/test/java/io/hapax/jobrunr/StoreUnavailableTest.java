package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.ENQUEUED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.SCHEDULED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.JobGuard;
import io.hapax.WhenUnavailable;
import io.hapax.test.FaultyLeaseStore;
import java.time.Duration;
import java.util.UUID;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.ScheduledState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated
class StoreUnavailableTest {

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k");
    private final String name = fleet.journalName("k");
    private final FaultyLeaseStore store = new FaultyLeaseStore(fleet.leases);

    @AfterEach
    void stop() {
        store.healthy();
        fleet.close();
    }

    private void worker(WhenUnavailable policy) {
        JobGuard guard = fleet.guard(
                "a", store, options -> options.withTtl(Duration.ofSeconds(2)).withWhenUnavailable(policy));
        Fleet.Worker worker = fleet.guarded("a", 1, guard);
        JobRunrGuard.maxPostponements(worker.server(), 1);
        worker.start();
    }

    @Test
    void a_job_is_postponed_until_the_store_answers_and_never_fails() {
        store.failAcquires();
        worker(WhenUnavailable.FAIL_CLOSED);
        // FAIL is about other holders, not about trouble with the store.
        UUID id = fleet.enqueue(work -> work.failing(name));

        Fleet.eventually().until(() -> store.acquireCalls() >= 3);
        Job postponed = fleet.awaitJob(id, job -> job.hasState(SCHEDULED));
        assertThat(Fleet.history(postponed)).containsExactly(ENQUEUED, SCHEDULED);
        assertThat(postponed.<ScheduledState>getJobState().getReason())
                .isEqualTo("[hapax] postponed: UNAVAILABLE on 'key/" + name + "': the lease store did not answer");
        assertThat(journal.starts()).isZero();

        store.healthy();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
    }

    @Test
    void an_occurrence_of_a_recurring_job_is_postponed_too_and_runs_once() {
        store.failAcquires();
        worker(WhenUnavailable.FAIL_CLOSED);
        fleet.scheduler.<Work>scheduleRecurrently("nightly", "0 0 1 1 *", work -> work.skipping(name));
        UUID id = fleet.storage
                .save(fleet.storage.getRecurringJobs().get(0).toEnqueuedJob())
                .getId();

        Fleet.eventually().until(() -> store.acquireCalls() >= 3);
        fleet.awaitJob(id, job -> job.hasState(SCHEDULED));
        store.healthy();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
    }

    @Test
    void a_job_runs_unguarded_if_the_guard_fails_open() {
        store.failAcquires();
        worker(WhenUnavailable.FAIL_OPEN);
        UUID id = fleet.enqueue(work -> work.run(name));

        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
    }

    @Test
    void a_completion_that_the_store_does_not_confirm_still_succeeds_in_jobrunr() {
        store.failReleases();
        worker(WhenUnavailable.FAIL_CLOSED);
        UUID id = fleet.enqueue(work -> work.run(name));

        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
    }

    @Test
    void a_guard_that_is_shut_down_postpones() {
        JobGuard guard = fleet.guard("a", store, options -> options);
        guard.close();
        fleet.guarded("a", 1, guard).start();
        UUID id = fleet.enqueue(work -> work.run(name));

        fleet.awaitJob(id, Fleet::isPostponed);
        assertThat(journal.starts()).isZero();
    }
}
