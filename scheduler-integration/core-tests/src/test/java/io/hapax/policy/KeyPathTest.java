package io.hapax.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.RunKey;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class KeyPathTest {

    @Test
    void parts_cannot_be_confused() {
        assertThat(KeyPath.of("a/b", "c")).isNotEqualTo(KeyPath.of("a", "b/c"));
        assertThat(KeyPath.of("a", "b@c")).isNotEqualTo(KeyPath.of("a", "b") + "@c");
        assertThat(KeyPath.of("a%2Fb")).isNotEqualTo(KeyPath.of("a/b"));
    }

    @Test
    void a_path_tells_its_parts() {
        String[] names = {"a/b", "", "50 %", "%2F", "~x@y", "tab\t", "half \ud83d", "😀"};
        assertThat(KeyPath.parts(KeyPath.of(names))).containsExactly(names);
    }

    @Test
    void ordinary_names_stay_readable() {
        assertThat(KeyPath.of("billing", "DEFAULT", "Tägliche Rechnung: Nr. 5"))
                .isEqualTo("billing/DEFAULT/Tägliche Rechnung: Nr. 5");
    }

    @Test
    void control_characters_are_escaped() {
        assertThat(KeyPath.of("a\nb\u0000\u0085")).isEqualTo("a%0Ab%00%85");
        assertThat(KeyEscape.constant("x/%y\t")).isEqualTo("x/%y%09");
    }

    @Test
    void a_key_of_512_bytes_stays_and_a_longer_one_is_shortened_to_a_prefix_and_a_digest() {
        String fits = "k".repeat(512);
        assertThat(KeyPath.bounded(fits)).isSameAs(fits);
        String one = KeyPath.bounded("k".repeat(513));
        assertThat(one).hasSize(100 + 1 + 64).startsWith("k".repeat(100) + "~");
        assertThat(one).isNotEqualTo(KeyPath.bounded("k".repeat(514)));
    }

    @Test
    void a_long_key_of_wide_characters_is_not_cut_within_one() {
        String wide = KeyPath.bounded("x" + "😀".repeat(300));
        assertThat(new RunKey(wide).value()).isEqualTo(wide);
        assertThat(new String(wide.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8))
                .isEqualTo(wide);
    }
}
