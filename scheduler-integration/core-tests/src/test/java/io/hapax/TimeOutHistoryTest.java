package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.BlockedCommonPool;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Random histories of calls without an answer while an application's tasks have all threads of the common pool, so that whatever
 * goes on there does not go on at all. {@code -Dhapax.test.seed=} begins with another seed.
 */
class TimeOutHistoryTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int HISTORIES = 2_000;
    private static final int SEEDS_FOR_A_HOLE = 1_000;

    private static BlockedCommonPool blocked;

    @BeforeAll
    static void block() throws InterruptedException {
        blocked = new BlockedCommonPool();
    }

    @AfterAll
    static void letGo() {
        blocked.close();
    }

    @Test
    void whoever_asks_is_answered_in_time_whatever_the_common_pool_does() {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
            assertThat(new TimeOutHistory(seed, null).play())
                    .as("seed %d", seed)
                    .isEmpty();
        }
    }

    @Test
    void a_guard_that_goes_on_on_the_common_pool_is_found() {
        List<String> found = List.of();
        for (long seed = FIRST_SEED; found.isEmpty() && seed < FIRST_SEED + SEEDS_FOR_A_HOLE; seed++) {
            found = new TimeOutHistory(seed, ForkJoinPool.commonPool()).play();
        }
        assertThat(found).isNotEmpty();
    }
}
