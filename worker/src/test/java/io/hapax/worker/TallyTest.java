package io.hapax.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
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

    private static Tally ticks(Instant begin, Instant end, ObservedRun... runs) {
        return Observations.tallies(List.of(runs), new Observations.Expected(Map.of(), begin, end))
                .get(Kind.TICK);
    }

    private static ObservedRun tick(long slot) {
        return run(at(slot).toString(), "a", slot + 10, slot);
    }

    @Test
    void every_slot_of_a_cron_job_between_the_first_and_the_last_one_seen_is_expected() {
        assertThat(ticks(at(1000), at(1500), tick(0), tick(1000), tick(3000))).isEqualTo(new Tally(4, 3, 0, 0, 1));
    }

    @Test
    void slots_that_nobody_ran_while_workers_were_up_are_lost_even_at_both_ends_and_if_there_is_no_run_at_all() {
        assertThat(ticks(at(100), at(5900), tick(2000), tick(3000))).isEqualTo(new Tally(4, 2, 0, 0, 2));
        assertThat(ticks(at(100), at(5900))).isEqualTo(new Tally(4, 0, 0, 0, 4));
    }

    @Test
    void the_expected_slots_are_aligned_as_the_cron_expressions_are() {
        Set<String> reports = new Observations.Expected(Map.of(), at(900), at(7000)).of(Kind.REPORT, List.of());
        assertThat(reports).containsExactlyInAnyOrder(at(2000).toString(), at(4000).toString());
    }

    @Test
    void all_is_begun_when_each_slot_has_a_run_be_it_finished_or_not() {
        Observations.Expected expected = new Observations.Expected(Map.of(), at(100), at(2100));
        ObservedRun begun = run(at(1000).toString(), "a", null, 1000);
        assertThat(expected.areBegun(List.of())).isFalse();
        assertThat(expected.areBegun(List.of(begun))).isTrue();
    }

    @Test
    void a_tally_is_clean_only_if_something_happened_and_all_of_it_once() {
        assertThat(new Tally(1, 2, 0, 0, 0).isClean()).isTrue();
        assertThat(Tally.NONE.isClean()).isFalse();
        assertThat(new Tally(1, 1, 1, 0, 0).isClean()).isFalse();
        assertThat(new Tally(1, 1, 0, 1, 0).isClean()).isFalse();
        assertThat(new Tally(1, 1, 0, 0, 1).isClean()).isFalse();
    }

    @Test
    void the_runs_that_a_stopped_worker_left_are_told_with_who_took_them_over_and_how_soon() {
        List<ObservedRun> runs = List.of(
                run("1", "b", null, 0, 100),
                run("2", "b", 150L, 50),
                run("1", "c", 5100L, 3200),
                run("3", "b", null, 20, 120),
                run("3", "a", 4100L, 3000));
        Takeover takeover = Takeover.from(runs, "b", at(200));
        assertThat(takeover).isEqualTo(new Takeover(2, Set.of("a", "c"), Duration.ofMillis(2800)));
        assertThat(takeover).hasToString("its 2 active runs were taken over by a and c, the first 2.8 s later");
        assertThat(Takeover.from(runs.subList(0, 3), "b", at(200)))
                .hasToString("its active run was taken over by c, 3.0 s later");
        assertThat(Takeover.from(runs, "c", at(6000))).hasToString("it had no active run");
        assertThat(Takeover.from(runs.subList(0, 2), "b", at(200)))
                .hasToString("its active run was taken over by nobody");
    }
}
