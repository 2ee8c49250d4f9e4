package io.hapax.policy;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes texts fit into keys, so that different ones never make the same key. What is escaped is a percent sign and then its
 * number as two digits, or {@code u} and its number; text beside values doubles its percent signs.
 */
final class KeyEscape {

    /** Nothing stands behind the value. */
    static final int NO_END = -1;

    private static final int MOST_BYTES = 512;
    private static final int PREFIX_CHARS = 100;
    private static final Pattern ESCAPED = Pattern.compile("%u([0-9A-F]{6})|%([0-9A-F]{2})");
    /** Also with a separator of lines before it, which keys may have. */
    private static final Pattern SHORTENED = Pattern.compile(".{0,100}~[0-9a-f]{64}", Pattern.DOTALL);

    private KeyEscape() {}

    /** Escapes the text beside values. */
    static String beside(String text) {
        return escaped(text.replace("%", "%%"), "", NO_END);
    }

    /** Escapes what no key may contain, in a key without values. */
    static String constant(String text) {
        return escaped(text, "", NO_END);
    }

    /**
     * Escapes characters by their numbers.
     *
     * @param reserved those which have two digits
     * @param end the character that ends the text in the key, or {@link #NO_END}; here it has another form than the text behind
     *     has, whatever that is
     */
    static String escaped(String text, String reserved, int end) {
        StringBuilder escaped = new StringBuilder(text.length() + 8);
        text.codePoints().forEach(point -> {
            // Text beside values never has a reserved character in this form.
            if (reserved.indexOf(point) >= 0) {
                escaped.append(String.format(Locale.ROOT, "%%%02X", point));
            } else if (point == end || isHalf(point)) {
                escaped.append(String.format(Locale.ROOT, "%%u%06X", point));
            } else if (Character.isISOControl(point)) {
                escaped.append(String.format(Locale.ROOT, "%%%02X", point));
            } else {
                escaped.appendCodePoint(point);
            }
        });
        return escaped.toString();
    }

    /** The text of which {@link #escaped} made another one, if that doubles no percent signs. */
    static String unescaped(String escaped) {
        return ESCAPED.matcher(escaped)
                .replaceAll(found -> Matcher.quoteReplacement(Character.toString(
                        Integer.parseInt(found.group(1) == null ? found.group(2) : found.group(1), 16))));
    }

    /** Whether some character is half of a pair. */
    static boolean hasHalf(String text) {
        return text.codePoints().anyMatch(KeyEscape::isHalf);
    }

    private static boolean isHalf(int point) {
        return point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE;
    }

    /**
     * Shortens a key that is too long to a readable start and a digest. A key that looks shortened is shortened, too, so that
     * nobody can choose the short form of another one.
     */
    static String bounded(String key) {
        return bounded(key, MOST_BYTES);
    }

    static String bounded(String key, int mostBytes) {
        boolean fits = key.getBytes(StandardCharsets.UTF_8).length <= mostBytes;
        if (fits && !SHORTENED.matcher(key).matches()) {
            return key;
        }
        int end = Math.min(PREFIX_CHARS, key.length());
        if (Character.isHighSurrogate(key.charAt(end - 1))) {
            end--;
        }
        return key.substring(0, end) + "~" + digest(key);
    }

    private static String digest(String text) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(sha.digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException everyJreHasIt) {
            throw new IllegalStateException(everyJreHasIt);
        }
    }
}
