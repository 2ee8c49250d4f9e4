package io.hapax.quartz;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.stream.Collectors;

/** Keys made of parts: different parts never make the same key, and a long key is shortened to a prefix and a digest. */
final class KeyPath {

    private static final int MAX_BYTES = 512;
    private static final int PREFIX_CHARS = 100;
    private static final String RESERVED = "%/@~";

    private KeyPath() {}

    static String of(String... parts) {
        return Arrays.stream(parts).map(KeyPath::escaped).collect(Collectors.joining("/"));
    }

    static String escaped(String part) {
        StringBuilder text = new StringBuilder(part.length() + 8);
        for (int i = 0; i < part.length(); i++) {
            char c = part.charAt(i);
            if (RESERVED.indexOf(c) >= 0 || Character.isISOControl(c)) {
                text.append(percent(c));
            } else {
                text.append(c);
            }
        }
        return text.toString();
    }

    /** Escapes only what no key may contain, for keys that people have chosen. */
    static String printable(String text) {
        return text.chars()
                .mapToObj(c -> Character.isISOControl(c) ? percent((char) c) : Character.toString((char) c))
                .collect(Collectors.joining());
    }

    static String bounded(String key) {
        return bounded(key, MAX_BYTES);
    }

    static String bounded(String key, int maxBytes) {
        if (key.getBytes(StandardCharsets.UTF_8).length <= maxBytes) {
            return key;
        }
        int end = Character.isHighSurrogate(key.charAt(PREFIX_CHARS - 1)) ? PREFIX_CHARS - 1 : PREFIX_CHARS;
        String prefix = key.substring(0, end);
        return prefix + "~" + digest(key);
    }

    private static String percent(char c) {
        return String.format(Locale.ROOT, "%%%02X", (int) c);
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
