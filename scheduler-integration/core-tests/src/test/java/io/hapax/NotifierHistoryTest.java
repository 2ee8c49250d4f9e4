package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random bursts of events for listeners that block. {@code -Dhapax.test.seed=} begins with another seed. */
class NotifierHistoryTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int HISTORIES = 100;
    private static final int SEEDS_FOR_A_HOLE = 1_000;

    @Test
    void no_burst_takes_more_memory_than_is_kept_for_it_or_is_heard_out_of_order() {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
            assertThat(new NotifierHistory(seed, NotifierHistory.Kind.SHIPPED).play())
                    .as("seed %d", seed)
                    .isNull();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "SHIPPED")
    void each_hole_is_found(NotifierHistory.Kind hole) {
        assertThat(LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS_FOR_A_HOLE)
                        .anyMatch(seed -> new NotifierHistory(seed, hole).play() != null))
                .isTrue();
    }
}
