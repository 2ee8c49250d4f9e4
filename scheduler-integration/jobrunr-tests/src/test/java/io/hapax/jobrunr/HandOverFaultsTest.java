package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.ENQUEUED;
import static org.jobrunr.jobs.states.StateName.PROCESSING;
import static org.jobrunr.jobs.states.StateName.SCHEDULED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.event.Verdict;
import io.hapax.jobrunr.Fleet.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jobrunr.jobs.Job;
import org.jobrunr.storage.StorageException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What goes wrong, or comes in between, while a key is handed on. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class HandOverFaultsTest {

    /** Longer than any test waits: what needs another poll does not come. */
    private static final Duration NO_POLL = Duration.ofMinutes(10);

    private static final Duration SOME_POLL = Duration.ofSeconds(2);

    private final Fleet fleet = new Fleet();
    private final List<Fleet> others = new ArrayList<>();
    private int journals;

    @AfterEach
    void stop() {
        fleet.close();
        others.forEach(Fleet::close);
    }

    private static Worker server(Fleet of, int threads, Duration poll) {
        Worker made = of.worker("a", threads, poll);
        JobRunrGuard.install(made.server(), of.guard("a", of.leases, options -> options));
        return made;
    }

    private static List<UUID> enqueue(Fleet of, String journal, int jobs) {
        List<UUID> ids = new ArrayList<>();
        for (int n = 0; n < jobs; n++) {
            ids.add(of.enqueue(work -> work.rescheduling(journal)));
        }
        return ids;
    }

    /** Jobs that the server gets a second time, as they have waited. */
    private static final class HandedOn {
        private final Set<Job> seen = Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));
        private final Set<UUID> handed = ConcurrentHashMap.newKeySet();

        boolean is(String call, List<Job> jobs) {
            boolean again = call.equals("perform") && !seen.add(jobs.get(0));
            if (again) {
                handed.add(jobs.get(0).getId());
            }
            return again;
        }
    }

    private boolean isPutBack(Job job) {
        return fleet.state(job.getId()) != PROCESSING;
    }

    /** Until the server has handed a key on at least once: on a slow machine a job may have waited for too long before. */
    private List<UUID> handOn(HandedOn handedOn, int jobs) {
        List<UUID> ids = new ArrayList<>();
        while (handedOn.handed.isEmpty() && journals < 10) {
            String of = "round" + journals++;
            Journal journal = fleet.journal(of).hold();
            ids.addAll(enqueue(fleet, fleet.journalName(of), jobs));
            Fleet.eventually().until(() -> journal.starts() >= 1 && ids.stream().noneMatch(this::isUntouched));
            journal.release();
            Fleet.eventually().until(() -> journal.ends() >= 1);
            Fleet.eventually()
                    .until(() -> !handedOn.handed.isEmpty()
                            || ids.stream().map(fleet::job).allMatch(Fleet::hasEnded));
        }
        assertThat(handedOn.handed).isNotEmpty();
        return ids;
    }

    private boolean isUntouched(UUID id) {
        return fleet.state(id) == ENQUEUED;
    }

    @Test
    void a_job_that_is_put_back_in_the_moment_in_which_it_is_handed_on_runs_as_it_was_stored() {
        HandedOn handedOn = new HandedOn();
        Worker worker = server(fleet, 2, SOME_POLL);
        worker.storage().onTheWay = (call, jobs) -> {
            if (handedOn.is(call, jobs)) {
                Fleet.eventually().until(() -> isPutBack(jobs.get(0)));
            }
        };
        worker.start();

        List<UUID> ids = handOn(handedOn, 2);
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        // Whoever has run, and could not store that, would be told that it was done before.
        assertThat(fleet.refused(Verdict.DONE)).isZero();
        Fleet.eventually().until(() -> worker.server().getJobSteward().getOccupiedWorkerCount() == 0);
    }

    @Test
    void what_is_taken_back_is_stored_before_other_work_is_fetched_also_if_the_storage_fails() {
        HandedOn handedOn = new HandedOn();
        List<String> order = new CopyOnWriteArrayList<>();
        CountDownLatch takenBack = new CountDownLatch(1);
        Worker worker = server(fleet, 2, SOME_POLL);
        worker.storage().onTheWay = (call, jobs) -> {
            if (handedOn.is(call, jobs)) {
                awaitIt(takenBack);
            } else if (Thread.currentThread().getName().startsWith("hapax-jobrunr-lines")
                    && !handedOn.handed.isEmpty()) {
                order.add(call);
                if (call.equals("fetch")) {
                    takenBack.countDown();
                } else {
                    throw new StorageException("injected: it cannot be put back");
                }
            }
        };
        worker.start();

        handOn(handedOn, 2);
        awaitIt(takenBack);
        assertThat(order).startsWith("save", "fetch");
        Fleet.eventually().until(() -> worker.server().getJobSteward().getOccupiedWorkerCount() == 0);
    }

    private static void awaitIt(CountDownLatch latch) {
        Fleet.eventually().until(() -> latch.getCount() == 0);
    }

    @Test
    void a_fetch_of_other_work_that_fails_does_not_fail_the_job_that_the_key_is_handed_to() {
        Worker worker = server(fleet, 2, NO_POLL);
        List<String> failed = new CopyOnWriteArrayList<>();
        worker.storage().onTheWay = (call, jobs) -> {
            boolean begins = StackWalker.getInstance()
                    .walk(frames ->
                            frames.anyMatch(frame -> frame.getMethodName().equals("begins")));
            if (begins && call.equals("fetch")) {
                failed.add(call);
                throw new StorageException("injected: nothing can be fetched");
            }
        };
        Journal journal = fleet.journal("k").hold();
        List<UUID> ids = enqueue(fleet, fleet.journalName("k"), 4);
        worker.start();
        awaitAtHand(worker, 4);
        journal.release();

        for (UUID id : ids) {
            fleet.awaitState(id, SUCCEEDED);
            assertThat(fleet.history(id)).containsExactly(ENQUEUED, PROCESSING, SUCCEEDED);
        }
        assertThat(failed).isNotEmpty();
    }

    /** As by a storage that is restarted, or a fetch that JobRunr has not ended when the next thread becomes idle. */
    @Test
    void work_that_could_not_be_fetched_for_idle_threads_is_fetched_before_the_next_poll() {
        Worker worker = server(fleet, 2, NO_POLL);
        AtomicInteger fetches = new AtomicInteger();
        worker.storage().onTheWay = (call, jobs) -> {
            // The first one is JobRunr's poll.
            if (call.equals("fetch") && fetches.getAndIncrement() > 0 && fetches.get() <= 4) {
                throw new StorageException("injected: nothing can be fetched");
            }
        };
        Journal journal = fleet.journal("k").hold();
        List<UUID> ids = enqueue(fleet, fleet.journalName("k"), 4);
        worker.start();

        awaitAtHand(worker, 4);
        journal.release();
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        assertThat(fetches).hasValueGreaterThan(4);
    }

    private static void awaitAtHand(Worker worker, int jobs) {
        Fleet.eventually()
                .until(() -> worker.server().getJobSteward().getJobsInProgress().size() == jobs);
    }

    @Test
    void a_storage_that_stands_still_does_not_stop_the_looks_of_other_servers() {
        CountDownLatch frozen = new CountDownLatch(1);
        CountDownLatch thawed = new CountDownLatch(1);
        Worker standing = server(fleet, 2, Fleet.POLL);
        standing.storage().onTheWay = (call, jobs) -> {
            if (call.equals("save") && jobs.get(0).hasState(SCHEDULED)) {
                frozen.countDown();
                awaitIt(thawed);
            }
        };
        fleet.journal("k").hold();
        List<UUID> ids = enqueue(fleet, fleet.journalName("k"), 3);
        standing.start();
        awaitIt(frozen);

        Fleet other = new Fleet();
        others.add(other);
        other.journal("k").hold();
        List<UUID> moving = enqueue(other, other.journalName("k"), 3);
        server(other, 2, Fleet.POLL).start();
        Fleet.eventually()
                .until(() -> moving.stream()
                                .filter(id -> Fleet.isPostponed(other.job(id)))
                                .count()
                        >= 2);
        assertThat(ids).noneMatch(id -> Fleet.isPostponed(fleet.job(id)));
        thawed.countDown();
        fleet.journal("k").release();
        other.journal("k").release();
        ids.forEach(id -> fleet.awaitState(id, SUCCEEDED));
        moving.forEach(id -> other.awaitState(id, SUCCEEDED));
    }
}
