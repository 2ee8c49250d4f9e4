package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.jobrunr.Fleet.Worker;
import java.util.UUID;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.states.StateName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What happens once can be asked for again, on purpose. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class RunAgainTest {

    private final Fleet fleet = new Fleet().deadAfter(4);
    private final Journal journal = fleet.journal("order");
    private final String name = fleet.journalName("order");

    private final Worker worker = fleet.guarded("a", 2);

    @BeforeEach
    void start() {
        worker.start();
    }

    @AfterEach
    void stop() {
        fleet.close();
    }

    private UUID once() {
        UUID id = fleet.enqueue(work -> work.onlyOnce(name));
        fleet.awaitState(id, SUCCEEDED);
        return id;
    }

    /** As the dashboard does. */
    private void requeue(UUID id, StateName then) {
        int states = fleet.history(id).size();
        Job job = fleet.job(id);
        job.enqueue();
        fleet.storage.save(job);
        Fleet.eventually().until(() -> fleet.history(id).size() > states && fleet.state(id) == then);
    }

    @Test
    void a_job_with_a_key_of_its_own_runs_again_when_a_person_requeues_it() {
        UUID id = once();
        assertThat(journal.starts()).isEqualTo(1);
        requeue(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
        requeue(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(3);
    }

    @Test
    void a_duplicate_is_still_not_run_after_the_first_one_was_run_again() {
        UUID first = once();
        requeue(first, SUCCEEDED);
        once();
        assertThat(journal.starts()).isEqualTo(2);
    }

    /** It was not run, because another one had been; whoever requeues it wants it to run. */
    @Test
    void a_duplicate_runs_when_a_person_requeues_it() {
        once();
        UUID duplicate = once();
        assertThat(journal.starts()).isEqualTo(1);
        requeue(duplicate, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
    }

    @Test
    void a_job_that_was_deleted_after_its_success_runs_again_when_a_person_requeues_it() {
        UUID id = once();
        Job done = fleet.job(id);
        done.delete("by JobRunr, as each success after 36 hours");
        fleet.storage.save(done);
        fleet.awaitState(id, DELETED);
        requeue(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
    }

    @Test
    void a_requeued_run_whose_success_could_not_be_stored_is_not_repeated() {
        UUID id = once();
        worker.storage().successesToFail.set(1);
        requeue(id, SUCCEEDED);
        assertThat(journal.starts()).isEqualTo(2);
    }
}
