package io.hapax.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Keys as header values: as they are if they are short and plain, else percent-encoded, or a digest. */
final class HeaderText {

    /** What services that take idempotency keys allow. */
    private static final int LONGEST = 255;

    private HeaderText() {}

    /** Different keys have different texts, and the same key has the same one everywhere. */
    static String of(String key) {
        StringBuilder text = new StringBuilder(key.length());
        for (byte each : key.getBytes(StandardCharsets.UTF_8)) {
            if (isPlain(each)) {
                text.append((char) each);
            } else {
                text.append('%').append(HexFormat.of().withUpperCase().toHexDigits(each));
            }
        }
        return text.length() <= LONGEST ? text.toString() : digest(key);
    }

    /** Whether a receiver can rely on what it was sent: visible, without quotes, of a bounded length. */
    static boolean isKey(String text) {
        return !text.isEmpty()
                && text.length() <= LONGEST
                && text.chars().allMatch(each -> each == '%' || isPlain((byte) Math.min(each, Byte.MAX_VALUE)));
    }

    private static boolean isPlain(byte each) {
        return each > ' ' && each < 0x7f && each != '%' && each != '"' && each != '\\' && each != ',';
    }

    private static String digest(String key) {
        try {
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
            // No key is written so: a percent sign is always encoded.
            return "%sha256:" + HexFormat.of().formatHex(sum);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
