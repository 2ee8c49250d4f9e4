package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.SCHEDULED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.JobGuard;
import io.hapax.LeaseLostException;
import io.hapax.OnLeaseLost;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.RunKey;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.FailedState;
import org.jobrunr.storage.ConcurrentJobModificationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.slf4j.MDC;

/** How a run ends: by failing, by losing its lease, by being deleted. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class RunEndTest {

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k");
    private final String name = fleet.journalName("k");

    @AfterEach
    void stop() {
        fleet.close();
    }

    private void worker(OnLeaseLost told) {
        JobGuard guard = fleet.guard(
                "a",
                fleet.leases,
                options -> options.withTtl(Duration.ofSeconds(8)).withOnLeaseLost(told));
        fleet.guarded("a", 1, guard).start();
    }

    private JobGuard guard() {
        return Objects.requireNonNull(JobRunrGuard.guardOf(fleet.server("a")));
    }

    /** Takes the lease away; the holder notices at its next renewal. */
    private void takeLease(UUID id) {
        JobIdentity identity = new JobIdentity(null, new RunKey(fleet.firstRunKey(id)));
        assertThat(fleet.leases
                        .admin()
                        .forceRelease(identity)
                        .toCompletableFuture()
                        .join())
                .isPresent();
    }

    private FailedState firstFailure(UUID id) {
        return fleet.job(id).getJobStatesOfType(FailedState.class).findFirst().orElseThrow();
    }

    @Test
    void a_listening_job_that_loses_its_lease_fails_and_is_retried() {
        journal.hold();
        worker(OnLeaseLost.INTERRUPT);
        UUID id = fleet.enqueue(work -> work.run(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        takeLease(id);

        fleet.awaitJob(id, job -> fleet.history(id).contains(FAILED));
        assertThat(firstFailure(id).getExceptionType()).isEqualTo(LeaseLostException.class.getName());
        assertThat(firstFailure(id).getStackTrace()).contains("Suppressed: ").contains("InterruptedException");
        assertThat(firstFailure(id).getMessage()).doesNotContain("server has stopped");
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.mostAtWork()).isEqualTo(1);
    }

    @Test
    void a_deaf_job_that_loses_its_lease_fails_when_it_ends_and_is_retried() {
        journal.hold();
        worker(OnLeaseLost.INTERRUPT);
        UUID id = fleet.enqueue(work -> work.deaf(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        takeLease(id);
        Fleet.eventually().until(() -> fleet.losses() == 1);
        journal.release();

        fleet.awaitState(id, SUCCEEDED);
        assertThat(firstFailure(id).getExceptionType()).isEqualTo(LeaseLostException.class.getName());
        assertThat(journal.starts()).isEqualTo(2);
        // The job's end may be stored a moment before the run's.
        Fleet.eventually().until(() -> guard().activeRuns() == 0);
    }

    /** It may have stopped half-way, so its success must not count; the retry decides. */
    @Test
    void a_job_that_swallows_the_interrupt_does_not_succeed_and_keeps_its_metadata() {
        journal.hold();
        worker(OnLeaseLost.INTERRUPT);
        UUID id;
        try (MDC.MDCCloseable tenant = MDC.putCloseable("tenant", "acme")) {
            id = fleet.enqueue(work -> work.swallowing(name));
        }
        Fleet.eventually().until(() -> journal.starts() == 1);
        takeLease(id);

        Job failed = fleet.awaitJob(id, job -> Fleet.history(job).contains(FAILED));
        assertThat(failed.getMetadata()).containsEntry("mdc-tenant", "acme");
        assertThat(firstFailure(id).getMessage())
                .isEqualTo("[hapax] the result does not count, because the lease was lost");
        assertThat(fleet.history(id)).doesNotContain(SUCCEEDED);
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.notes()).containsExactly("swallowed");
        assertThat(journal.starts()).isEqualTo(2);
    }

    @Test
    void an_occurrence_that_was_completed_elsewhere_while_its_lease_was_lost_is_not_repeated() {
        journal.hold();
        worker(OnLeaseLost.SIGNAL);
        UUID id = fleet.enqueue(work -> work.swallowing(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        takeLease(id);
        complete(id);
        Fleet.eventually().until(() -> fleet.losses() == 1);
        journal.release();

        fleet.awaitState(id, SUCCEEDED);
        assertThat(fleet.history(id)).contains(FAILED);
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(DuplicateRunsTest.dashboardLog(fleet.job(id))).contains("was completed by elsewhere");
    }

    /** As a twin of the job on another worker would. */
    private void complete(UUID id) {
        JobGuard other = fleet.guard("elsewhere", fleet.leases, options -> options);
        String runKey = fleet.firstRunKey(id);
        Fleet.eventually()
                .until(() ->
                        other.run(RunRequest.occurrence(runKey), run -> "done").ran());
    }

    @Test
    void an_interrupt_for_a_lost_lease_does_not_hit_the_next_job_of_the_thread() {
        journal.hold();
        worker(OnLeaseLost.INTERRUPT);
        UUID id = fleet.enqueue(work -> work.run(name));
        Journal next = fleet.journal("next");
        String nextName = fleet.journalName("next");
        Fleet.eventually().until(() -> journal.starts() == 1);
        fleet.enqueue(work -> work.noting(nextName));
        takeLease(id);

        Fleet.eventually().until(() -> next.ends() == 1);
        assertThat(next.notes()).contains("interrupted=false");
        assertThat(next.notes().get(1)).matches("token=\\d+");
    }

    @Test
    void a_job_that_throws_gives_its_lease_back_and_is_retried_as_usual() {
        worker(OnLeaseLost.INTERRUPT);
        UUID id = fleet.enqueue(work -> work.throwing(name));

        fleet.awaitState(id, FAILED);
        assertThat(journal.starts()).isEqualTo(2);
        assertThat(fleet.history(id)).containsSubsequence(FAILED, SCHEDULED, FAILED);
        assertThat(firstFailure(id).getExceptionMessage()).isEqualTo("on purpose");
        assertThat(Fleet.isPostponed(fleet.job(id))).isFalse();
        // The job's end may be stored a moment before the run's.
        Fleet.eventually().until(() -> guard().activeRuns() == 0);
    }

    @Test
    void a_job_that_throws_an_error_ends_its_run() {
        worker(OnLeaseLost.INTERRUPT);
        UUID id = fleet.enqueue(work -> work.throwingError(name));

        fleet.awaitState(id, FAILED);
        // The job's end may be stored a moment before the run's.
        Fleet.eventually().until(() -> guard().activeRuns() == 0);
    }

    @Test
    void a_job_whose_heartbeats_cannot_be_watched_fails_and_is_retried_and_its_run_ends() {
        AtomicBoolean failed = new AtomicBoolean();
        worker(OnLeaseLost.INTERRUPT);
        fleet.asksForConfiguration = () -> {
            boolean byWatch = StackWalker.getInstance()
                    .walk(frames ->
                            frames.anyMatch(frame -> frame.getClassName().equals(HeartbeatWatch.class.getName())));
            if (byWatch && failed.compareAndSet(false, true)) {
                throw new IllegalStateException("injected: nothing can be planned");
            }
        };
        UUID id = fleet.enqueue(work -> work.run(name));

        fleet.awaitState(id, SUCCEEDED);
        assertThat(fleet.history(id)).containsSubsequence(FAILED, SCHEDULED, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
        // The job's end may be stored a moment before the run's.
        Fleet.eventually().until(() -> guard().activeRuns() == 0);
    }

    @Test
    void a_job_that_is_deleted_while_it_works_stays_deleted_and_may_be_queued_again() {
        journal.hold();
        worker(OnLeaseLost.INTERRUPT);
        UUID id = fleet.enqueue(work -> work.deaf(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        Fleet.eventually().until(() -> deleted(id));
        // The worker learns of it by its next heartbeat, which interrupts the thread.
        Fleet.eventually()
                .until(() -> fleet.server("a").getJobSteward().getJobsInProgress().stream()
                        .allMatch(job -> job.hasState(DELETED)));
        journal.release();
        Fleet.eventually().until(() -> fleet.server("a").getJobSteward().getOccupiedWorkerCount() == 0);
        assertThat(fleet.state(id)).isEqualTo(DELETED);

        Job again = fleet.job(id);
        again.enqueue();
        fleet.storage.save(again);
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
    }

    private boolean deleted(UUID id) {
        try {
            Job job = fleet.job(id);
            job.delete("by the user");
            fleet.storage.save(job);
            return true;
        } catch (ConcurrentJobModificationException heartbeat) {
            return false;
        }
    }
}
