package io.hapax.testkit;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * Keys that somebody might choose to be taken for another one: in each form in which a store or a guard keeps keys, or made of what
 * was kept of earlier ones. All are keys that are allowed. The same seed gives the same keys.
 */
public final class LookalikeKeys {

    private static final String ALPHABET = "ab1#~h:/ {}@.Ü\u2028\u2029日🔒";
    private static final List<String> KINDS = List.of("l:", "r:", "d:", "w:", "h:l:", "s:1:", "p:", "o:", "1:");
    private static final int MOST_BYTES = 512;

    private final Random random;
    private final List<String> keys = new ArrayList<>(List.of("job"));
    private final List<String> kept = new ArrayList<>(List.of("hapax:{n:0}:l:job"));

    /**
     * Creates the keys of one seed.
     *
     * @param seed any number
     */
    public LookalikeKeys(long seed) {
        // The first numbers of a Random with a small seed are all alike.
        this.random = new Random(new SplittableRandom(seed).nextLong());
    }

    /**
     * Records how a key is stored. Later keys may look similar.
     *
     * @param name what somebody may have seen of it
     */
    public void isKept(String name) {
        kept.add(name);
    }

    /**
     * Makes one more.
     *
     * @return a key that is not blank, without control characters, of at most 512 bytes; perhaps one that was there before
     */
    public String next() {
        String key = cut(made());
        String allowed = key.isBlank() ? "k" : key;
        keys.add(allowed);
        return allowed;
    }

    private String made() {
        return switch (random.nextInt(12)) {
            case 0, 1 -> text(1 + random.nextInt(6));
            case 2 -> text(random.nextInt(6)) + "~" + hex(40);
            case 3 -> text(random.nextInt(6)) + "~" + hex(64);
            case 4 -> "h" + hex(40);
            case 5 -> any(keys) + " #" + (1 + random.nextInt(3));
            case 6 -> any(KINDS) + any(keys);
            case 7 -> text(1 + random.nextInt(3)).repeat(200);
            case 8 -> any(kept);
            case 9 -> lastPart(any(kept));
            case 10 -> altered(lastPart(any(kept)));
            default -> any(keys) + any(keys);
        };
    }

    private String any(List<String> some) {
        return some.get(random.nextInt(some.size()));
    }

    private String text(int length) {
        int[] points = ALPHABET.codePoints().toArray();
        StringBuilder text = new StringBuilder();
        for (int n = 0; n < length; n++) {
            text.appendCodePoint(points[random.nextInt(points.length)]);
        }
        return text.toString();
    }

    private String hex(int digits) {
        byte[] bytes = new byte[digits / 2];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** Behind the hash tag and the kind, if the name has both. */
    private static String lastPart(String name) {
        int tag = name.indexOf("}:");
        return tag < 0 ? name : name.substring(name.indexOf(':', tag + 2) + 1);
    }

    private String altered(String text) {
        return text.isEmpty() ? text : text.substring(0, text.length() - 1) + hex(2).charAt(0);
    }

    /** No character is cut in two. */
    private static String cut(String text) {
        StringBuilder fits = new StringBuilder();
        int bytes = 0;
        for (int point : text.codePoints().toArray()) {
            String character = Character.toString(point);
            bytes += character.getBytes(StandardCharsets.UTF_8).length;
            if (bytes > MOST_BYTES) {
                break;
            }
            fits.append(character);
        }
        return fits.toString();
    }
}
