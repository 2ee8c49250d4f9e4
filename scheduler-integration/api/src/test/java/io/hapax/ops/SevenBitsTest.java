package io.hapax.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SevenBitsTest {

    /** A database whose encoding is not UTF-8 may know no others. */
    @Test
    void bytes_of_any_number_are_characters_of_ascii_and_come_back() {
        Random random = new Random(11);
        for (int size = 0; size < 100; size++) {
            for (byte[] bytes : new byte[][] {new byte[size], ones(size), random(random, size)}) {
                String text = SevenBits.of(bytes);
                assertThat(SevenBits.read(text)).isEqualTo(bytes);
                assertThat(text.chars()).allMatch(each -> each > 0 && each < 0x80);
            }
        }
    }

    @Test
    void a_byte_takes_little_more_than_a_byte() {
        byte[] bytes = random(new Random(13), 100_000);
        assertThat(SevenBits.of(bytes).getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(117_000);
    }

    @Test
    void other_characters_are_refused() {
        assertThatIllegalArgumentException().isThrownBy(() -> SevenBits.read("a\u0080"));
        assertThatIllegalArgumentException().isThrownBy(() -> SevenBits.read("a\u0001"));
        assertThatIllegalArgumentException().isThrownBy(() -> SevenBits.read("\u0001a"));
        assertThatIllegalArgumentException().isThrownBy(() -> SevenBits.read("a\u0000"));
        assertThatIllegalArgumentException().isThrownBy(() -> SevenBits.read("é"));
    }

    private static byte[] ones(int size) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) -1);
        return bytes;
    }

    private static byte[] random(Random random, int size) {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        return bytes;
    }
}
