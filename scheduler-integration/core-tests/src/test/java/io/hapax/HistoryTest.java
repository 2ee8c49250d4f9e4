package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random histories with calls that are carried out late, judged by a reference model; and holes that it must find. */
class HistoryTest {

    /** Other seeds: {@code -Dhapax.history.seed=}; more: {@code -Dhapax.history.count=}. */
    private static final long FIRST_SEED = Long.getLong("hapax.history.seed", 1);

    private static final int HISTORIES = Integer.getInteger("hapax.history.count", 10_000);
    private static final int SEEDS_FOR_A_HOLE = 1_000;

    /** What a history has broken; empty if nothing. */
    private static List<String> broken(long seed, HistoryMutant mutant) {
        try (History history = new History(seed, mutant)) {
            List<String> broken = new ArrayList<>(history.play());
            if (!broken.isEmpty()) {
                broken.add(0, "seed " + seed);
                broken.addAll(history.steps());
            }
            return broken;
        }
    }

    @Test
    void no_history_breaks_a_promise() {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
            assertThat(broken(seed, HistoryMutant.NONE)).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void each_hole_is_found(HistoryMutant hole) {
        List<String> found = List.of();
        long seed = FIRST_SEED;
        while (found.isEmpty() && seed < FIRST_SEED + SEEDS_FOR_A_HOLE) {
            found = broken(seed++, hole);
        }
        assertThat(found)
                .as("what %s breaks within %d histories", hole, SEEDS_FOR_A_HOLE)
                .isNotEmpty();
    }
}
