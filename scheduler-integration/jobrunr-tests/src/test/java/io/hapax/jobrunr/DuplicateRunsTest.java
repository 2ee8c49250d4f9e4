package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.ENQUEUED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.PROCESSING;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.jobrunr.Fleet.Worker;
import io.hapax.testkit.WallClock;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.context.JobDashboardLogger.JobDashboardLogLines;
import org.jobrunr.jobs.states.DeletedState;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.storage.Paging;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ways in which JobRunr alone runs a job twice, each with and without the guard. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class DuplicateRunsTest {

    private final Fleet fleet = fleet().deadAfter(10);

    Fleet fleet() {
        return new Fleet();
    }

    @AfterEach
    void stop() {
        fleet.close();
    }

    @ParameterizedTest(name = "guarded={0}")
    @ValueSource(booleans = {false, true})
    void a_worker_whose_heartbeats_are_late_is_overtaken_only_without_the_guard(boolean guarded) {
        Journal journal = fleet.journal("late").hold();
        String name = fleet.journalName("late");
        Worker slow = fleet.either(guarded, "slow", 1).start();
        slow.storage().dropHeartbeats = true;
        UUID id = fleet.enqueue(work -> work.deaf(name));
        Fleet.eventually().until(() -> journal.starts() >= 1);
        fleet.either(guarded, "other", 1).start();

        if (guarded) {
            fleet.awaitPostponed(id, 2);
            assertThat(journal.mostAtWork()).isEqualTo(1);
            journal.release();
            fleet.awaitState(id, SUCCEEDED);
            assertThat(journal.starts()).isEqualTo(1);
            assertThat(dashboardLog(fleet.job(id))).contains("not run: this occurrence was completed by slow");
        } else {
            Fleet.eventually().until(() -> journal.mostAtWork() == 2);
        }
    }

    /** Without care, the heartbeats that come too late would make JobRunr stop the server of the healthy worker. */
    @Test
    void a_worker_whose_heartbeats_come_back_finishes_its_job_and_goes_on() {
        // A worker that the other one takes for dead, as both stand still, would interrupt its job.
        fleet.deadAfter(25);
        Journal journal = fleet.journal("paused").hold();
        String name = fleet.journalName("paused");
        Worker paused = fleet.guarded("paused", 1).start();
        paused.storage().dropHeartbeats = true;
        UUID id = fleet.enqueue(work -> work.run(name));
        Fleet.eventually().until(() -> journal.starts() >= 1);
        Fleet.eventually().until(() -> fleet.history(id).contains(FAILED));
        paused.storage().dropHeartbeats = false;
        fleet.guarded("other", 1).start();

        // Each postponement takes a poll, and 6 failed heartbeats in a row would stop the server.
        fleet.awaitPostponed(id, 12);
        assertThat(paused.server().isRunning()).isTrue();
        assertThat(journal.atWork()).isEqualTo(1);
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
    }

    @ParameterizedTest(name = "guarded={0}")
    @ValueSource(booleans = {false, true})
    void a_success_that_could_not_be_stored_is_repeated_only_without_the_guard(boolean guarded) {
        Journal journal = fleet.journal("unsaved");
        String name = fleet.journalName("unsaved");
        Worker worker = fleet.either(guarded, "worker", 1);
        worker.storage().successesToFail.set(1);
        worker.start();
        UUID id = fleet.enqueue(work -> work.run(name));

        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(guarded ? 1 : 2);
    }

    /** JobRunr counts a worker's thread as busy only once the job starts, so it can fetch more jobs than it has threads. */
    @ParameterizedTest(name = "guarded={0}")
    @ValueSource(booleans = {false, true})
    void a_job_fetched_beyond_the_number_of_threads_is_run_twice_only_without_the_guard(boolean guarded) {
        // A worker that the other one takes for dead, as both stand still, would forget what it has fetched.
        fleet.deadAfter(25);
        Journal blocking = fleet.journal("blocking").hold();
        Journal surplus = fleet.journal("surplus");
        String blockingName = fleet.journalName("blocking");
        String surplusName = fleet.journalName("surplus");
        Worker busy = fleet.either(guarded, "busy", 1).start();
        fleet.enqueue(work -> work.run(blockingName));
        Fleet.eventually().until(() -> blocking.starts() == 1);

        UUID id = fleet.enqueue(work -> work.run(surplusName));
        fetch(busy.server());
        assertThat(fleet.state(id)).isEqualTo(PROCESSING);
        fleet.either(guarded, "other", 1).start();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(surplus.starts()).isEqualTo(1);

        blocking.release();
        // The surplus performer comes before this one on the only thread.
        Journal after = fleet.journal("after");
        String afterName = fleet.journalName("after");
        UUID last = fleet.enqueue(work -> work.run(afterName));
        Fleet.eventually().until(() -> busy.server().getJobSteward().getOccupiedWorkerCount() == 0);
        fleet.awaitState(last, SUCCEEDED);
        assertThat(after.starts()).isEqualTo(1);
        if (guarded) {
            assertThat(surplus.starts()).isEqualTo(1);
        } else {
            Fleet.eventually().until(() -> surplus.starts() == 2);
        }
        assertThat(fleet.state(id)).isEqualTo(SUCCEEDED);
    }

    @Test
    void a_stale_performer_does_not_disturb_the_retry_that_is_at_work_on_the_same_worker() {
        Journal blocking = fleet.journal("blocking").hold();
        Journal surplus = fleet.journal("surplus").hold();
        String blockingName = fleet.journalName("blocking");
        String surplusName = fleet.journalName("surplus");
        Worker only = fleet.guarded("only", 1).start();
        fleet.enqueue(work -> work.run(blockingName));
        Fleet.eventually().until(() -> blocking.starts() == 1);
        UUID id = fleet.enqueue(work -> work.run(surplusName));
        fetch(only.server());

        // The retry is taken by the same server while the first performer still queues, on a thread of another pool.
        Fleet.eventually().until(() -> fleet.history(id).contains(FAILED));
        Fleet.eventually().until(() -> !fetchedJobs(only.server(), id).isEmpty());
        Thread retry = new Thread(new GuardedPerformer(
                only.server(),
                fetched,
                new JobClasses(),
                new HandOver(only.server(), Ticker.SYSTEM).turn(fetched),
                WallClock.REAL));
        retry.start();
        Fleet.eventually().until(() -> surplus.starts() == 1);
        blocking.release();
        Fleet.eventually().until(() -> only.server().getJobSteward().getOccupiedWorkerCount() == 1);

        assertThat(fleet.state(id)).isEqualTo(PROCESSING);
        surplus.release();
        fleet.awaitState(id, SUCCEEDED);
        assertThat(surplus.starts()).isEqualTo(1);
    }

    private volatile Job fetched;

    private List<Job> fetchedJobs(BackgroundJobServer server, UUID id) {
        List<Job> jobs =
                server.getStorageProvider().getJobsToProcess(server, Paging.AmountBasedList.ascOnUpdatedAt(1)).stream()
                        .filter(job -> job.getId().equals(id))
                        .toList();
        jobs.forEach(job -> fetched = job);
        return jobs;
    }

    /** A new master has forgotten which instants it has created, and JobRunr creates them up to one poll early. */
    @ParameterizedTest(name = "guarded={0}")
    @ValueSource(booleans = {false, true})
    void a_change_of_master_repeats_a_done_occurrence_only_without_the_guard(boolean guarded) {
        Journal journal = fleet.journal("nightly");
        String name = fleet.journalName("nightly");
        Instant withinAPoll = WallClock.now().plusSeconds(50);
        String cron = withinAPoll.atZone(ZoneOffset.UTC).getSecond() + " * * * * *";
        fleet.scheduler.<Work>scheduleRecurrently("nightly", cron, ZoneOffset.UTC, work -> work.run(name));

        Worker first = longPolling(guarded, "first").start();
        Job original = takeOccurrence(first, null);
        Fleet.eventually().until(() -> journal.ends() == 1);
        fleet.awaitState(original.getId(), SUCCEEDED);
        first.server().stop();

        Worker second = longPolling(guarded, "second").start();
        Job again = takeOccurrence(second, original);
        fleet.awaitState(again.getId(), SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(guarded ? 1 : 2);
    }

    private Worker longPolling(boolean guarded, String name) {
        Worker worker = fleet.worker(name, 1, Duration.ofSeconds(60));
        if (guarded) {
            JobRunrGuard.install(worker.server(), fleet.guard(name, fleet.leases, options -> options));
        } else {
            JobRunrGuard.allowUnguarded();
        }
        return worker;
    }

    /** Which the worker may have taken by itself. */
    private Job takeOccurrence(Worker worker, @Nullable Job before) {
        Fleet.eventually().until(() -> occurrences(before).findFirst().isPresent());
        Job taken = occurrences(before).findFirst().orElseThrow();
        worker.server().getJobSteward().run();
        return taken;
    }

    private Stream<Job> occurrences(@Nullable Job before) {
        return Stream.of(ENQUEUED, PROCESSING, SUCCEEDED)
                .flatMap(state -> fleet.storage.getJobList(state, Paging.AmountBasedList.ascOnUpdatedAt(10)).stream())
                .filter(job -> before == null || !job.getId().equals(before.getId()));
    }

    @ParameterizedTest(name = "guarded={0}")
    @ValueSource(booleans = {false, true})
    void a_recurring_job_triggered_by_hand_overlaps_itself_only_without_the_guard(boolean guarded) {
        Journal journal = fleet.journal("report").hold();
        String name = fleet.journalName("report");
        fleet.scheduler.<Work>scheduleRecurrently("report", "0 0 1 1 *", work -> work.run(name));
        fleet.either(guarded, "a", 2).start();
        UUID first = trigger();
        Fleet.eventually().until(() -> journal.starts() == 1);
        UUID second = trigger();

        if (guarded) {
            fleet.awaitState(second, DELETED);
            DeletedState deleted = fleet.job(second).getJobState();
            assertThat(deleted.getReason())
                    .startsWith("[hapax] skipped: OVERLAP on 'recurring:report': the key is held by a (owner ");
            journal.release();
            fleet.awaitState(first, SUCCEEDED);
            assertThat(journal.starts()).isEqualTo(1);
        } else {
            Fleet.eventually().until(() -> journal.mostAtWork() == 2);
        }
    }

    /** What the dashboard's "trigger now" does. */
    private UUID trigger() {
        return fleet.storage
                .save(fleet.storage.getRecurringJobs().get(0).toEnqueuedJob())
                .getId();
    }

    @Test
    void a_job_that_is_put_into_the_queue_again_after_its_success_runs_again() {
        Journal journal = fleet.journal("requeued");
        String name = fleet.journalName("requeued");
        fleet.guarded("a", 1).start();
        UUID id = fleet.enqueue(work -> work.run(name));
        fleet.awaitState(id, SUCCEEDED);

        Job requeued = fleet.job(id);
        requeued.enqueue();
        fleet.storage.save(requeued);

        Fleet.eventually().until(() -> journal.ends() == 2);
        fleet.awaitState(id, SUCCEEDED);
    }

    /** Fetches a job and hands it to the server, as its steward does. */
    private static void fetch(BackgroundJobServer server) {
        server.getStorageProvider()
                .getJobsToProcess(server, Paging.AmountBasedList.ascOnUpdatedAt(1))
                .forEach(server::processJob);
    }

    static String dashboardLog(Job job) {
        StringBuilder lines = new StringBuilder();
        job.getMetadata().forEach((key, value) -> {
            if (value instanceof JobDashboardLogLines log) {
                log.getLogLines()
                        .forEach(line -> lines.append(line.getLogMessage()).append('\n'));
            }
        });
        return lines.toString();
    }
}
