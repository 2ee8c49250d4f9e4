package io.hapax.benchmarks.cycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import org.junit.jupiter.api.Test;

class LatenciesTest {

    @Test
    void parts_of_all_durations_lie_where_they_ought_to() {
        Latencies latencies = new Latencies();
        for (int micros = 1; micros <= 10_000; micros++) {
            latencies.add(micros * 1000L);
        }
        assertThat(latencies.total()).isEqualTo(10_000);
        assertThat(latencies.micros(0.5)).isCloseTo(5000, withinPercentage(4));
        assertThat(latencies.micros(0.99)).isCloseTo(9900, withinPercentage(4));
        assertThat(latencies.micros(1)).isCloseTo(10_000, withinPercentage(4));
    }

    @Test
    void durations_of_several_callers_add_up() {
        Latencies sum = new Latencies();
        for (long nanos : new long[] {1, 100, 1_000_000}) {
            Latencies one = new Latencies();
            one.add(nanos);
            sum.addAll(one);
        }
        assertThat(sum.total()).isEqualTo(3);
        assertThat(sum.micros(0.6)).isCloseTo(0.1, withinPercentage(4));
    }
}
