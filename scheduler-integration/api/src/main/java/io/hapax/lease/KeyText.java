package io.hapax.lease;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** The rule that every key obeys. */
final class KeyText {

    static final int MAX_BYTES = 512;

    private KeyText() {}

    static String checked(String kind, String text) {
        return checked(kind, text, MAX_BYTES);
    }

    static String checked(String kind, String text, int maxBytes) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("a " + kind + " must not be blank");
        }
        for (int i = 0; i < text.length(); i++) {
            if (Character.isISOControl(text.charAt(i))) {
                throw new IllegalArgumentException("a " + kind + " must not contain control characters, but has U+"
                        + String.format(Locale.ROOT, "%04X", (int) text.charAt(i)) + " at index " + i);
            }
        }
        requireWholeCharacters(kind, text);
        // Three bytes per char is the most that UTF-8 needs, so short keys skip the encoding.
        if (text.length() * 3 > maxBytes) {
            int bytes = text.getBytes(StandardCharsets.UTF_8).length;
            if (bytes > maxBytes) {
                throw new IllegalArgumentException("a " + kind + " must not be longer than " + maxBytes
                        + " bytes of UTF-8, but has " + bytes + ": " + VisibleText.of(text.substring(0, 40)) + "…");
            }
        }
        return text;
    }

    /** Half a surrogate pair becomes a question mark in UTF-8: different keys would be one to the stores. */
    private static void requireWholeCharacters(String kind, String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean pair = Character.isHighSurrogate(c)
                    && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1));
            if (pair) {
                i++;
            } else if (Character.isSurrogate(c)) {
                throw new IllegalArgumentException("a " + kind + " must not contain half a surrogate pair, but has U+"
                        + String.format(Locale.ROOT, "%04X", (int) c) + " at index " + i);
            }
        }
    }
}
