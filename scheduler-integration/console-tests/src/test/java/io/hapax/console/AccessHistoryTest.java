package io.hapax.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random right and wrong credentials from behind one proxy. {@code -Dhapax.test.seed=} begins with another seed. */
class AccessHistoryTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int HISTORIES = 300;
    private static final int SEEDS_FOR_A_HOLE = 1_000;

    @Test
    void whoever_has_the_credential_gets_in_and_nobody_goes_on_guessing() {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
            assertThat(new AccessHistory(seed, AccessHistory.Mutant.NONE).play())
                    .as("seed %d", seed)
                    .isNull();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void each_hole_is_found(AccessHistory.Mutant hole) {
        assertThat(LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS_FOR_A_HOLE)
                        .anyMatch(seed -> new AccessHistory(seed, hole).play() != null))
                .isTrue();
    }
}
