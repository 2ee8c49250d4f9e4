package io.hapax.ops;

import java.util.Arrays;

/**
 * Bytes as a text, seven bits a character: each of them is one byte in UTF-8, but for a zero, which PostgreSQL takes in no text, and
 * which is written as the character 128. That takes 1.15 bytes a byte; Base64 takes 1.33.
 */
final class SevenBits {

    private static final char ZERO = 0x80;

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
        text.append(seven == 0 ? ZERO : (char) seven);
    }

    /** Fails with an {@link IllegalArgumentException} if it is no such text. */
    static byte[] read(String text) {
        byte[] bytes = new byte[text.length() * 7 / 8];
        int size = 0;
        int bits = 0;
        int count = 0;
        for (int n = 0; n < text.length(); n++) {
            char each = text.charAt(n);
            if (each == 0 || each > ZERO) {
                throw new IllegalArgumentException("the character " + (int) each + " is none of this text");
            }
            bits = (bits << 7) | (each & 0x7f);
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
