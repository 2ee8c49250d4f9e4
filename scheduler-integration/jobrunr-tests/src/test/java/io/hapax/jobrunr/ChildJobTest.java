package io.hapax.jobrunr;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jobrunr.jobs.states.StateName.SUCCEEDED;

import io.hapax.Guarded;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jobrunr.scheduling.JobScheduler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.slf4j.MDC;

/** JobRunr copies what log lines say of whoever enqueues a job; what they say of the guard's run is not the child's. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
class ChildJobTest {

    private static final Map<String, JobScheduler> SCHEDULERS = new ConcurrentHashMap<>();

    private final Fleet fleet = new Fleet();
    private final Journal journal = fleet.journal("k");
    private final String name = fleet.journalName("k");

    @AfterEach
    void stop() {
        fleet.close();
        SCHEDULERS.remove(name);
    }

    /** Two generations of jobs. */
    public static class Family {

        @Guarded(key = "parent/%0", ignoreArguments = true)
        public void parent(String journal, UUID child) {
            MDC.put("tenant", "acme");
            SCHEDULERS.get(journal).<Family>enqueue(child, family -> family.child(journal));
        }

        @Guarded(enabled = false)
        public void child(String journal) {
            List<String> context = new ArrayList<>();
            MDC.getCopyOfContextMap().forEach((key, value) -> {
                if (key.startsWith("hapax.") || key.equals("tenant")) {
                    context.add(key + "=" + value);
                }
            });
            Journal.of(journal).note(context.toString());
        }
    }

    private void family(JobScheduler scheduler) {
        SCHEDULERS.put(name, scheduler);
        UUID child = UUID.randomUUID();
        scheduler.<Family>enqueue(family -> family.parent(name, child));
        Fleet.eventually().until(() -> !journal.notes().isEmpty());
        fleet.awaitState(child, SUCCEEDED);
        assertThat(journal.notes()).containsExactly("[tenant=acme]");
    }

    @Test
    void a_child_job_does_not_inherit_what_log_lines_say_of_its_parents_run() {
        fleet.guarded("a", 1).start();
        family(fleet.scheduler);
    }

    /** Whoever enqueues may know nothing of the guard. */
    @Test
    void neither_does_a_child_that_is_enqueued_without_a_filter_of_the_guard() {
        fleet.guarded("a", 1).start();
        family(new JobScheduler(fleet.storage, List.of()));
    }

    @Test
    void the_stored_metadata_of_a_child_has_nothing_of_its_parents_run() {
        try (MDC.MDCCloseable key = MDC.putCloseable("hapax.key", "parent's");
                MDC.MDCCloseable tenant = MDC.putCloseable("tenant", "acme")) {
            UUID id = fleet.enqueue(work -> work.run(name));
            assertThat(fleet.job(id).getMetadata())
                    .containsEntry("mdc-tenant", "acme")
                    .doesNotContainKey("mdc-hapax.key");
        }
    }
}
