package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.FAILED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import java.util.UUID;
import org.jobrunr.jobs.states.DeletedState;
import org.jobrunr.jobs.states.FailedState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The ways to write a job, and where its settings are found. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class JobKindsTest {

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k").hold();
    private final String name = fleet.journalName("k");

    @BeforeEach
    void start() {
        // A job that is enqueued through an interface needs an activator in JobRunr, as Spring gives it.
        fleet.activate(Deed.class, new Deed.Done());
        fleet.guarded("a", 2).start();
    }

    @AfterEach
    void stop() {
        fleet.close();
    }

    private void awaitHeld() {
        Fleet.eventually().until(() -> journal.starts() == 1);
    }

    private String reason(UUID id) {
        fleet.awaitState(id, DELETED);
        return fleet.job(id).<DeletedState>getJobState().getReason();
    }

    @Test
    void a_job_request_is_keyed_by_a_nested_property() {
        fleet.requests.enqueue(new Invoice(name, new Invoice.Customer(7)));
        awaitHeld();
        UUID same = fleet.requests
                .enqueue(new Invoice(name, new Invoice.Customer(7)))
                .asUUID();

        assertThat(reason(same)).contains("OVERLAP on 'customer/7'");
        fleet.requests.enqueue(new Invoice(name, new Invoice.Customer(8)));
        Fleet.eventually().until(() -> journal.atWork() == 2);
    }

    @Test
    void a_static_method_takes_the_settings_of_its_class() {
        fleet.scheduler.enqueue(() -> Statics.run(name));
        awaitHeld();
        UUID second = fleet.scheduler.enqueue(() -> Statics.run(name)).asUUID();

        assertThat(reason(second)).contains("OVERLAP on 'statics'");
    }

    @Test
    void a_job_enqueued_through_an_interface_takes_the_settings_of_the_interface() {
        fleet.scheduler.<Deed>enqueue(deed -> deed.perform(name));
        awaitHeld();
        UUID second = fleet.scheduler.<Deed>enqueue(deed -> deed.perform(name)).asUUID();

        assertThat(reason(second)).contains("OVERLAP on 'deed'");
    }

    @Test
    void a_static_field_job_is_guarded_by_its_id() {
        UUID id = fleet.scheduler
                .enqueue(() -> System.out.println("printed by a job"))
                .asUUID();

        fleet.awaitState(id, SUCCEEDED);
        assertThat(fleet.holderOf(fleet.firstRunKey(id))).as("given back").isEmpty();
    }

    @Test
    void a_job_with_the_guard_switched_off_runs_without_it() {
        journal.release();
        UUID id = fleet.enqueue(work -> work.unguarded(name));

        fleet.awaitState(id, SUCCEEDED);
        assertThat(journal.notes()).containsExactly("guarded=false");
    }

    @Test
    void a_wrong_placeholder_fails_the_job_without_a_retry_and_says_what_is_allowed() {
        UUID id = fleet.scheduler.enqueue(() -> WrongKey.run(name)).asUUID();

        fleet.awaitState(id, FAILED);
        FailedState failed = fleet.job(id).getJobState();
        assertThat(failed.mustNotRetry()).isTrue();
        assertThat(failed.getExceptionMessage())
                .isEqualTo("[hapax] not run: @Guarded on io.hapax.jobrunr.JobKindsTest$WrongKey.run: key 'x/%3':"
                        + " %3 has no value: there is 1 argument, %0");
        assertThat(journal.starts()).isZero();
    }

    /** Its key names an argument that is not there. */
    public static final class WrongKey {
        private WrongKey() {}

        @io.hapax.Guarded(key = "x/%3")
        public static void run(String journal) {
            Journal.of(journal).start();
        }
    }
}
