package io.hapax;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.testkit.LookalikeKeys;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Keys that look like hashed ones: none that nobody has hashed is kept as it is, and no two are kept under one name.
 * {@code -Dhapax.test.seed=} begins with another seed.
 */
class LookalikeKeysTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int SEEDS = 300;
    private static final int KEYS = 40;

    private static final KeyHashing HASHING = new KeyHashing("a secret of at least 16");

    private static String hashed(String key) {
        return HASHING.of(new JobIdentity(new LockKey(key), null)).leaseName();
    }

    /** What is wrong with the names of one seed's keys; null if nothing is. */
    private static @Nullable String wrong(long seed, UnaryOperator<String> naming) {
        LookalikeKeys keys = new LookalikeKeys(seed);
        Map<String, String> named = new HashMap<>();
        for (int n = 0; n < KEYS; n++) {
            String key = keys.next();
            String name = naming.apply(key);
            if (name.equals(key)) {
                return "seed " + seed + ": kept as it is: " + key;
            }
            String before = named.put(name, key);
            if (before != null && !before.equals(key)) {
                return "seed " + seed + ": under one name: " + before + " and " + key;
            }
            // Of its digits somebody has seen the first half; who has seen all of them may name the key.
            keys.isKept(name.substring(0, 20) + "0".repeat(21));
        }
        return null;
    }

    @Test
    void no_key_passes_for_a_hashed_one() {
        LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS)
                .forEach(seed ->
                        assertThat(wrong(seed, LookalikeKeysTest::hashed)).isNull());
    }

    @Test
    void hashing_that_lets_pass_what_looks_hashed_is_found() {
        UnaryOperator<String> byForm = key -> key.matches("h[0-9a-f]{40}( #\\d+)?") ? key : hashed(key);
        assertThat(LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS).anyMatch(seed -> wrong(seed, byForm) != null))
                .isTrue();
    }
}
