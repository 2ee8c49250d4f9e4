package io.hapax.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.testkit.LookalikeKeys;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Keys that look like names that Redis keeps others under, shortened ones, slots and kinds of keys: no two things have one name.
 * {@code -Dhapax.test.seed=} begins with another seed.
 */
class LookalikeKeysTest {

    private static final long FIRST_SEED = Long.getLong("hapax.test.seed", 1);
    private static final int SEEDS = 300;
    private static final int KEYS = 30;

    private static final List<Keyspace> SPACES = List.of(new Keyspace("n", 1), new Keyspace("n", 64));

    /** How names were made once. */
    private enum Mutant {
        NONE,
        /** What looks shortened is taken for the short form of another key. */
        KEEPS_WHAT_LOOKS_SHORTENED,
        /** A slot is named as the lock key of its text is. */
        NAMES_SLOTS_AS_LOCK_KEYS
    }

    /** Everything that is kept in Redis under the name of a text, and that name. */
    private static Map<String, String> names(Keyspace space, String text, Mutant mutant) {
        Map<String, String> names = new LinkedHashMap<>();
        JobIdentity lock = new JobIdentity(new LockKey(text), null);
        JobIdentity run = new JobIdentity(null, new RunKey(text));
        for (JobIdentity identity : List.of(lock, run)) {
            Keyspace.Keys keys = space.of(identity);
            names.put("the lease of " + identity, keys.lease());
            names.put("who waits for " + identity, keys.waiter());
            names.put("the pause of " + identity, keys.pause());
        }
        names.put("the marker of " + run, space.of(run).done());
        for (int number = 1; number <= 3; number++) {
            JobIdentity slot = new JobIdentity(new LockKey(text), null, new Slot(number, 3));
            Keyspace.Keys keys =
                    mutant == Mutant.NAMES_SLOTS_AS_LOCK_KEYS ? space.of(slot, Added.FIRST_FORMAT) : space.of(slot);
            names.put("the lease of slot " + number + " of " + lock, keys.lease());
            if (mutant == Mutant.NONE) {
                // Whoever waits for a slot waits for the key.
                names.put("who waits for " + lock, keys.waiter());
            }
        }
        names.put("the places of " + text, space.places(text));
        names.put("the history of " + text, space.history(0, text));
        names.put("the report of " + text, space.board() + ":" + space.boardName(text));
        for (String only : List.of(space.board(), space.readers(), space.meta(0), space.audit(0), space.channel())) {
            names.put("the one " + only, only);
        }
        if (mutant == Mutant.KEEPS_WHAT_LOOKS_SHORTENED && Keyspace.isShortened(text)) {
            String tag = names.get("the lease of " + lock);
            names.put("the lease of " + lock, tag.substring(0, tag.indexOf("}:") + 2) + "l:" + text);
        }
        return names;
    }

    /** What has the name of something else, of one seed's keys; null if nothing has. */
    private static @Nullable String confused(long seed, Mutant mutant) {
        for (Keyspace space : SPACES) {
            LookalikeKeys keys = new LookalikeKeys(seed);
            Map<String, String> named = new HashMap<>();
            for (int n = 0; n < KEYS; n++) {
                for (Map.Entry<String, String> each :
                        names(space, keys.next(), mutant).entrySet()) {
                    String before = named.put(each.getValue(), each.getKey());
                    if (before != null && !before.equals(each.getKey())) {
                        return "seed " + seed + ": " + each.getValue() + " is " + before + " and " + each.getKey();
                    }
                    keys.isKept(each.getValue());
                }
            }
        }
        return null;
    }

    @Test
    void no_two_things_have_one_name() {
        LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS)
                .forEach(seed -> assertThat(confused(seed, Mutant.NONE)).isNull());
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void an_older_way_to_make_names_is_found(Mutant mutant) {
        assertThat(LongStream.range(FIRST_SEED, FIRST_SEED + SEEDS).anyMatch(seed -> confused(seed, mutant) != null))
                .isTrue();
    }
}
