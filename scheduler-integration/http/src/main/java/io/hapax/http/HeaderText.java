package io.hapax.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Collectors;

/** Keys as header values: as they are if they are short and plain, else percent-encoded, or a digest. */
final class HeaderText {

    /** What services that take idempotency keys allow. */
    private static final int LONGEST = 255;

    /** What keys are joined and encoded with. */
    private static final String JOINS = "/%";

    private HeaderText() {}

    /**
     * Joins what a header names. Different parts have different texts, and the same ones have the same text everywhere: what joins
     * them is encoded within them.
     */
    static String of(String... parts) {
        String text = Arrays.stream(parts).map(HeaderText::encoded).collect(Collectors.joining("/"));
        return text.length() <= LONGEST ? text : digest(text);
    }

    private static String encoded(String key) {
        StringBuilder text = new StringBuilder(key.length());
        for (byte each : key.getBytes(StandardCharsets.UTF_8)) {
            if (isPlain(each)) {
                text.append((char) each);
            } else {
                text.append('%').append(HexFormat.of().withUpperCase().toHexDigits(each));
            }
        }
        return text.toString();
    }

    /** Whether a receiver can rely on what it was sent: visible, without quotes, of a bounded length. */
    static boolean isKey(String text) {
        return !text.isEmpty()
                && text.length() <= LONGEST
                && text.chars()
                        .allMatch(each -> JOINS.indexOf(each) >= 0 || isPlain((byte) Math.min(each, Byte.MAX_VALUE)));
    }

    private static boolean isPlain(byte each) {
        return each > ' ' && each < 0x7f && each != '"' && each != '\\' && each != ',' && JOINS.indexOf(each) < 0;
    }

    private static String digest(String text) {
        try {
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            // No key is written so: a percent sign is always encoded.
            return "%sha256:" + HexFormat.of().formatHex(sum);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
