package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.ENQUEUED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.PROCESSING;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.jobrunr.Fleet.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jobrunr.jobs.Job;
import org.jobrunr.storage.ConcurrentJobModificationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** A key goes from one job to the next of those that a server has at hand, and not by way of JobRunr's next poll. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class HandOverTest {

    /** Longer than any test waits: what needs another poll does not come. */
    private static final Duration NO_POLL = Duration.ofMinutes(10);

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

    private Worker server(String worker, int threads, Duration poll) {
        Worker made = fleet.worker(worker, threads, poll);
        JobRunrGuard.install(made.server(), fleet.guard(worker, fleet.leases, options -> options));
        return made;
    }

    private List<UUID> enqueue(int jobs) {
        List<UUID> ids = new ArrayList<>();
        for (int n = 0; n < jobs; n++) {
            ids.add(fleet.enqueue(work -> work.rescheduling(name)));
        }
        return ids;
    }

    private void awaitAllAtHand(Worker worker, int jobs) {
        Fleet.eventually()
                .until(() -> worker.server().getJobSteward().getJobsInProgress().size() == jobs);
        Fleet.eventually().until(() -> journal.starts() == 1);
    }

    @Test
    void a_burst_under_one_key_runs_one_after_the_other_and_is_never_scheduled() {
        List<UUID> ids = enqueue(20);
        Worker worker = server("a", 4, NO_POLL).start();
        // Each of them has heartbeats, or JobRunr would take it for orphaned.
        awaitAllAtHand(worker, 20);
        assertThat(fleet.storage.countJobs(PROCESSING)).isEqualTo(20);

        journal.release();
        for (UUID id : ids) {
            fleet.awaitState(id, SUCCEEDED);
            assertThat(fleet.history(id)).containsExactly(ENQUEUED, PROCESSING, SUCCEEDED);
        }
        assertThat(journal.mostAtWork()).isEqualTo(1);
        assertThat(journal.starts()).isEqualTo(20);
        Fleet.eventually().until(() -> worker.server().getJobSteward().getOccupiedWorkerCount() == 0);
        assertThat(worker.server().getJobSteward().getJobsInProgress()).isEmpty();
    }

    @Test
    void jobs_that_wait_for_a_key_hold_no_thread() {
        List<UUID> ids = enqueue(10);
        Worker worker = server("a", 2, NO_POLL).start();
        awaitAllAtHand(worker, 10);
        // The last one may still be on its way to the line.
        Fleet.eventually().until(() -> worker.server().getJobSteward().getOccupiedWorkerCount() == 1);
        journal.release();
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
    }

    @Test
    void work_under_other_keys_goes_on_while_jobs_wait_for_one() {
        Journal other = fleet.journal("other");
        String otherName = fleet.journalName("other");
        enqueue(10);
        List<UUID> others = new ArrayList<>();
        for (int n = 0; n < 5; n++) {
            others.add(fleet.enqueue(work -> work.keyed(otherName)));
        }
        server("a", 2, NO_POLL).start();

        others.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        assertThat(other.mostAtWork()).isEqualTo(1);
        assertThat(journal.starts()).isEqualTo(1);
    }

    @Test
    void a_run_that_fails_hands_its_key_on_too() {
        UUID failing = fleet.enqueue(work -> work.keyedFailing(name));
        List<UUID> ids = enqueue(3);
        Worker worker = server("a", 2, NO_POLL).start();
        awaitAllAtHand(worker, 4);

        journal.release();
        fleet.awaitState(failing, FAILED);
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        assertThat(journal.mostAtWork()).isEqualTo(1);
    }

    @Test
    void a_job_that_is_deleted_while_it_waits_does_not_run_and_the_next_one_does() {
        List<UUID> ids = enqueue(4);
        Worker worker = server("a", 2, NO_POLL).start();
        awaitAllAtHand(worker, 4);
        // Fetched when one of the first two had the key already.
        UUID deleted = ids.get(2);
        delete(deleted);

        journal.release();
        for (UUID id : ids) {
            fleet.awaitState(id, id.equals(deleted) ? DELETED : SUCCEEDED);
        }
        assertThat(journal.starts()).isEqualTo(3);
    }

    private void delete(UUID id) {
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
    }

    @Test
    void jobs_that_wait_when_their_server_stops_are_put_back_and_run_by_another() {
        List<UUID> ids = enqueue(5);
        Worker stopping = server("stopping", 2, NO_POLL).start();
        awaitAllAtHand(stopping, 5);
        stopping.server().stop();

        // JobRunr 7 may store that a moment after it has stopped.
        Fleet.eventually().until(() -> fleet.storage.countJobs(FAILED) == 1);
        List<UUID> waited =
                ids.stream().filter(id -> !fleet.history(id).contains(FAILED)).toList();
        assertThat(waited).as("all but the one that was at work").hasSize(4);
        waited.forEach(id -> fleet.awaitJob(id, Fleet::isPostponed));
        journal.release();
        fleet.guarded("other", 2).start();
        waited.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        assertThat(journal.mostAtWork()).isEqualTo(1);
        waited.forEach(id -> assertThat(fleet.history(id)).doesNotContain(FAILED));
    }

    @Test
    void a_line_that_does_not_move_within_a_poll_leaves_its_jobs_to_other_servers() {
        List<UUID> ids = enqueue(3);
        server("a", 2, Fleet.POLL).start();
        Fleet.eventually().until(() -> journal.starts() == 1);

        Fleet.eventually()
                .until(() -> ids.stream()
                                .filter(id -> Fleet.isPostponed(fleet.job(id)))
                                .count()
                        == 2);
        journal.release();
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        assertThat(journal.mostAtWork()).isEqualTo(1);
    }
}
