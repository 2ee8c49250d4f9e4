package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Random histories of transactions that conflict; those of the database itself are played in the module of the ledger.
 * {@code -Dhapax.test.seed=} begins with another seed.
 */
class ConflictHistoryTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int HISTORIES = 2_000;
    private static final int SEEDS_FOR_A_HOLE = 1_000;

    private static List<String> broken(long seed, ConflictHistory.Mutant mutant) {
        return new ConflictHistory(seed, mutant).play();
    }

    @Test
    void a_conflict_loses_no_run_and_leaves_nothing_to_a_person() {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
            assertThat(broken(seed, ConflictHistory.Mutant.NONE))
                    .as("seed %d", seed)
                    .isEmpty();
        }
    }

    @Test
    void a_ledger_that_takes_each_conflict_for_a_takeover_is_found() {
        assertThat(LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS_FOR_A_HOLE)
                        .anyMatch(seed -> !broken(seed, ConflictHistory.Mutant.TAKES_CONFLICTS_FOR_TAKEOVERS)
                                .isEmpty()))
                .isTrue();
    }
}
