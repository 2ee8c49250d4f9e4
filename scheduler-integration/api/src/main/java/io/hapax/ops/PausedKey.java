package io.hapax.ops;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import java.util.regex.Pattern;

/**
 * A key that somebody has paused, as a store keeps it. Immutable.
 *
 * @param name the text of the key, or what the store keeps of it: long or odd texts are shortened
 * @param onRunKey whether that is a run key; else it is a lock key
 * @param pause who paused it, why, and until when
 */
public record PausedKey(String name, boolean onRunKey, KeyPause pause) {

    private static final Pattern SHORTENED = Pattern.compile(".{0,40}~[0-9a-f]{40}");

    /**
     * Tells whether a text looks like what a store keeps of a long or odd key. Taken for a key, it is one that nobody uses.
     *
     * @param key what somebody has given as a key
     * @return true if it does
     */
    public static boolean isShortened(String key) {
        return SHORTENED.matcher(key).matches();
    }

    /**
     * Refuses what a store keeps of a longer key, where something is written under the whole text.
     *
     * @param key what somebody has given as a key
     * @throws IllegalArgumentException if it is shortened
     */
    public static void requireWhole(String key) {
        if (isShortened(key)) {
            throw new IllegalArgumentException("key '" + VisibleText.of(key)
                    + "' is what Redis keeps of a longer key, or of one with blanks: give the whole key");
        }
    }

    /**
     * Returns the keys that the name stands for if the store has not shortened it.
     *
     * @return a lock key or a run key
     */
    public JobIdentity identity() {
        return onRunKey ? new JobIdentity(null, new RunKey(name)) : new JobIdentity(new LockKey(name), null);
    }
}
