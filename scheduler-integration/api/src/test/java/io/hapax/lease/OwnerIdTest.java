package io.hapax.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Base64;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OwnerIdTest {

    @Test
    void the_text_of_128_bits_is_kept_whatever_they_are() {
        Random random = new Random(42);
        byte[] bits = new byte[16];
        for (int n = 0; n < 10_000; n++) {
            random.nextBytes(bits);
            String text = Base64.getUrlEncoder().withoutPadding().encodeToString(bits);
            OwnerId owner = new OwnerId(text);
            assertThat(owner.value()).isEqualTo(text);
            assertThat(owner).hasToString(text).isEqualTo(new OwnerId(text)).hasSameHashCodeAs(new OwnerId(text));
        }
    }

    @Test
    void a_random_one_is_no_other_and_equals_the_one_of_its_text() {
        OwnerId owner = OwnerId.random();
        assertThat(owner.value()).matches("[A-Za-z0-9_-]{22}");
        assertThat(new OwnerId(owner.value())).isEqualTo(owner).hasSameHashCodeAs(owner);
        assertThat(OwnerId.random()).isNotEqualTo(owner);
    }

    /** Of 22 characters, but not what Base64 makes of 128 bits; shorter, and longer. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "AAAAAAAAAAAAAAAAAAAAAB",
                "----------------------",
                "_____________________P",
                "a",
                "AAAAAAAAAAAAAAAAAAAAA",
                "AAAAAAAAAAAAAAAAAAAAAAA",
                "0123456789012345678901234567890123456789012345678901234567890123"
            })
    void any_other_text_is_kept_as_it_is(String text) {
        OwnerId owner = new OwnerId(text);
        assertThat(owner.value()).isEqualTo(text);
        assertThat(owner).isEqualTo(new OwnerId(text)).hasSameHashCodeAs(new OwnerId(text));
        assertThat(owner).isNotEqualTo(new OwnerId("AAAAAAAAAAAAAAAAAAAAAA"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a b",
                "a|b",
                "ä",
                "a\u0000",
                "01234567890123456789012345678901234567890123456789012345678901234"
            })
    void what_is_no_owner_is_refused(String text) {
        assertThatThrownBy(() -> new OwnerId(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
