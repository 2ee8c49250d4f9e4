package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random histories of guards that are closed between the admission of a run and its beginning; and holes that they must find.
 * {@code -Dhapax.test.seed=} begins with another seed.
 */
class ClosingHistoryTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int HISTORIES = 5_000;
    private static final int SEEDS_FOR_A_HOLE = 1_000;

    @Test
    void no_completion_is_lost_at_a_close_and_every_guard_ends() {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
            assertThat(new ClosingHistory(seed, ClosingHistory.Mutant.NONE).play())
                    .as("seed %d", seed)
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void each_hole_is_found(ClosingHistory.Mutant hole) {
        List<String> found = List.of();
        for (long seed = FIRST_SEED; found.isEmpty() && seed < FIRST_SEED + SEEDS_FOR_A_HOLE; seed++) {
            found = new ClosingHistory(seed, hole).play();
        }
        assertThat(found)
                .as("what %s breaks within %d histories", hole, SEEDS_FOR_A_HOLE)
                .isNotEmpty();
    }
}
