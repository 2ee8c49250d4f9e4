package io.hapax.benchmarks.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class TrendTest {

    private static final int POINTS = 60;

    /** A value each minute that swings by some hundredths, and grows by an amount each minute. */
    private static Trend swinging(double growing, long seed) {
        Random chance = new Random(seed);
        Trend trend = new Trend("memory", 0.05, 1);
        for (int minute = 0; minute < POINTS; minute++) {
            trend.add(60 * minute, 100 + growing * minute + 4 * (chance.nextDouble() - 0.5));
        }
        return trend;
    }

    @Test
    void what_swings_around_the_same_is_flat_and_what_grows_beneath_it_is_found() {
        for (int i = 0; i < 100; i++) {
            long seed = System.nanoTime();
            assertThat(swinging(0, seed).isFlat()).as("seed %d", seed).isTrue();
            assertThat(swinging(-0.5, seed).isFlat()).as("seed %d", seed).isTrue();
            assertThat(swinging(0.3, seed).isFlat()).as("seed %d", seed).isFalse();
        }
    }

    @Test
    void what_a_start_fills_does_not_count() {
        Trend trend = new Trend("memory", 0, 1);
        for (int i = 0; i < 20; i++) {
            trend.add(i, i < 4 ? 10 * i : 40);
        }
        assertThat(trend.isFlat()).isTrue();
        assertThat(trend.first()).isEqualTo(40);
    }

    @Test
    void the_slope_of_a_line_is_that_of_the_line() {
        Trend trend = new Trend("keys", 0, 10);
        for (int i = 0; i < 10; i++) {
            trend.add(10 * i, 5 + 2 * i);
        }
        assertThat(trend.slope()).isCloseTo(0.2, within(1e-9));
        assertThat(trend.growth()).as("from the third to the last").isCloseTo(14, within(1e-9));
        assertThat(trend.isFlat()).isFalse();
        assertThat(trend.isKnown()).isTrue();
    }
}
