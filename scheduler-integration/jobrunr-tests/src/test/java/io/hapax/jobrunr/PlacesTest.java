package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.ENQUEUED;
import static org.jobrunr.jobs.states.StateName.PROCESSING;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.JobGuard;
import io.hapax.LockMode;
import io.hapax.jobrunr.Fleet.Worker;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.jobrunr.jobs.lambdas.IocJobLambda;
import org.jobrunr.jobs.states.StateName;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.scheduling.cron.Cron;
import org.jobrunr.storage.Paging;
import org.jobrunr.storage.StorageException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** A place in the queue has a job: none that is stored, none for long that is not. */
@Isolated
@Tag("slow")
class PlacesTest {

    private final Fleet fleet = new Fleet();
    private final FaultyStorage storage = new FaultyStorage(fleet.storage);
    private final JobScheduler scheduler = Fleet.scheduler(storage);
    private final Journal journal = fleet.journal("k").hold();
    private final String name = fleet.journalName("k");

    @BeforeEach
    void start() {
        JobGuard guard = fleet.guard(
                "a",
                fleet.leases,
                options -> options.withMode(LockMode.UNTIL_EXECUTED)
                        .withUniqueFor(Duration.ofHours(1))
                        .withTtl(Duration.ofSeconds(8)));
        JobRunrGuard.install(guard);
        fleet.guarded("a", 2, guard);
    }

    @AfterEach
    void stop() {
        fleet.close();
    }

    private UUID enqueue(IocJobLambda<Work> job) {
        return scheduler.enqueue(job).asUUID();
    }

    private List<StateName> states() {
        return Stream.of(StateName.values())
                .flatMap(state -> fleet.storage.getJobList(state, Paging.AmountBasedList.ascOnUpdatedAt(100)).stream())
                .map(job -> job.getState())
                .toList();
    }

    private void runs(UUID id) {
        journal.release();
        fleet.server("a").start();
        fleet.awaitState(id, SUCCEEDED);
    }

    @Test
    void a_job_that_could_not_be_stored_is_not_in_the_way_of_its_callers_second_try() {
        storage.newJobsToFail.set(1);
        assertThatThrownBy(() -> enqueue(work -> work.keyed(name))).isInstanceOf(StorageException.class);
        runs(enqueue(work -> work.keyed(name)));
        assertThat(journal.starts()).isEqualTo(1);
    }

    @Test
    void jobs_that_could_not_be_stored_together_are_not_in_the_way_of_their_callers_second_try() {
        String other = fleet.journalName("other");
        storage.newJobsToFail.set(1);
        assertThatThrownBy(
                        () -> scheduler.<Work, String>enqueue(Stream.of(name, other), (work, key) -> work.keyed(key)))
                .isInstanceOf(StorageException.class);
        scheduler.<Work, String>enqueue(Stream.of(name, other), (work, key) -> work.keyed(key));
        assertThat(states()).hasSize(2).doesNotContain(DELETED);
    }

    @Test
    void of_jobs_that_are_stored_together_the_first_for_the_same_work_is_queued() {
        String other = fleet.journalName("other");
        scheduler.<Work, String>enqueue(Stream.of(name, other, name), (work, key) -> work.keyed(key));
        assertThat(states()).containsExactlyInAnyOrder(ENQUEUED, ENQUEUED, DELETED);
        assertThat(fleet.history(enqueue(work -> work.keyed(name)))).last().isEqualTo(DELETED);
    }

    @Test
    void a_recurring_job_has_no_place_in_the_queue() {
        scheduler.<Work>scheduleRecurrently(name, Cron.yearly(), work -> work.keyed(name));
        assertThat(fleet.history(enqueue(work -> work.keyed(name)))).containsExactly(ENQUEUED);
    }

    @Test
    void a_fixed_id_that_is_put_into_the_queue_again_and_ignored_has_no_place() {
        UUID fixed = UUID.randomUUID();
        scheduler.<Work>enqueue(fixed, work -> work.keyed(name));
        runs(fixed);
        scheduler.<Work>enqueue(fixed, work -> work.keyed(name));
        fleet.awaitState(enqueue(work -> work.keyed(name)), SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
    }

    @Test
    void a_job_that_is_to_be_retried_after_a_lost_lease_keeps_its_place() {
        UUID first = enqueue(work -> work.keyedDeaf(name));
        fleet.server("a").start();
        Fleet.eventually().until(() -> journal.starts() == 1);
        assertThat(fleet.leases
                        .admin()
                        .forceRelease(new JobIdentity(new LockKey("key/" + name), null))
                        .toCompletableFuture()
                        .join())
                .isPresent();
        Fleet.eventually().until(() -> journal.starts() == 2);
        UUID second = enqueue(work -> work.keyedDeaf(name));
        assertThat(fleet.history(second)).last().isEqualTo(DELETED);
        journal.release();
        fleet.awaitState(first, SUCCEEDED);
    }

    @Test
    void a_job_that_somebody_deletes_while_it_is_queued_has_no_place() {
        UUID first = enqueue(work -> work.keyed(name));
        fleet.scheduler.delete(first);
        runs(enqueue(work -> work.keyed(name)));
    }

    @Test
    void a_job_that_is_gone_has_no_place() {
        UUID first = enqueue(work -> work.keyed(name));
        fleet.storage.deletePermanently(first);
        runs(enqueue(work -> work.keyed(name)));
    }

    @Test
    void a_place_counts_anew_when_its_job_begins_to_wait_for_its_key_in_memory() {
        UUID holder;
        UUID waiting;
        long end;
        Worker worker;
        int pairs = 0;
        while (true) {
            // Not by the way on which places are taken: the two would be one.
            holder = new JobScheduler(fleet.storage, List.of())
                    .<Work>enqueue(work -> work.keyed(name))
                    .asUUID();
            waiting = enqueue(work -> work.keyed(name));
            assertThat(fleet.state(waiting)).isEqualTo(ENQUEUED);
            end = placeLeft() + System.nanoTime();
            // Nothing is put back before the next poll, and so renewed for another reason.
            worker = fleet.worker("b" + pairs, 2, Duration.ofMinutes(1)).start();
            int starts = 1 + 2 * pairs++;
            Fleet.eventually().until(() -> journal.starts() == starts);
            if (hasTheKey(holder)) {
                break;
            }
            // They begin side by side, and the wrong one was faster.
            journal.release();
            fleet.awaitState(holder, SUCCEEDED);
            fleet.awaitState(waiting, SUCCEEDED);
            worker.server().stop();
            journal.hold();
        }
        long before = end;
        Fleet.eventually().until(() -> {
            long asked = System.nanoTime();
            return placeLeft() + asked > before;
        });
        assertThat(fleet.history(waiting)).containsExactly(ENQUEUED, PROCESSING);
        journal.release();
        fleet.awaitState(holder, SUCCEEDED);
        fleet.awaitState(waiting, SUCCEEDED);
        Worker last = worker;
        Fleet.eventually().until(() -> last.server().getJobSteward().getOccupiedWorkerCount() == 0);
    }

    private boolean hasTheKey(UUID job) {
        return fleet.leases
                .admin()
                .holder(new JobIdentity(new LockKey("key/" + name), null))
                .toCompletableFuture()
                .join()
                .map(found -> String.valueOf(found.run()).contains(job.toString()))
                .orElse(false);
    }

    private long placeLeft() {
        Reservation answer = fleet.leases
                .reservations()
                .orElseThrow()
                .reserve(new ReservationRequest("queued:key/" + name, "probe", 1, Duration.ofMillis(1)))
                .toCompletableFuture()
                .join();
        return ((Reservation.Full) answer).left().toNanos();
    }
}
