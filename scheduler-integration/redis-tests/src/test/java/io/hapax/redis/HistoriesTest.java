package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HistoriesTest {

    private static final Histories<String> HISTORIES = new Histories<>(List.of("a", "b", "c"), 2, 9);

    @Test
    void they_have_all_lengths_and_steps_and_come_again_with_their_seed() {
        List<List<String>> first = new ArrayList<>();
        HISTORIES.each(7, first::add);
        assertThat(first).hasSize(Histories.TRIES);
        assertThat(first.stream().map(List::size).distinct()).containsExactlyInAnyOrder(2, 3, 4, 5, 6, 7, 8, 9);
        assertThat(first.stream().flatMap(List::stream).distinct()).containsExactlyInAnyOrder("a", "b", "c");
        List<List<String>> again = new ArrayList<>();
        HISTORIES.each(7, again::add);
        assertThat(again).isEqualTo(first);
        List<List<String>> others = new ArrayList<>();
        HISTORIES.each(8, others::add);
        assertThat(others).isNotEqualTo(first);
    }

    @Test
    void one_that_fails_is_told_as_short_as_it_goes_with_its_seed_and_its_cause() {
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(() -> HISTORIES.each(
                        7,
                        history -> assertThat(history.indexOf("b"))
                                .as("b before c")
                                .isLessThanOrEqualTo(history.indexOf("c"))))
                .withMessageContaining(" of 300 fails: [b], shortened from [")
                .withMessageContaining("Repeat it with -Dhapax.test.seed=7\n[b before c]")
                .havingCause()
                .withMessageContaining("b before c");
    }
}
