package io.hapax.lease;

/**
 * Names what must not overlap: at most one run at a time holds a lock key.
 *
 * <p>By default an adapter takes the job's name; users choose a narrower one, such as {@code invoice/42}. Immutable.
 *
 * @param value the text: not blank, no control characters, at most 512 bytes of UTF-8
 */
public record LockKey(String value) {

    /**
     * Checks the text.
     *
     * @throws IllegalArgumentException if the text breaks a rule; the message names the rule
     */
    public LockKey {
        KeyText.checked("lock key", value);
    }

    @Override
    public String toString() {
        return value;
    }
}
