package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The arithmetic of the demo, on histories that contain each fault. */
class TallyTest {

    private static final Instant ZERO = Instant.parse("2026-01-01T00:00:00Z");

    private static Instant at(long millis) {
        return ZERO.plusMillis(millis);
    }

    private static ObservedRun run(String occurrence, String worker, @Nullable Long effect, long... steps) {
        return new ObservedRun(
                Kind.TICK,
                occurrence,
                "group",
                worker,
                LongStream.of(steps).mapToObj(TallyTest::at).toList(),
                effect == null ? null : at(effect));
    }

    private static Tally tally(ObservedRun... runs) {
        return Tally.of(List.of(runs), Set.of("1", "2"));
    }

    @Test
    void occurrences_that_took_effect_once_are_fine() {
        assertThat(tally(run("1", "a", 200L, 0, 100, 200), run("2", "b", 500L, 300, 400, 500)))
                .isEqualTo(new Tally(2, 2, 0, 0, 0));
    }

    @Test
    void a_second_effect_of_an_occurrence_is_a_duplicate_however_late() {
        assertThat(tally(run("1", "a", 100L, 0, 100), run("1", "b", 9000L, 8900), run("2", "b", 300L, 200)))
                .isEqualTo(new Tally(2, 3, 1, 0, 0));
    }

    @Test
    void runs_that_progress_side_by_side_overlap() {
        assertThat(tally(run("1", "a", 400L, 0, 100, 200, 300), run("2", "b", 500L, 50, 150, 250, 350)))
                .isEqualTo(new Tally(2, 2, 0, 1, 0));
    }

    @Test
    void an_effect_in_the_middle_of_another_run_is_an_overlap_even_without_further_steps() {
        assertThat(tally(run("1", "a", 200L, 0, 100), run("2", "b", 500L, 150, 300))
                        .overlaps())
                .isEqualTo(1);
    }

    @Test
    void a_frozen_run_does_not_overlap_with_the_one_that_took_over_even_if_one_step_was_on_its_way() {
        ObservedRun frozen = run("1", "a", null, 0, 100, 5000);
        ObservedRun successor = run("1", "b", 5100L, 4000, 4500, 5050);
        assertThat(tally(frozen, successor, run("2", "b", 9000L, 8000))).isEqualTo(new Tally(2, 3, 0, 0, 0));
    }

    @Test
    void a_frozen_run_that_goes_on_to_work_overlaps() {
        ObservedRun thawed = run("1", "a", null, 0, 100, 4600, 4700);
        ObservedRun successor = run("1", "b", 5100L, 4000, 4500, 5050);
        assertThat(tally(thawed, successor).overlaps()).isEqualTo(1);
    }

    @Test
    void an_occurrence_whose_only_run_was_killed_or_which_never_ran_is_lost() {
        assertThat(tally(run("1", "a", null, 0, 100))).isEqualTo(new Tally(2, 1, 0, 0, 2));
    }

    @Test
    void every_slot_of_a_cron_job_between_the_first_and_the_last_one_seen_is_expected() {
        List<ObservedRun> runs = List.of(
                run(at(0).toString(), "a", 10L, 0),
                run(at(1000).toString(), "a", 1010L, 1000),
                run(at(3000).toString(), "a", 3010L, 3000));
        assertThat(Observations.tallies(runs, java.util.Map.of()).get(Kind.TICK))
                .isEqualTo(new Tally(4, 3, 0, 0, 1));
    }
}
