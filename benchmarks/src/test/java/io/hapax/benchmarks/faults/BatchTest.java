package io.hapax.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.benchmarks.harness.Arguments;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class BatchTest {

    private static final List<Batch> CAMPAIGN = Batch.campaign(10, 25_000, 2);

    private final Planning planning = new Planning(Arguments.of(new String[] {"--campaign"}), true);

    private static Set<Long> seeds(List<Plan> plans, Contender contender) {
        return plans.stream()
                .filter(plan -> plan.contender() == contender)
                .map(Plan::seed)
                .collect(Collectors.toSet());
    }

    @Test
    void level_3_has_ten_seeds_with_two_faults_at_once_and_all_others_two_with_one() {
        List<Plan> plans = Batch.plans(CAMPAIGN, planning, 1);

        assertThat(seeds(plans, Contender.HAPAX_L3)).hasSize(10);
        for (Contender other : CAMPAIGN.get(1).contenders()) {
            assertThat(seeds(plans, other)).as(other.label()).containsExactlyInAnyOrder(1L, 2L);
        }
        assertThat(plans)
                .filteredOn(plan -> plan.strikes().stream().anyMatch(Strike::isCombined))
                .isNotEmpty()
                .allMatch(plan -> plan.contender() == Contender.HAPAX_L3);
    }

    @Test
    void further_seeds_are_those_of_level_3_and_none_that_was_there() {
        List<Plan> first = Batch.plans(CAMPAIGN, planning, 1);
        List<Plan> further = Batch.further(CAMPAIGN, planning, 1, 0);

        assertThat(seeds(further, Contender.HAPAX_L3)).containsExactly(11L);
        assertThat(further)
                .allMatch(plan -> plan.contender() == Contender.HAPAX_L3)
                .doesNotContainAnyElementsOf(first);
        assertThat(Batch.least(CAMPAIGN)).containsOnlyKeys(Contender.HAPAX_L3).containsValue(25_000);
    }

    @Test
    void contenders_that_are_named_make_a_campaign_smaller() {
        Planning few = new Planning(Arguments.of(new String[] {"--contenders=rlock"}), true);

        assertThat(Batch.plans(CAMPAIGN, few, 1)).isNotEmpty().allMatch(plan -> plan.contender() == Contender.RLOCK);
    }
}
