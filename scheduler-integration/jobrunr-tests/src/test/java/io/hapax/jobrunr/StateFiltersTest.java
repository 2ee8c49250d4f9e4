package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.DELETED;
import static org.jobrunr.jobs.states.StateName.ENQUEUED;
import static org.jobrunr.jobs.states.StateName.PROCESSING;
import static org.jobrunr.jobs.states.StateName.SCHEDULED;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.jobrunr.Fleet.Worker;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.filters.ApplyStateFilter;
import org.jobrunr.jobs.filters.RetryFilter;
import org.jobrunr.jobs.states.JobState;
import org.jobrunr.jobs.states.StateName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Filters of an application that count what is at work see each job leave the state that they have seen it enter. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class StateFiltersTest {

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k").hold();
    private final String name = fleet.journalName("k");
    private final Worker worker = fleet.guarded("a", 2);
    private final Changes changes = new Changes();

    /** Each change, as one filter sees it. */
    private static final class Changes implements ApplyStateFilter {
        private final Map<UUID, List<List<StateName>>> seen = new ConcurrentHashMap<>();

        @Override
        public void onStateApplied(Job job, JobState before, JobState after) {
            assertThat(job.getJobState().getName()).isEqualTo(after.getName());
            seen.computeIfAbsent(job.getId(), id -> new CopyOnWriteArrayList<>())
                    .add(List.of(before.getName(), after.getName()));
        }

        List<List<StateName>> of(UUID id) {
            return seen.getOrDefault(id, List.of());
        }
    }

    @BeforeEach
    void start() {
        worker.server().setJobFilters(List.of(changes, new RetryFilter(3, 1)));
        worker.start();
    }

    @AfterEach
    void stop() {
        fleet.close();
    }

    /**
     * All changes are one way from the queue to the end, none left out and none seen twice. Their order says nothing: the threads of JobRunr
     * that enqueue scheduled jobs notify filters when another one may have started to process the job.
     */
    private void assertBalanced(UUID id, StateName end) {
        Fleet.eventually().untilAsserted(() -> {
            Map<StateName, Integer> balance = new EnumMap<>(StateName.class);
            changes.of(id).forEach(change -> {
                balance.merge(change.get(0), -1, Integer::sum);
                balance.merge(change.get(1), 1, Integer::sum);
            });
            balance.values().removeIf(count -> count == 0);
            assertThat(balance).as("of %s", changes.of(id)).isEqualTo(Map.of(ENQUEUED, -1, end, 1));
        });
    }

    private void awaitChange(UUID id, StateName from, StateName to) {
        Fleet.eventually().until(() -> new ArrayList<>(changes.of(id)).contains(List.of(from, to)));
    }

    @Test
    void a_postponement_leads_from_processing_to_scheduled() {
        fleet.enqueue(work -> work.keyed(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        UUID id = fleet.enqueue(work -> work.keyed(name));
        awaitChange(id, PROCESSING, SCHEDULED);
        journal.release();
        awaitChange(id, PROCESSING, SUCCEEDED);
        assertBalanced(id, SUCCEEDED);
    }

    @Test
    void a_skipped_job_leads_from_processing_to_deleted() {
        fleet.enqueue(work -> work.skipping(name));
        Fleet.eventually().until(() -> journal.starts() == 1);
        UUID id = fleet.enqueue(work -> work.skipping(name));
        awaitChange(id, PROCESSING, DELETED);
        assertBalanced(id, DELETED);
    }
}
