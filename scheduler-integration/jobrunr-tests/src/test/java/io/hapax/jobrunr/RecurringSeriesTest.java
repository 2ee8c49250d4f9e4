package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import java.time.Instant;
import java.util.UUID;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.RecurringJob;
import org.jobrunr.jobs.states.DeletedState;
import org.jobrunr.jobs.states.ScheduledState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Occurrences of recurring jobs that share their lock key with other work, under the policy that is not chosen. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class RecurringSeriesTest {

    private static final Instant FIRST = Instant.parse("2020-01-01T00:00:00Z");

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k").hold();
    private final String name = fleet.journalName("k");

    @BeforeEach
    void start() {
        fleet.scheduler.<Work>scheduleRecurrently("reports", "0 0 1 1 *", work -> work.keyed(name));
        fleet.scheduler.<Work>scheduleRecurrently("mails", "0 0 1 1 *", work -> work.keyed(name));
        fleet.guarded("a", 2).start();
    }

    @AfterEach
    void stop() {
        fleet.close();
    }

    /** As JobRunr's master makes it when it is due. */
    private UUID occurrence(String recurring, Instant at) {
        RecurringJob of = fleet.storage.getRecurringJobs().stream()
                .filter(job -> job.getId().equals(recurring))
                .findFirst()
                .orElseThrow();
        Job job = new Job(of.getJobDetails(), new ScheduledState(at, of));
        job.setJobName(of.getJobName());
        job.setRecurringJobId(of.getId());
        return fleet.storage.save(job).getId();
    }

    private void awaitHeld() {
        Fleet.eventually().until(() -> journal.starts() == 1);
    }

    @Test
    void an_occurrence_waits_its_turn_behind_another_job() {
        UUID other = fleet.enqueue(work -> work.keyed(name));
        awaitHeld();
        assertWaitsItsTurn(other, occurrence("reports", FIRST));
    }

    @Test
    void an_occurrence_waits_its_turn_behind_one_of_another_recurring_job() {
        UUID other = occurrence("mails", FIRST);
        awaitHeld();
        assertWaitsItsTurn(other, occurrence("reports", FIRST));
    }

    private void assertWaitsItsTurn(UUID other, UUID waiting) {
        Fleet.eventually().until(() -> Fleet.isPostponed(fleet.job(waiting)));
        journal.release();
        fleet.awaitState(other, SUCCEEDED);
        fleet.awaitState(waiting, SUCCEEDED);
        assertThat(journal.mostAtWork()).isEqualTo(1);
        assertThat(journal.starts()).isEqualTo(2);
    }

    @Test
    void an_occurrence_is_skipped_behind_an_earlier_one_of_its_own_job() {
        UUID earlier = occurrence("reports", FIRST);
        awaitHeld();
        UUID later = occurrence("reports", FIRST.plusSeconds(60));
        fleet.awaitState(later, DELETED);
        assertThat(fleet.job(later).<DeletedState>getJobState().getReason())
                .startsWith("[hapax] skipped: OVERLAP on 'key/" + name + "': the key is held by ");
        journal.release();
        fleet.awaitState(earlier, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(1);
    }
}
