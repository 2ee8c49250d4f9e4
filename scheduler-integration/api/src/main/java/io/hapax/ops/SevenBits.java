package io.hapax.ops;

import java.util.Arrays;

/**
 * Bytes as a text of ASCII, seven bits a character, which every database takes, whatever its encoding. PostgreSQL takes no zero in any text:
 * it is written as 1 and 1, and 1 as 1 and 2. That takes 1.16 bytes a byte; Base64 takes 1.33.
 */
final class SevenBits {

    private static final char MARK = 1;
    private static final char ZERO = 1;
    private static final char ONE = 2;

    private SevenBits() {}

    static String of(byte[] bytes) {
        StringBuilder text = new StringBuilder(bytes.length * 8 / 7 + 1);
        int bits = 0;
        int count = 0;
        for (byte each : bytes) {
            bits = (bits << 8) | (each & 0xff);
            count += 8;
            while (count >= 7) {
                count -= 7;
                append(text, (bits >> count) & 0x7f);
            }
            bits &= (1 << count) - 1;
        }
        if (count > 0) {
            append(text, (bits << (7 - count)) & 0x7f);
        }
        return text.toString();
    }

    private static void append(StringBuilder text, int seven) {
        if (seven > MARK) {
            text.append((char) seven);
        } else {
            text.append(MARK).append(seven == 0 ? ZERO : ONE);
        }
    }

    /** Fails with an {@link IllegalArgumentException} if it is no such text. */
    static byte[] read(String text) {
        byte[] bytes = new byte[text.length()];
        int size = 0;
        int bits = 0;
        int count = 0;
        for (int n = 0; n < text.length(); n++) {
            char each = text.charAt(n);
            int seven = each;
            if (each == MARK) {
                n++;
                seven = n < text.length() ? text.charAt(n) - ZERO : -1;
            }
            if (seven < 0 || seven > 0x7f || (each == MARK) != (seven <= MARK)) {
                throw new IllegalArgumentException(
                        "the character " + (int) each + " at " + n + " is none of this text");
            }
            bits = (bits << 7) | seven;
            count += 7;
            if (count >= 8) {
                count -= 8;
                bytes[size++] = (byte) (bits >> count);
                bits &= (1 << count) - 1;
            }
        }
        return Arrays.copyOf(bytes, size);
    }
}
