package io.hapax.policy;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Keys made of names: different names never make the same key. */
public final class KeyPath {

    private static final String RESERVED = "%/@~";

    private KeyPath() {}

    /**
     * Joins names by slashes.
     *
     * @param parts any texts
     * @return a key, perhaps longer than one may be
     */
    public static String of(String... parts) {
        return Arrays.stream(parts).map(KeyPath::escaped).collect(Collectors.joining("/"));
    }

    /**
     * Splits what {@link #of} has joined.
     *
     * @param path a key that was not shortened
     * @return the names
     */
    public static List<String> parts(String path) {
        return Arrays.stream(path.split("/", -1)).map(KeyEscape::unescaped).toList();
    }

    /**
     * Escapes a name, so that it stands within a path as one part.
     *
     * @param part any text
     * @return the part
     */
    public static String escaped(String part) {
        return KeyEscape.escaped(part, RESERVED, KeyEscape.NO_END);
    }

    /**
     * Shortens a key that is longer than 512 bytes of UTF-8 to a readable start and a digest. A key that looks shortened is
     * shortened, too, so that nobody can choose the short form of another one.
     *
     * @param key the key
     * @return the key, or its short form
     */
    public static String bounded(String key) {
        return KeyEscape.bounded(key);
    }

    /**
     * Shortens a key as {@link #bounded(String)} does.
     *
     * @param key the key
     * @param mostBytes how long it may be, in bytes of UTF-8
     * @return the key, or its short form, which has 165 characters
     */
    public static String bounded(String key, int mostBytes) {
        return KeyEscape.bounded(key, mostBytes);
    }
}
