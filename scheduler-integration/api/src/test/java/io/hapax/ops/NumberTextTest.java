package io.hapax.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NumberTextTest {

    @Test
    void numbers_that_follow_each_other_take_no_room() {
        assertThat(NumberText.of(List.of())).isEmpty();
        assertThat(NumberText.of(List.of(0L))).isEqualTo("0");
        assertThat(NumberText.of(List.of(22L, 17L, 20L, 21L, 122L))).isEqualTo("17.3+2.100");
        assertThat(NumberText.of(List.of(400L, 401L, 402L))).isEqualTo("400+2");
    }

    @Test
    void what_was_written_is_read() {
        Random random = new Random(7);
        for (int round = 0; round < 500; round++) {
            TreeSet<Long> numbers = new TreeSet<>();
            int density = 1 + random.nextInt(50);
            for (int n = random.nextInt(100); n > 0; n--) {
                numbers.add((long) random.nextInt(100 * density));
            }
            assertThat(NumberText.read(NumberText.of(numbers))).containsExactlyElementsOf(numbers);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "1.", "1+", "1,2", "1-2", "+3", "0+999999999", "99999999999999999999"})
    void another_text_is_refused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> NumberText.read(text));
    }
}
