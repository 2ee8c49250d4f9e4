package io.hapax.benchmarks.faults.history;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Each violation is planted into a history, and has to be found; and what is none must not be taken for one. */
class CheckerTest {

    @Test
    void a_history_as_it_ought_to_be_has_no_findings() {
        Told told = new Told()
                .due(0, "item-1", "k")
                .begin(10, "alice", "item-1", "k", 7)
                .step(30, "alice", "item-1")
                .effect(50, "alice", "file", "item-1")
                .effect(51, "alice", "store", "item-1")
                .end(60, "alice", "item-1")
                .begin(70, "bob", "item-2", "k", 8)
                .effect(100, "alice", "row", "item-1")
                .at(200, "nemesis", EventType.OVER, "hapax-l1");
        Findings found = told.found();
        assertThat(told.checked().complete()).isTrue();
        assertThat(told.checked().contender()).isEqualTo("hapax-l1");
        assertThat(found.occurrences()).isEqualTo(1);
        assertThat(found.runs()).isEqualTo(2);
        assertThat(found.examples()).isEmpty();
        assertThat(found.overlaps() + found.lost() + found.tokensOutOfOrder() + found.untold() + found.toldLate())
                .isZero();
    }

    @Test
    void a_second_effect_on_a_resource_is_found_once_for_each_occurrence() {
        Findings found = new Told()
                .begin(10, "alice", "item-1", "k", 0)
                .effect(20, "alice", "file", "item-1")
                .begin(30, "bob", "item-1", "k", 0)
                .effect(40, "bob", "file", "item-1")
                .begin(50, "carol", "item-1", "k", 0)
                .effect(60, "carol", "file", "item-1")
                .found();
        assertThat(found.twice("file")).isEqualTo(1);
        assertThat(found.twice("row")).isZero();
        assertThat(found.examples()).contains("file twice item-1 by bob");
    }

    @Test
    void two_rows_of_one_occurrence_are_found_though_they_are_read_after_all_is_over() {
        Findings before = new Told()
                .begin(10, "alice", "item-1", "k", 0)
                .step(12, "alice", "item-1")
                .begin(20, "bob", "item-1", "k", 0)
                .step(22, "bob", "item-1")
                .fault(1_000, "worker-stop")
                .effect(2_000, "alice", "row", "item-1")
                .effect(2_001, "bob", "row", "item-1")
                .checked()
                .findings()
                .get(0);
        assertThat(before.twice("row")).isEqualTo(1);
    }

    @Test
    void a_row_was_committed_before_its_run_ended_wherever_the_end_stands() {
        Findings before = new Told()
                .begin(10, "alice", "item-1", "k", 0)
                .begin(20, "bob", "item-1", "other", 0)
                .effect(40, "alice", "row", "item-1")
                .effect(41, "bob", "row", "item-1")
                .fault(1_000, "worker-stop")
                .end(2_000, "alice", "item-1")
                .checked()
                .findings()
                .get(1);
        assertThat(before.twice("row")).isEqualTo(1);
    }

    @Test
    void a_refused_write_is_no_effect_but_is_counted() {
        Findings found = new Told()
                .begin(10, "alice", "item-1", "k", 1)
                .effect(20, "alice", "store", "item-1")
                .at(30, "alice", EventType.EFFECT, "alice/item-1", "store", "item-1", "stale")
                .found();
        assertThat(found.twice("store")).isZero();
        assertThat(found.stale()).isEqualTo(1);
    }

    @Test
    void an_occurrence_without_an_effect_on_one_of_the_resources_is_lost_while_it_was_due() {
        Checker.Verdict verdict = new Told()
                .due(0, "item-1", "k")
                .fault(100, "redis-empty")
                .due(110, "item-2", "k")
                .begin(120, "alice", "item-1", "k", 0)
                .effect(130, "alice", "file", "item-1")
                .checked();
        assertThat(verdict.findings().get(0).lost()).isEqualTo(1);
        assertThat(verdict.findings().get(1).lost()).isEqualTo(1);
        assertThat(verdict.findings().get(1).examples()).contains("lost item-2");
    }

    @Test
    void a_firing_is_lost_with_its_worker_if_it_waited_nowhere_else() {
        Told told = new Told()
                .due(0, "tick-1", "tick")
                .at(10, "alice", EventType.WAITS, "alice", "tick-1")
                .due(15, "tick-2", "tick")
                .at(20, "bob", EventType.WAITS, "bob", "tick-2")
                .at(30, "alice", EventType.WAITS, "alice", "tick-2")
                .process(40, EventType.KILL, "alice")
                .at(50, "bob", EventType.WAITS, "bob", "tick-1");
        assertThat(told.found().lost()).isEqualTo(2);
        assertThat(told.found().lostWithWorker()).isZero();
        Findings found = told.process(60, EventType.KILL, "bob").found();
        assertThat(found.lost()).isEqualTo(2);
        assertThat(found.lostWithWorker()).isEqualTo(2);
    }

    @Test
    void two_runs_at_work_on_one_key_overlap_and_not_on_two_keys() {
        Told told = new Told()
                .begin(0, "alice", "item-1", "k", 0)
                .begin(10, "bob", "item-2", "k", 0)
                .begin(10, "carol", "item-3", "other", 0)
                .step(20, "alice", "item-1")
                .step(50, "alice", "item-1")
                .step(90, "bob", "item-2");
        assertThat(told.found().overlaps()).isEqualTo(1);
        assertThat(told.found().longestOverlap()).isEqualTo(30.0);
        assertThat(told.found().overlapsUntold()).isEqualTo(1);
    }

    @Test
    void a_run_that_was_told_before_the_next_one_began_overlaps_as_long_as_its_job_needs_to_react() {
        Findings found = new Told()
                .begin(0, "alice", "item-1", "k", 0)
                .told(5, "alice", "item-1")
                .begin(10, "bob", "item-2", "k", 0)
                .step(65, "alice", "item-1")
                .step(90, "bob", "item-2")
                .found();
        assertThat(found.overlaps()).isEqualTo(1);
        assertThat(found.overlapsUntold()).isZero();
        assertThat(found.slowestReaction()).isEqualTo(60.0);
    }

    @Test
    void one_run_after_the_other_is_no_overlap_even_if_the_first_says_goodbye_late() {
        Findings found = new Told()
                .begin(0, "alice", "item-1", "k", 0)
                .step(5, "alice", "item-1")
                .begin(10, "bob", "item-2", "k", 0)
                .end(12, "alice", "item-1")
                .found();
        assertThat(found.overlaps()).isZero();
    }

    private static Told places(Told told, int... limits) {
        List<String> workers = List.of("alice", "bob", "carol");
        for (int i = 0; i < limits.length; i++) {
            told.begin(10 * i, workers.get(i), "pool", "rooms #" + (i + 1), 0)
                    .at(
                            10 * i + 1,
                            "x",
                            EventType.LIMIT,
                            workers.get(i) + "/pool",
                            "rooms",
                            Integer.toString(limits[i]));
        }
        return told;
    }

    @Test
    void no_more_are_at_work_than_the_smallest_limit_that_one_of_them_states() {
        assertThat(places(new Told(), 3, 3, 3)
                        .step(50, "alice", "pool")
                        .step(51, "bob", "pool")
                        .found()
                        .overLimit())
                .isZero();
        Told told = places(new Told(), 3, 2, 3).step(50, "alice", "pool").step(51, "bob", "pool");
        assertThat(told.found().overLimit()).isEqualTo(1);
        assertThat(told.found().overlaps()).as("places are keys of their own").isZero();
        assertThat(told.found().examples()).contains("3 runs active on rooms, limit 2");
    }

    @Test
    void who_was_told_before_or_is_through_has_no_place() {
        assertThat(places(new Told(), 1, 1).found().overLimit()).as("through").isZero();
        assertThat(new Told()
                        .begin(0, "alice", "pool", "rooms #1", 0)
                        .at(1, "x", EventType.LIMIT, "alice/pool", "rooms", "1")
                        .told(5, "alice", "pool")
                        .begin(10, "bob", "pool", "rooms #2", 0)
                        .at(11, "x", EventType.LIMIT, "bob/pool", "rooms", "1")
                        .step(20, "alice", "pool")
                        .found()
                        .overLimit())
                .isZero();
    }

    @Test
    void a_place_of_a_killed_worker_is_taken_over_by_whoever_takes_any_place() {
        Findings found = places(new Told(), 2)
                .process(100, EventType.KILL, "alice")
                .begin(600, "bob", "pool", "rooms #2", 0)
                .at(601, "x", EventType.LIMIT, "bob/pool", "rooms", "2")
                .found();
        assertThat(found.takeovers()).containsExactly(500.0);
    }

    @Test
    void a_token_that_was_given_before_or_is_lower_is_out_of_order() {
        assertThat(new Told()
                        .begin(0, "alice", "item-1", "k", 7)
                        .begin(10, "bob", "item-2", "k", 7)
                        .found()
                        .tokensOutOfOrder())
                .isEqualTo(1);
        assertThat(new Told()
                        .begin(0, "alice", "item-1", "k", 7)
                        .begin(10, "bob", "item-2", "k", 6)
                        .begin(10, "carol", "item-3", "other", 1)
                        .found()
                        .tokensOutOfOrder())
                .isEqualTo(1);
    }

    @Test
    void a_lower_token_of_a_run_that_was_frozen_before_it_could_begin_is_in_order() {
        assertThat(new Told()
                        .process(0, EventType.STOP, "alice")
                        .begin(10, "bob", "item-2", "k", 8)
                        .process(5_000, EventType.CONTINUE, "alice")
                        .begin(5_010, "alice", "item-1", "k", 7)
                        .found()
                        .tokensOutOfOrder())
                .isZero();
    }

    @Test
    void a_lower_token_of_a_run_that_froze_after_a_higher_one_had_begun_is_out_of_order() {
        assertThat(new Told()
                        .begin(10, "bob", "item-2", "k", 8)
                        .process(20, EventType.STOP, "alice")
                        .process(5_000, EventType.CONTINUE, "alice")
                        .begin(5_010, "alice", "item-1", "k", 7)
                        .found()
                        .tokensOutOfOrder())
                .isEqualTo(1);
    }

    @Test
    void a_lower_token_whose_lease_was_seen_before_the_higher_one_began_is_in_order() {
        assertThat(new Told()
                        .server("redis-0", 1)
                        .lease(0, "redis-0", "l:k", "alice", "item-1", 3_000)
                        .begin(3_100, "bob", "item-2", "k", 8)
                        .begin(3_200, "alice", "item-1", "k", 7)
                        .found()
                        .tokensOutOfOrder())
                .isZero();
    }

    @Test
    void a_run_without_a_lease_is_not_judged_by_a_lease_whose_owner_was_not_seen() {
        assertThat(new Told()
                        .server("redis-0", 1)
                        .prolong(0, "redis-0", "l:k", 1_000)
                        .begin(1, "alice", "item-1", "k", 0)
                        .step(2_000, "alice", "item-1")
                        .found()
                        .untold())
                .isZero();
    }

    @Test
    void a_run_is_told_late_if_its_lease_had_ended_at_the_server_and_its_process_ran() {
        Told told = new Told()
                .server("redis-0", 1)
                .lease(0, "redis-0", "l:k", "alice", "item-1", 3_000)
                .begin(1, "alice", "item-1", "k", 7);
        assertThat(told.told(2_999, "alice", "item-1").found().toldLate()).isZero();
        Told late = leased().told(3_040, "alice", "item-1");
        assertThat(late.found().toldLate()).isEqualTo(1);
        assertThat(late.found().toldAfter()).containsExactly(40.0);
    }

    @Test
    void a_lease_lives_on_from_each_renewal_of_its_owner() {
        Findings found = leased().prolong(1_000, "redis-0", "l:k", 3_000)
                .told(3_900, "alice", "item-1")
                .found();
        assertThat(found.toldLate()).isZero();
        assertThat(found.toldAfter()).containsExactly(0.0);
    }

    @Test
    void a_lease_of_a_quorum_ends_when_the_majority_is_gone() {
        Told told = new Told()
                .server("redis-0", 2)
                .server("redis-1", 2)
                .server("redis-2", 2)
                .lease(0, "redis-0", "l:k", "alice", "item-1", 1_000)
                .lease(0, "redis-1", "l:k", "alice", "item-1", 2_000)
                .lease(0, "redis-2", "l:k", "alice", "item-1", 3_000)
                .begin(1, "alice", "item-1", "k", 7)
                .told(2_010, "alice", "item-1");
        assertThat(told.found().toldAfter()).containsExactly(10.0);
    }

    @Test
    void a_run_on_a_frozen_process_is_told_after_it_went_on() {
        Findings found = leased().process(100, EventType.STOP, "alice")
                .process(6_000, EventType.CONTINUE, "alice")
                .told(6_020, "alice", "item-1")
                .found();
        assertThat(found.toldLate()).isZero();
        assertThat(found.toldAfterThaw()).containsExactly(20.0);
    }

    @Test
    void a_run_that_is_told_before_its_lease_ends_is_told_in_time_though_its_process_went_on_long_before() {
        Findings found = leased().process(1_000, EventType.STOP, "alice")
                .process(2_000, EventType.CONTINUE, "alice")
                .told(2_600, "alice", "item-1")
                .found();
        assertThat(found.toldLate()).isZero();
        assertThat(found.toldAfter()).containsExactly(0.0);
        assertThat(found.toldAfterThaw()).isEmpty();
    }

    @Test
    void what_a_run_is_told_after_its_end_is_not_late() {
        Told ended = leased().step(2_000, "alice", "item-1")
                .end(2_010, "alice", "item-1")
                .told(6_000, "alice", "item-1");
        assertThat(ended.found().toldLate()).isZero();
        assertThat(ended.found().untold()).isZero();
        Told ranOn = leased().step(3_600, "alice", "item-1")
                .end(3_610, "alice", "item-1")
                .told(3_620, "alice", "item-1");
        assertThat(ranOn.found().untold()).isEqualTo(1);
    }

    /** A run that began with a lease, which is not renewed and ends at 3000. */
    private static Told leased() {
        return new Told()
                .server("redis-0", 1)
                .lease(0, "redis-0", "l:k", "alice", "item-1", 3_000)
                .begin(1, "alice", "item-1", "k", 7);
    }

    /** A lease that ended at 3000, of which its run is told at 3040; the witness says what it says at 3050. */
    private static Told toldLate(String witness, long starved) {
        return leased().told(3_040, "alice", "item-1").starved(3_050, witness, starved);
    }

    @Test
    void a_run_that_is_told_late_is_excused_by_as_much_as_its_process_or_the_observer_had_no_processor() {
        assertThat(toldLate("alice", 50).found().toldLate()).isZero();
        assertThat(toldLate("alice", 50).found().toldStarved()).isEqualTo(1);
        assertThat(toldLate("observer", 50).found().toldLate()).isZero();
        assertThat(toldLate("bob", 50).found().toldLate()).isEqualTo(1);
        assertThat(toldLate("alice", 30).found().toldAfter())
                .as("20 of them before")
                .containsExactly(20.0);
    }

    @Test
    void what_two_witnesses_say_of_one_time_counts_once() {
        Told told = toldLate("alice", 40).starved(3_050, "observer", 35).starved(3_051, "alice", 36);
        assertThat(told.found().toldAfter()).containsExactly(10.0);
    }

    @Test
    void a_process_that_had_no_processor_a_second_before_its_lease_ended_could_have_told_in_time() {
        Told told = leased().starved(1_990, "alice", 1_500).told(3_040, "alice", "item-1");
        assertThat(told.found().toldLate()).isEqualTo(1);
    }

    @Test
    void after_a_thaw_only_the_time_counts_in_which_the_process_had_a_processor() {
        Told told = leased().process(100, EventType.STOP, "alice")
                .process(6_000, EventType.CONTINUE, "alice")
                .starved(6_150, "alice", 6_050)
                .told(6_170, "alice", "item-1");
        assertThat(told.found().toldAfterThaw()).containsExactly(20.0);
    }

    @Test
    void a_run_that_had_no_processor_is_not_forgotten() {
        Told told = leased().step(3_600, "alice", "item-1");
        assertThat(told.starved(3_605, "alice", 90).found().untold()).isEqualTo(1);
        assertThat(told.starved(3_605, "alice", 110).found().untold()).isZero();
    }

    @Test
    void a_run_that_goes_on_beyond_its_lease_and_is_never_told_is_found() {
        Told told = new Told()
                .server("redis-0", 1)
                .lease(0, "redis-0", "l:k", "alice", "item-1", 3_000)
                .begin(1, "alice", "item-1", "k", 7);
        assertThat(told.step(3_400, "alice", "item-1").found().untold()).isZero();
        assertThat(told.step(3_600, "alice", "item-1").found().untold()).isEqualTo(1);
    }

    @Test
    void work_of_a_killed_worker_is_taken_over_by_the_next_run_on_its_lock_key() {
        Findings found = new Told()
                .fault(0, "worker-kill")
                .begin(10, "alice", "item-1", "k", 7)
                .begin(20, "alice", "item-2", "other", 8)
                .end(30, "alice", "item-2")
                .process(100, EventType.KILL, "alice")
                .begin(2_100, "bob", "item-7", "k", 9)
                .begin(5_000, "bob", "item-1", "k", 10)
                .begin(5_000, "carol", "item-2", "other", 11)
                .found();
        assertThat(found.takeovers()).containsExactly(2_000.0);
    }

    @Test
    void a_fault_that_was_not_healed_was_not_carried_out() {
        assertThat(new Told().fault(0, "worker-stop").found().isCarriedOut()).isFalse();
        assertThat(new Told()
                        .fault(0, "worker-stop")
                        .at(10, "nemesis", EventType.HEALED, "worker-stop")
                        .found()
                        .isCarriedOut())
                .isTrue();
        assertThat(new Told()
                        .fault(0, "worker-stop")
                        .at(10, "nemesis", EventType.HEALED, "redis-empty")
                        .found()
                        .isCarriedOut())
                .isFalse();
        assertThat(new Told().found().isCarriedOut()).isTrue();
    }

    @Test
    void what_was_left_behind_is_told() {
        assertThat(new Told()
                        .at(0, "nemesis", EventType.LEFT, "keys in Redis", "3")
                        .checked()
                        .left())
                .containsEntry("keys in Redis", 3);
    }

    @Test
    void an_observation_that_was_not_ended_is_not_complete() {
        assertThat(new Told().begin(0, "alice", "item-1", "k", 0).checked().complete())
                .isFalse();
    }

    @Test
    void a_run_that_never_began_is_refused() {
        assertThatThrownBy(() -> new Told().step(0, "alice", "item-1").checked())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("never started");
    }
}
