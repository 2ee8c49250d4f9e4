package io.hapax.quartz;

import static io.hapax.quartz.Fleet.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.OnConflict;
import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.testkit.WallClock;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** What operators read of refusals: nothing of those that every replica but one gets of each firing. */
@Isolated
class RefusalLogTest {

    @Test
    void a_firing_that_another_replica_runs_or_has_run_is_told_at_debug_only() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax").inDetail()) {
            for (String name : List.of("a", "b", "c")) {
                fleet.replica(name).scheduleJob(Jobs.job("tick"), Jobs.everySecond("each second"));
            }
            fleet.start();
            await().until(() -> fleet.events(GuardEvent.Refused.class).size() >= 4);
            assertThat(logs.lines()).anyMatch(line -> line.startsWith("DEBUG not run job=DEFAULT.tick run "));
            assertThat(logs.lines())
                    .noneMatch(line -> !line.startsWith("DEBUG") && line.matches(".* verdict=(RUNNING|DONE) .*"));
        }
    }

    @Test
    void work_that_was_done_under_the_key_that_the_job_chose_is_told_to_people() throws Exception {
        try (Fleet fleet = Fleet.guarded();
                Logs logs = Logs.of("io.hapax").inDetail()) {
            var scheduler = fleet.replica("a");
            scheduler.addJob(Jobs.job("order"), true);
            fleet.start();
            for (String name : List.of("first", "again")) {
                scheduler.scheduleJob(Jobs.once(name, WallClock.now())
                        .forJob("order")
                        .usingJobData("hapax.runKey", "order 4711")
                        .build());
                // Else the second one could be refused because the first one still runs.
                await().until(() -> fleet.events(GuardEvent.Released.class).size() == 1);
            }
            await().until(() -> !fleet.events(GuardEvent.Refused.class).isEmpty());
            assertThat(fleet.events(GuardEvent.Refused.class))
                    .allMatch(event -> event.refusal().verdict() == Verdict.DONE);
            await().untilAsserted(() -> assertThat(logs.lines())
                    .anyMatch(line ->
                            line.startsWith("INFO not run job=DEFAULT.order run ") && line.contains("verdict=DONE")));
        }
    }

    @Test
    void that_a_refused_firing_is_tried_again_is_said_at_debug_only() throws Exception {
        try (Fleet fleet = Fleet.guarded().options(all -> all.withOnConflict(OnConflict.RESCHEDULE));
                Logs logs = Logs.of("io.hapax.quartz").inDetail()) {
            // Until then the other one is refused because of the run, not because it is done.
            fleet.probe().body(context -> await().until(() -> logs.contain("is tried again in")));
            for (String name : List.of("a", "b")) {
                fleet.replica(name).scheduleJob(Jobs.job("tick"), Jobs.everySecond("each second"));
            }
            fleet.start();
            await().until(() -> logs.contain("is tried again in"));
            assertThat(logs.lines()).noneMatch(line -> line.startsWith("INFO") && line.contains("is tried again"));
        }
    }
}
