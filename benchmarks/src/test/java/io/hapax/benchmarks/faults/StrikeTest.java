package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Which faults strike together, and how little of a plan is left that breaks a promise. */
class StrikeTest {

    private static final List<Fault> OF_L3 = Arrays.stream(Fault.values())
            .filter(fault -> fault.strikes(Contender.HAPAX_L3) && fault.topology() == Topology.USUAL)
            .toList();

    @Test
    void a_seed_draws_the_same_strikes_again_and_each_fault_has_its_turn() {
        long seed = System.nanoTime();
        for (int atOnce = 1; atOnce <= 4; atOnce++) {
            List<Strike> drawn = Strike.draw(OF_L3, OF_L3, atOnce, new Random(seed));
            assertThat(drawn).as("seed %d", seed).isEqualTo(Strike.draw(OF_L3, OF_L3, atOnce, new Random(seed)));
            List<Fault> all = new ArrayList<>();
            drawn.forEach(strike -> all.addAll(strike.faults()));
            assertThat(all).as("seed %d", seed).containsAll(OF_L3);
            int most = atOnce;
            assertThat(drawn)
                    .as("seed %d", seed)
                    .allMatch(strike -> strike.faults().size() <= most);
        }
        assertThat(Strike.draw(OF_L3, OF_L3, 2, new Random(seed)))
                .as("seed %d", seed)
                .allMatch(Strike::isCombined);
    }

    @Test
    void two_faults_of_one_thing_do_not_strike_at_once() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Strike.of("redis-empty+redis-stop"))
                .withMessageContaining("cannot strike at once");
        assertThatIllegalArgumentException().isThrownBy(() -> Strike.of("redis-empty+sentinel-failover"));
        assertThatIllegalArgumentException().isThrownBy(() -> Strike.of("net-cut+postgres-late"));
        assertThatIllegalArgumentException().isThrownBy(() -> Strike.of("net-cut+commit-reply-lost"));
        assertThatIllegalArgumentException().isThrownBy(() -> Strike.of("cluster-failover+postgres-failover"));
        assertThat(Strike.of("worker-stop+cluster-slots-move").topology()).isEqualTo(Topology.CLUSTER);
        assertThat(Strike.of("worker-stop+sentinel-failover").topology()).isEqualTo(Topology.SENTINEL);
        assertThat(Strike.of("worker-stop+redis-empty").label()).isEqualTo("worker-stop+redis-empty");
    }

    @Test
    void what_one_of_them_allows_is_allowed() {
        assertThat(Strike.of("worker-stop+redis-empty").pausesWorkers()).isTrue();
        assertThat(Strike.of("worker-kill+redis-empty").pausesWorkers()).isFalse();
        assertThat(Strike.of("worker-kill+redis-clock-back").movesRedisClock()).isTrue();
    }

    @Test
    void of_a_plan_that_breaks_a_promise_what_is_not_needed_is_left_out() throws Exception {
        Plan plan = new Plan(
                Contender.HAPAX_L3,
                Topology.USUAL,
                List.of(
                        Strike.of("net-cut+redis-empty"),
                        Strike.of("worker-stop+net-split+postgres-cut"),
                        Strike.of("jvm-pause+redis-stop")),
                7,
                Plan.USUAL_LENGTH);
        EnumSet<Fault> needed = EnumSet.of(Fault.WORKER_STOP, Fault.POSTGRES_CUT);
        List<Plan> tried = new ArrayList<>();
        Shrinking.Trial trial = smaller -> {
            tried.add(smaller);
            return smaller.length() >= 50
                    && smaller.strikes().stream()
                            .anyMatch(strike -> strike.faults().containsAll(needed));
        };
        Plan least = new Shrinking(trial, () -> true).shrink(plan, List.of("worker-stop+net-split+postgres-cut"));
        assertThat(least.strikes()).containsExactly(Strike.of("worker-stop+postgres-cut"));
        assertThat(least.command())
                .endsWith("--contenders=hapax-l3 --faults=worker-stop+postgres-cut --seed=7 --length=50\"");
        assertThat(new Shrinking(trial, () -> true)
                        .shrink(plan, List.of("keys left"))
                        .strikes())
                .as("without a suspect")
                .containsExactly(Strike.of("worker-stop+postgres-cut"));
        assertThat(tried).hasSizeLessThan(30);
    }

    @Test
    void a_plan_stays_as_it_is_if_there_is_no_time_or_nothing_smaller_breaks_a_promise() throws Exception {
        Plan plan = new Plan(
                Contender.HAPAX_L1,
                Topology.SENTINEL,
                List.of(Strike.of("worker-stop+sentinel-failover"), Strike.of("net-cut+sentinel-failover")),
                7,
                12);
        assertThat(new Shrinking(smaller -> true, () -> false).shrink(plan, List.of()))
                .isEqualTo(plan);
        assertThat(new Shrinking(smaller -> false, () -> true).shrink(plan, List.of()))
                .isEqualTo(plan);
        assertThat(new Shrinking(smaller -> true, () -> true)
                        .shrink(plan, List.of())
                        .strikes())
                .as("with the servers that it needs")
                .containsExactly(Strike.of("sentinel-failover"));
    }
}
