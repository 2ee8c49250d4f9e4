package io.hapax.lease;

/**
 * Names what must not happen twice: one occurrence of a job, such as a planned fire time or the id of a one-off job.
 *
 * <p>It must be the same for every attempt at the same occurrence, on every replica; otherwise nothing can recognise a
 * duplicate. Immutable.
 *
 * @param value the text: not blank, no control characters, at most 512 bytes of UTF-8
 */
public record RunKey(String value) {

    /**
     * Checks the text.
     *
     * @throws IllegalArgumentException if the text breaks a rule; the message names the rule
     */
    public RunKey {
        KeyText.checked("run key", value);
    }

    @Override
    public String toString() {
        return value;
    }
}
