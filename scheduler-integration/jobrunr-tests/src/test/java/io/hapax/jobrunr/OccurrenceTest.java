package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.states.EnqueuedState;
import org.jobrunr.jobs.states.JobState;
import org.jobrunr.jobs.states.ScheduledState;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Which jobs are the same occurrence of their work, and which are not. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class OccurrenceTest {

    private static final UUID ID = UUID.fromString("00000000-0000-4000-8000-000000000018");

    private static final JobDetails DETAILS = new JobDetails(Work.class.getName(), null, "noting", List.of());

    private static void run(Fleet fleet, UUID id, String journal) {
        fleet.scheduler.<Work>enqueue(id, work -> work.noting(journal));
        fleet.awaitState(id, SUCCEEDED);
    }

    @Test
    void a_job_that_reuses_the_id_of_one_that_jobrunr_has_cleaned_up_runs() {
        try (Fleet fleet = new Fleet()) {
            fleet.guarded("a", 1).start();
            UUID id = UUID.randomUUID();
            run(fleet, id, fleet.journalName("monday"));
            fleet.storage.deletePermanently(id);
            run(fleet, id, fleet.journalName("tuesday"));

            assertThat(fleet.journal("monday").starts()).isEqualTo(1);
            assertThat(fleet.journal("tuesday").starts()).isEqualTo(1);
        }
    }

    @Test
    void a_job_that_reuses_an_id_after_a_restart_with_its_storage_in_memory_runs() {
        UUID id = UUID.randomUUID();
        try (Fleet first = new Fleet()) {
            first.guarded("a", 1).start();
            run(first, id, first.journalName("before"));
            try (Fleet second = new Fleet()) {
                second.guarded("a", 1, second.guard("a", first.leases, options -> options))
                        .start();
                run(second, id, second.journalName("after"));
                assertThat(second.journal("after").starts()).isEqualTo(1);
            }
            assertThat(first.journal("before").starts()).isEqualTo(1);
        }
    }

    private static Job created(Instant at) {
        JobState first = new EnqueuedState() {
            @Override
            public Instant getCreatedAt() {
                return at;
            }
        };
        return new Job(ID, 0, DETAILS, List.of(first), new ConcurrentHashMap<>());
    }

    @Test
    void the_id_the_creation_and_the_number_of_successes_name_a_job() {
        Instant at = Instant.parse("2026-03-29T01:30:00.123456789Z");
        assertThat(Occurrence.runKey(created(at)))
                .isEqualTo("job:00000000-0000-4000-8000-000000000018@2026-03-29T01:30:00.123Z#0")
                .isEqualTo(Occurrence.runKey(created(at.minusNanos(456_789))))
                .isNotEqualTo(Occurrence.runKey(created(at.plusMillis(1))));
    }

    @Test
    void a_storage_keeps_the_name_of_a_job() {
        for (Fleet fleet : List.of(new Fleet(), Fleet.onPostgres())) {
            try (fleet) {
                Job job = new Job(DETAILS);
                String name = Occurrence.runKey(job);
                fleet.storage.save(job);
                Job stored = fleet.job(job.getId());
                assertThat(Occurrence.runKey(stored)).isEqualTo(name);
                Job postponed = JobCopy.of(stored, JobCopy.historyBeforeAttempt(stored), stored.getMetadata());
                postponed.scheduleAt(stored.getCreatedAt().plus(Duration.ofDays(1)), "later");
                assertThat(Occurrence.runKey(postponed)).isEqualTo(name);
            }
        }
    }

    private static Job planned(String recurring, Instant at) {
        Job job = new Job(DETAILS, new ScheduledState(at));
        job.setRecurringJobId(recurring);
        return job;
    }

    @Test
    void a_recurring_job_is_named_by_its_id_and_its_instant_and_not_by_its_creation() {
        Instant at = Instant.parse("2026-10-25T00:30:00Z");
        assertThat(Occurrence.runKey(planned("nightly", at)))
                .isEqualTo("recurring:nightly@2026-10-25T00:30:00Z#0")
                .isEqualTo(Occurrence.runKey(planned("nightly", at)))
                .isNotEqualTo(Occurrence.runKey(planned("nightly", at.plus(Duration.ofHours(1)))))
                .isNotEqualTo(Occurrence.runKey(planned("weekly", at)));
    }
}
