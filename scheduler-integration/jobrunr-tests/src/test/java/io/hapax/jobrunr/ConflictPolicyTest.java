package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.ENQUEUED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.PROCESSING;
import static org.jobrunr.jobs.states.StateName.SCHEDULED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.JobGuard;
import io.hapax.jobrunr.Fleet.Worker;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import java.util.Objects;
import java.util.UUID;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.DeletedState;
import org.jobrunr.jobs.states.FailedState;
import org.jobrunr.jobs.states.ScheduledState;
import org.jobrunr.storage.ConcurrentJobModificationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.MDC;

@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class ConflictPolicyTest {

    private final Fleet fleet = fleet();
    private final Journal journal = fleet.journal("k").hold();
    private final String name = fleet.journalName("k");

    Fleet fleet() {
        return new Fleet();
    }

    @AfterEach
    void stop() {
        fleet.close();
    }

    private void workers(boolean sameServer) {
        if (sameServer) {
            fleet.guarded("a", 2).start();
        } else {
            fleet.guarded("a", 1).start();
            fleet.guarded("b", 1).start();
        }
    }

    private void awaitHeld() {
        Fleet.eventually().until(() -> journal.starts() == 1);
    }

    @ParameterizedTest(name = "sameServer={0}")
    @ValueSource(booleans = {true, false})
    void skip_deletes_the_job_with_the_reason(boolean sameServer) {
        workers(sameServer);
        fleet.enqueue(work -> work.skipping(name));
        awaitHeld();
        UUID id = fleet.enqueue(work -> work.skipping(name));

        fleet.awaitState(id, DELETED);
        assertThat(fleet.history(id)).containsExactly(ENQUEUED, PROCESSING, DELETED);
        DeletedState deleted = fleet.job(id).getJobState();
        assertThat(deleted.getReason())
                .startsWith("[hapax] skipped: OVERLAP on 'key/" + name + "': the key is held by ");
        assertThat(journal.starts()).isEqualTo(1);
    }

    @Test
    void with_hashed_keys_the_reason_in_the_jobs_history_has_the_digest() {
        JobGuard hashing = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .worker("a")
                .hashKeys("0123456789abcdef")
                .closesStore()
                .build();
        fleet.guarded("a", 2, hashing).start();
        fleet.enqueue(work -> work.skipping(name));
        awaitHeld();
        UUID id = fleet.enqueue(work -> work.skipping(name));

        fleet.awaitState(id, DELETED);
        assertThat(fleet.job(id).<DeletedState>getJobState().getReason())
                .matches("\\[hapax] skipped: OVERLAP on 'h[0-9a-f]{40}': the key is held by .*")
                .doesNotContain(name);
        hashing.close();
    }

    @Test
    void a_job_whose_key_is_paused_is_postponed_also_with_skip_and_runs_once_when_it_is_resumed() {
        JobIdentity key = new JobIdentity(new LockKey("key/" + name), null);
        JobGuard pausing = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .worker("a")
                .closesStore()
                .build();
        pausing.admin().pause(key, "ann", "wrong sums").join();
        fleet.guarded("a", 2, pausing).start();
        UUID id = fleet.enqueue(work -> work.skipping(name));
        Job postponed = fleet.awaitJob(id, job -> job.hasState(SCHEDULED));
        assertThat(postponed.<ScheduledState>getJobState().getReason())
                .contains("PAUSED on 'key/" + name + "': the key is paused since ", "by ann: wrong sums");
        assertThat(journal.starts()).isZero();

        pausing.admin().resume(key, "ann", "mended").join();
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
        pausing.close();
    }

    @ParameterizedTest(name = "sameServer={0}")
    @ValueSource(booleans = {true, false})
    void reschedule_spends_no_retry_and_keeps_the_job_as_it_was(boolean sameServer) {
        workers(sameServer);
        fleet.enqueue(work -> work.rescheduling(name));
        awaitHeld();
        UUID id;
        try (MDC.MDCCloseable tenant = MDC.putCloseable("tenant", "acme")) {
            id = fleet.enqueue(work -> work.rescheduling(name));
        }
        Job before = fleet.job(id);
        fleet.awaitPostponed(id, 3);

        Job postponed = fleet.awaitJob(id, job -> job.hasState(SCHEDULED));
        assertThat(Fleet.history(postponed)).containsExactly(ENQUEUED, SCHEDULED);
        assertThat(postponed.<ScheduledState>getJobState().getReason())
                .matches("\\[hapax] postponed \\d+ times: OVERLAP on 'key/" + name + "': the key is held by .*");
        assertThat(postponed.getMetadata()).containsEntry("mdc-tenant", "acme");
        assertThat(postponed.getJobName()).isEqualTo("named " + name);
        assertThat(postponed.getAmountOfRetries()).isZero();
        assertThat(labels(postponed)).isEqualTo(labels(before)).isNotNull();

        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
        assertThat(journal.mostAtWork()).isEqualTo(1);
        assertThat(journal.notes()).containsExactlyInAnyOrder("tenant=null", "tenant=acme");
    }

    /** A set in JobRunr 7, a list in JobRunr 8. */
    private static Object labels(Job job) {
        try {
            return Job.class.getMethod("getLabels").invoke(job);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest(name = "sameServer={0}")
    @ValueSource(booleans = {true, false})
    void wait_holds_the_job_in_processing_beyond_the_time_after_which_it_would_be_orphaned(boolean sameServer) {
        fleet.deadAfter(40);
        workers(sameServer);
        fleet.enqueue(work -> work.waiting(name));
        awaitHeld();
        UUID id = fleet.enqueue(work -> work.waiting(name));
        fleet.awaitState(id, PROCESSING);
        int version = fleet.job(id).getVersion();
        // More polls than those after which a job without heartbeat counts as orphaned.
        fleet.awaitJob(id, job -> job.getVersion() >= version + 55);
        assertThat(journal.starts()).isEqualTo(1);

        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(fleet.history(id)).containsExactly(ENQUEUED, PROCESSING, SUCCEEDED);
        assertThat(journal.mostAtWork()).isEqualTo(1);
        assertThat(journal.starts()).isEqualTo(2);
    }

    @Test
    void wait_falls_back_to_reschedule_when_its_time_is_over() {
        workers(true);
        fleet.enqueue(work -> work.waitingBriefly(name));
        awaitHeld();
        UUID id = fleet.enqueue(work -> work.waitingBriefly(name));

        fleet.awaitPostponed(id, 2);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.mostAtWork()).isEqualTo(1);
    }

    @Test
    void a_job_that_is_deleted_while_it_waits_does_not_run() {
        Worker worker = fleet.guarded("a", 2).start();
        fleet.enqueue(work -> work.waiting(name));
        awaitHeld();
        UUID id = fleet.enqueue(work -> work.waiting(name));
        fleet.awaitState(id, PROCESSING);
        Fleet.eventually().until(() -> {
            Job waiting = fleet.job(id);
            waiting.delete("by the user");
            try {
                fleet.storage.save(waiting);
                return true;
            } catch (ConcurrentJobModificationException heartbeat) {
                return false;
            }
        });

        Fleet.eventually().until(() -> worker.server().getJobSteward().getOccupiedWorkerCount() == 1);
        journal.release();
        Fleet.eventually().until(() -> worker.server().getJobSteward().getOccupiedWorkerCount() == 0);
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(fleet.history(id)).last().isEqualTo(DELETED);
    }

    @Test
    void a_job_that_waits_when_its_server_stops_is_put_back_and_run_by_another() {
        fleet.guarded("holder", 1).start();
        fleet.enqueue(work -> work.waiting(name));
        awaitHeld();
        Worker stopping = fleet.guarded("stopping", 1).start();
        UUID id = fleet.enqueue(work -> work.waiting(name));
        fleet.awaitState(id, PROCESSING);
        // It is processed a moment before it waits; stopped in between, JobRunr itself puts it back.
        JobGuard guard = Objects.requireNonNull(JobRunrGuard.guardOf(stopping.server()));
        Fleet.eventually().until(() -> !guard.admin().waiting().isEmpty());
        stopping.server().stop();

        fleet.awaitJob(id, Fleet::isPostponed);
        assertThat(fleet.history(id)).doesNotContain(FAILED).doesNotContain(PROCESSING);
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
        assertThat(fleet.history(id)).doesNotContain(FAILED);
    }

    @ParameterizedTest(name = "sameServer={0}")
    @ValueSource(booleans = {true, false})
    void fail_fails_without_a_retry(boolean sameServer) {
        workers(sameServer);
        fleet.enqueue(work -> work.failing(name));
        awaitHeld();
        UUID id = fleet.enqueue(work -> work.failing(name));

        fleet.awaitState(id, FAILED);
        assertThat(fleet.history(id)).containsExactly(ENQUEUED, PROCESSING, FAILED);
        FailedState failed = fleet.job(id).getJobState();
        assertThat(failed.mustNotRetry()).isTrue();
        assertThat(failed.getExceptionMessage()).startsWith("[hapax] not run: OVERLAP on 'key/" + name + "': ");
    }

    @Test
    void a_job_that_is_postponed_too_often_fails_without_a_retry() {
        Fleet.Worker worker = fleet.guarded("a", 2);
        JobRunrGuard.maxPostponements(worker.server(), 2);
        worker.start();
        fleet.enqueue(work -> work.rescheduling(name));
        awaitHeld();
        UUID id = fleet.enqueue(work -> work.rescheduling(name));

        fleet.awaitState(id, FAILED);
        assertThat(fleet.job(id).<FailedState>getJobState().getExceptionMessage())
                .startsWith("[hapax] given up after 2 postponements, see JobRunrGuard.maxPostponements: OVERLAP on ");
    }

    /** The zombie of a job may die: then its retry is the only copy of the work, so no policy may drop it. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"skip", "fail", "wait"})
    void an_earlier_attempt_at_the_same_job_that_is_still_at_work_postpones_whatever_the_policy(String policy) {
        fleet.deadAfter(25);
        Worker slow = fleet.guarded("slow", 1).start();
        slow.storage().dropHeartbeats = true;
        UUID id = switch (policy) {
            case "skip" -> fleet.enqueue(work -> work.skipping(name));
            case "fail" -> fleet.enqueue(work -> work.failing(name));
            default -> fleet.enqueue(work -> work.waiting(name));
        };
        awaitHeld();
        fleet.guarded("other", 1).start();

        fleet.awaitPostponed(id, 2);
        assertThat(journal.starts()).isEqualTo(1);
        assertThat(journal.atWork()).isEqualTo(1);
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
    }

    @Test
    void a_one_off_job_without_a_key_does_not_conflict_with_others() {
        workers(true);
        fleet.enqueue(work -> work.run(name));
        fleet.enqueue(work -> work.run(name));

        Fleet.eventually().until(() -> journal.atWork() == 2);
    }

    @Test
    void a_recurring_job_that_is_rescheduled_keeps_its_identity() {
        fleet.scheduler.<Work>scheduleRecurrently("rec", "0 0 1 1 *", work -> work.rescheduling(name));
        workers(true);
        trigger();
        awaitHeld();
        UUID second = trigger();
        fleet.awaitPostponed(second, 1);

        assertThat(fleet.job(second).getRecurringJobId()).contains("rec");
        journal.release();
        fleet.awaitState(second, SUCCEEDED);
        assertThat(journal.mostAtWork()).isEqualTo(1);
    }

    private UUID trigger() {
        return fleet.storage
                .save(fleet.storage.getRecurringJobs().get(0).toEnqueuedJob())
                .getId();
    }
}
