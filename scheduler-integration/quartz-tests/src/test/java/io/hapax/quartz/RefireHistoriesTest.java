package io.hapax.quartz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random histories of jobs that fail and want to be refired, after whose crash a person decides; and holes that they must find.
 * {@code -Dhapax.test.seed=} begins with another seed.
 */
class RefireHistoriesTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int HISTORIES = 100;
    private static final int SEEDS_FOR_A_HOLE = 1_000;

    @Test
    void a_job_that_wants_to_be_refired_has_failed_and_is_not_abandoned() {
        try (RefireHistory.World world = new RefireHistory.World()) {
            for (long seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
                assertThat(new RefireHistory(seed, world, RefireHistory.Mutant.NONE).play())
                        .as("seed %d", seed)
                        .isEmpty();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void each_hole_is_found(RefireHistory.Mutant hole) {
        List<String> found = List.of();
        try (RefireHistory.World world = new RefireHistory.World()) {
            for (long seed = FIRST_SEED; found.isEmpty() && seed < FIRST_SEED + SEEDS_FOR_A_HOLE; seed++) {
                found = new RefireHistory(seed, world, hole).play();
            }
        }
        assertThat(found).isNotEmpty();
    }
}
