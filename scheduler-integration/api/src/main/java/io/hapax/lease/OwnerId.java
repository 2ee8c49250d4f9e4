package io.hapax.lease;

import java.security.SecureRandom;
import java.util.Base64;

/**
 * The owner of a lease: one attempt to execute a job on one worker.
 *
 * <p>Never a job, a thread or a process: the same job delivered twice must conflict with itself. Not the fencing token
 * either, which is a number that the store grants. Immutable.
 *
 * @param value 1 to 64 letters, digits, {@code _} or {@code -}
 */
public record OwnerId(String value) {

    private static final int LONGEST = 64;
    private static final Base64.Encoder TEXT = Base64.getUrlEncoder().withoutPadding();
    private static final SecureRandom RANDOM = new SecureRandom();

    /**
     * Checks the text.
     *
     * @throws IllegalArgumentException if it is empty, too long or has other characters
     */
    public OwnerId {
        if (!isAllowed(value)) {
            throw new IllegalArgumentException(
                    "an owner id has 1 to 64 letters, digits, '_' or '-', was '" + value + "'");
        }
    }

    /**
     * Creates an owner that nobody else has: 128 random bits.
     *
     * @return a fresh owner
     */
    public static OwnerId random() {
        byte[] bits = new byte[16];
        RANDOM.nextBytes(bits);
        return new OwnerId(TEXT.encodeToString(bits));
    }

    // No pattern: each run of each job makes one.
    private static boolean isAllowed(String value) {
        for (int n = 0; n < value.length(); n++) {
            char c = value.charAt(n);
            boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!letter && (c < '0' || c > '9') && c != '_' && c != '-') {
                return false;
            }
        }
        return !value.isEmpty() && value.length() <= LONGEST;
    }

    @Override
    public String toString() {
        return value;
    }
}
