package io.hapax.lease;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The owner of a lease: one attempt to execute a job on one worker.
 *
 * <p>Never a job, a thread or a process: the same job delivered twice must conflict with itself. Not the fencing token
 * either, which is a number that the store grants. Immutable; owners with the same text are equal.
 */
public final class OwnerId {

    private static final int LONGEST = 64;
    private static final SecureRandom RANDOM = new SecureRandom();
    /** Base64 as URLs have it, six bits a character; the last of 22 has only the first two of them. */
    private static final byte[] DIGITS =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".getBytes(StandardCharsets.US_ASCII);

    private static final byte[] VALUES = new byte[128];
    private static final int CHARS_OF_128_BITS = 22;

    static {
        Arrays.fill(VALUES, (byte) -1);
        for (byte n = 0; n < DIGITS.length; n++) {
            VALUES[DIGITS[n]] = n;
        }
    }

    // Many thousands may be held: 128 bits are a third of the text of them. A lease keeps these instead of their owner.
    final long high;
    final long low;
    /** Null for one that those bits tell. */
    final @Nullable String text;

    /** One that there is already. */
    OwnerId(long high, long low, @Nullable String text) {
        this.high = high;
        this.low = low;
        this.text = text;
    }

    /**
     * Creates the owner of a text.
     *
     * @param value 1 to 64 letters, digits, {@code _} or {@code -}
     * @throws IllegalArgumentException if it is empty, too long or has other characters
     */
    public OwnerId(String value) {
        if (!isAllowed(value)) {
            throw new IllegalArgumentException(
                    "an owner id has 1 to 64 letters, digits, '_' or '-', was '" + value + "'");
        }
        long first = 0;
        long second = 0;
        boolean isBits = value.length() == CHARS_OF_128_BITS && (VALUES[value.charAt(CHARS_OF_128_BITS - 1)] & 15) == 0;
        for (int n = 0; isBits && n < CHARS_OF_128_BITS; n++) {
            int six = VALUES[value.charAt(n)];
            int bits = n < CHARS_OF_128_BITS - 1 ? 6 : 2;
            first = first << bits | second >>> (64 - bits);
            second = second << bits | (bits == 6 ? six : six >> 4);
        }
        this.high = first;
        this.low = second;
        this.text = isBits ? null : value;
    }

    /**
     * Creates an owner that nobody else has: 128 random bits.
     *
     * @return a fresh owner
     */
    public static OwnerId random() {
        return new OwnerId(RANDOM.nextLong(), RANDOM.nextLong(), null);
    }

    /**
     * Returns the text.
     *
     * @return 1 to 64 letters, digits, {@code _} or {@code -}
     */
    public String value() {
        if (text != null) {
            return text;
        }
        byte[] chars = new byte[CHARS_OF_128_BITS];
        long first = high;
        long second = low;
        for (int n = 0; n < CHARS_OF_128_BITS; n++) {
            chars[n] = DIGITS[(int) (first >>> 58)];
            first = first << 6 | second >>> 58;
            second <<= 6;
        }
        return new String(chars, StandardCharsets.ISO_8859_1);
    }

    // No pattern: each run of each job makes one.
    private static boolean isAllowed(String value) {
        for (int n = 0; n < value.length(); n++) {
            char c = value.charAt(n);
            if (c >= VALUES.length || VALUES[c] < 0) {
                return false;
            }
        }
        return !value.isEmpty() && value.length() <= LONGEST;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof OwnerId owner
                && high == owner.high
                && low == owner.low
                && Objects.equals(text, owner.text);
    }

    @Override
    public int hashCode() {
        return text != null ? text.hashCode() : Long.hashCode(31 * high + low);
    }

    @Override
    public String toString() {
        return value();
    }
}
