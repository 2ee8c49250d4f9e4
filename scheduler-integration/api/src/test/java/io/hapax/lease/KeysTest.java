package io.hapax.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class KeysTest {

    static Stream<Arguments> kinds() {
        Function<String, Object> lock = LockKey::new;
        Function<String, Object> run = RunKey::new;
        return Stream.of(Arguments.of("lock key", lock), Arguments.of("run key", run));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void a_blank_key_is_refused_and_the_message_names_the_rule(String kind, Function<String, Object> create) {
        for (String blank : List.of("", " ", "\u2003 ")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> create.apply(blank))
                    .withMessage("a " + kind + " must not be blank");
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void control_characters_are_refused_and_the_message_says_which_and_where(
            String kind, Function<String, Object> create) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> create.apply("a\nb"))
                .withMessage("a " + kind + " must not contain control characters, but has U+000A at index 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> create.apply("a\u0085"))
                .withMessageContaining("U+0085");
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void half_a_surrogate_pair_is_refused_since_stores_would_take_two_such_keys_for_one(
            String kind, Function<String, Object> create) {
        assertThat(create.apply("a\uD83D\uDE00b")).isNotNull();
        for (String half : List.of("a\uD83D", "a\uDE00", "a\uD83Db", "a\uDE00\uD83D", "a\uD83D\uD83D\uDE00")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> create.apply(half))
                    .withMessageStartingWith("a " + kind + " must not contain half a surrogate pair, but has U+D")
                    .withMessageEndingWith("at index 1");
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void a_key_of_512_bytes_is_fine_and_one_of_513_is_refused(String kind, Function<String, Object> create) {
        assertThat(create.apply("é".repeat(256))).isNotNull();
        assertThat(create.apply("a".repeat(512))).isNotNull();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> create.apply("é".repeat(256) + "a"))
                .withMessageContaining(kind)
                .withMessageContaining("512 bytes")
                .withMessageContaining("has 513");
    }

    @Test
    void an_identity_needs_at_least_one_key() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new JobIdentity(null, null))
                .withMessageContaining("lock key")
                .withMessageContaining("run key");
        assertThat(new JobIdentity(new LockKey("l"), new RunKey("r")).leaseName())
                .isEqualTo("l");
        assertThat(new JobIdentity(null, new RunKey("r")).leaseName()).isEqualTo("r");
    }

    @Test
    void a_fencing_token_starts_at_one_and_is_ordered() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new FencingToken(0))
                .withMessage("a fencing token starts at 1, was 0");
        assertThat(new FencingToken(2)).isGreaterThan(new FencingToken(1));
    }

    @Test
    void owners_are_fresh_and_never_contain_what_a_store_may_use_as_separator() {
        assertThat(OwnerId.random()).isNotEqualTo(OwnerId.random());
        assertThat(Stream.generate(OwnerId::random).limit(200).map(OwnerId::value))
                .allMatch(value -> value.matches("[A-Za-z0-9_-]{22}"));
        assertThatIllegalArgumentException().isThrownBy(() -> new OwnerId("a|b"));
    }

    @Test
    void an_ending_is_done_only_with_a_retention() {
        assertThat(Ending.NOT_DONE.isDone()).isFalse();
        assertThat(Ending.done(Duration.ofMillis(1)).isDone()).isTrue();
        assertThatIllegalArgumentException().isThrownBy(() -> Ending.done(Duration.ZERO));
    }

    @Test
    void an_address_that_no_store_accepts_is_refused_without_showing_its_password() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LeaseStoreProvider.openStore("memcached://me:secret@host:1", Map.of()))
                .withMessageContaining("hapax-redis")
                .withMessageNotContaining("secret");
    }
}
