package io.hapax.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.testkit.LookalikeKeys;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Keys that templates have made, some of which are longer than a key may be, and some of which look as if they had been shortened: no
 * two become one. {@code -Dhapax.test.seed=} begins with another seed.
 */
class LookalikeTextsTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int SEEDS = 300;
    private static final int KEYS = 40;

    private static final int LONGEST = 512;

    /** What is wrong with the bounded forms of one seed's keys; null if nothing is. */
    private static @Nullable String wrong(long seed, UnaryOperator<String> bounding) {
        LookalikeKeys keys = new LookalikeKeys(seed);
        Map<String, String> made = new HashMap<>();
        for (int n = 0; n < KEYS; n++) {
            String one = keys.next();
            for (String text : new String[] {one, one + "/" + keys.next().repeat(4)}) {
                String key = bounding.apply(text);
                String before = made.put(key, text);
                if (before != null && !before.equals(text)) {
                    return "seed " + seed + ": one key for " + before + " and " + text;
                }
                if (key.getBytes(StandardCharsets.UTF_8).length > LONGEST) {
                    return "seed " + seed + ": too long: " + key;
                }
                keys.isKept(key);
            }
        }
        return null;
    }

    @Test
    void no_key_passes_for_a_shortened_one() {
        LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS)
                .forEach(seed -> assertThat(wrong(seed, KeyEscape::bounded)).isNull());
    }

    @Test
    void shortening_that_lets_pass_what_looks_shortened_is_found() {
        UnaryOperator<String> byLength =
                key -> key.getBytes(StandardCharsets.UTF_8).length <= LONGEST ? key : KeyEscape.bounded(key);
        assertThat(LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS).anyMatch(seed -> wrong(seed, byLength) != null))
                .isTrue();
    }
}
