package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.JobGuard;
import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.jobrunr.Fleet.Worker;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Servers whose guard only observes: JobRunr does as it would without one, and the fleet learns what it would be spared. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class ObservedJobTest {

    private final Fleet fleet = new Fleet();

    @AfterEach
    void stop() {
        fleet.close();
    }

    private Worker observed(String name) {
        JobGuard guard = fleet.guard(name, fleet.leases, options -> options.withObserve(true));
        return fleet.guarded(name, 1, guard);
    }

    /** As {@link DuplicateRunsTest#a_worker_whose_heartbeats_are_late_is_overtaken_only_without_the_guard} without a guard. */
    @Test
    void a_job_that_jobrunr_gives_to_two_servers_runs_twice_and_is_named() {
        fleet.deadAfter(10);
        Journal journal = fleet.journal("late").hold();
        String name = fleet.journalName("late");
        Worker slow = observed("slow").start();
        slow.storage().dropHeartbeats = true;
        UUID id = fleet.enqueue(work -> work.deaf(name));
        Fleet.eventually().until(() -> journal.starts() >= 1);
        observed("other").start();

        Fleet.eventually().until(() -> journal.mostAtWork() == 2);
        assertThat(fleet.events(GuardEvent.WouldRefuse.class)).isNotEmpty().allSatisfy(event -> {
            assertThat(event.refusal().verdict()).isEqualTo(Verdict.RUNNING);
            assertThat(event.refusal().holder())
                    .satisfies(holder -> assertThat(holder.worker()).isEqualTo("slow"));
            assertThat(event.identity().run()).get().asString().contains(id.toString());
        });
        journal.release();
        fleet.awaitState(id, SUCCEEDED);
        Fleet.eventually().until(() -> !fleet.events(GuardEvent.RanTwice.class).isEmpty());
        assertThat(fleet.events(GuardEvent.RanTwice.class))
                .allSatisfy(event -> assertThat(event.isSameOccurrence()).isTrue());
        assertThat(fleet.refused(Verdict.RUNNING)).isZero();
    }

    @Test
    void two_jobs_of_one_key_run_at_the_same_time_and_are_named() {
        Journal journal = fleet.journal("keyed").hold();
        String name = fleet.journalName("keyed");
        observed("one").start();
        UUID first = fleet.enqueue(work -> work.skipping(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        observed("two").start();
        UUID second = fleet.enqueue(work -> work.skipping(name));

        Fleet.eventually().until(() -> journal.mostAtWork() == 2);
        journal.release();
        fleet.awaitState(first, SUCCEEDED);
        fleet.awaitState(second, SUCCEEDED);
        Fleet.eventually().until(() -> !fleet.events(GuardEvent.RanTwice.class).isEmpty());
        assertThat(fleet.events(GuardEvent.RanTwice.class)).first().satisfies(event -> {
            assertThat(event.refusal().verdict()).isEqualTo(Verdict.OVERLAP);
            assertThat(event.isSameOccurrence()).isFalse();
        });
        assertThat(fleet.refused(Verdict.OVERLAP)).isZero();
    }
}
