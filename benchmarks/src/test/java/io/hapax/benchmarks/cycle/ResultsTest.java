package io.hapax.benchmarks.cycle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ResultsTest {

    private final Results results = new Results();

    private void add(Contenders contender, double cycles, double micros, double foreign) {
        results.add(contender, 4, new Sample(cycles, micros / 2, micros / 2, 1, 2, 3, 4, foreign, Double.NaN));
    }

    @Test
    void what_other_processes_disturbed_does_not_count_if_anything_is_clean() {
        add(Contenders.HAPAX, 100, 10, 0.01);
        add(Contenders.HAPAX, 1, 1000, 0.5);
        add(Contenders.HAPAX, 2, 2000, 0.5);
        assertThat(results.cpu(Contenders.HAPAX, 4)).isEqualTo(10);
        add(Contenders.RLOCK, 1, 1000, 0.5);
        assertThat(results.cpu(Contenders.RLOCK, 4)).isEqualTo(1000);
    }

    @Test
    void hapax_is_compared_with_the_better_of_the_clients() {
        add(Contenders.HAPAX, 100, 10, 0);
        add(Contenders.JEDIS, 50, 20, 0);
        add(Contenders.LETTUCE, 80, 40, 0);
        assertThat(results.cpuVersusClients(Contenders.HAPAX, 4)).isEqualTo(0.5);
        assertThat(results.throughputVersusClients(Contenders.HAPAX, 4)).isEqualTo(1.25);
    }

    @Test
    void what_was_not_measured_is_not_a_number() {
        assertThat(results.cpu(Contenders.HAPAX, 1)).isNaN();
        assertThat(results.cpuVersusClients(Contenders.HAPAX, 1)).isNaN();
    }
}
