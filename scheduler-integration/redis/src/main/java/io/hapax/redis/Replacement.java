package io.hapax.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which settings of a namespace a worker may replace: none, any, or those that are named with the value that they are to lose, as
 * {@code longestTtl=30000ms}. What is named so has no effect once it is replaced, so that it may be left on.
 *
 * @param all any
 * @param named name and value; a setting that is to be added has the value {@code none}
 */
record Replacement(boolean all, Set<String> named) {

    static final Replacement NONE = new Replacement(false, Set.of());
    static final Replacement ALL = new Replacement(true, Set.of());

    private static final String ABSENT = "none";
    private static final String FORMAT = "format";
    private static final String LONGEST_TTL = "longestTtl";

    /** The setting that a message proposes, for each way to configure a worker. */
    static String remedy(String named) {
        return "replaceSettings=" + named + " (Spring Boot: hapax.redis.replace-settings=" + named
                + "; a Quartz plugin: replaceSettings=" + named + "; the worker: --replace-settings '" + named
                + "'; Java: replaceSettings(\"" + named + "\"))";
    }

    /**
     * Reads what somebody has configured.
     *
     * @throws IllegalArgumentException if it is neither a word for yes or no, nor names and values
     */
    static Replacement parse(String name, String text) {
        String trimmed = text.strip();
        if (trimmed.equals("true")) {
            return ALL;
        }
        if (trimmed.isEmpty() || trimmed.equals("false")) {
            return NONE;
        }
        Set<String> named = new TreeSet<>(List.of(trimmed.split("[\\s,]+", -1)));
        for (String one : named) {
            if (one.indexOf('=') < 1 || one.endsWith("=")) {
                throw new IllegalArgumentException(
                        "setting " + name + ": must name settings with the values that they are to"
                                + " lose, as in longestTtl=30000ms, or be true or false, was '" + text + "'");
            }
        }
        return new Replacement(false, Set.copyOf(named));
    }

    private static Map<String, String> values(String settings) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String word : settings.strip().split("\\s+", -1)) {
            int at = word.indexOf('=');
            if (at > 0) {
                values.put(word.substring(0, at), word.substring(at + 1));
            }
        }
        return values;
    }

    /** What differs, as it would have to be named; the values that it has there. */
    static List<String> differences(String there, String here) {
        Map<String, String> theirs = values(there);
        Map<String, String> ours = values(here);
        Set<String> names = new TreeSet<>(theirs.keySet());
        names.addAll(ours.keySet());
        List<String> differing = new ArrayList<>();
        for (String name : names) {
            String value = theirs.getOrDefault(name, ABSENT);
            if (!value.equals(ours.getOrDefault(name, ABSENT))) {
                differing.add(name + "=" + value);
            }
        }
        return differing;
    }

    /**
     * What keeps a worker from starting, as it would have to be named: it may have a shorter longest ttl, and the next format.
     *
     * @param lowest of the formats that it reads
     * @param highest of them
     */
    static String obstacles(String there, String here, int lowest, int highest) {
        return String.join(
                " ",
                differences(there, here).stream()
                        .filter(one -> !isFine(one, here, lowest, highest))
                        .toList());
    }

    private static boolean isFine(String theirs, String here, int lowest, int highest) {
        String value = theirs.substring(theirs.indexOf('=') + 1);
        if (theirs.startsWith(LONGEST_TTL + "=")) {
            return LongestTtl.in(theirs).compareTo(LongestTtl.in(here)) > 0;
        }
        return theirs.startsWith(FORMAT + "=")
                && value.matches("\\d{1,9}")
                && Integer.parseInt(value) >= lowest
                && Integer.parseInt(value) <= highest;
    }

    /**
     * The settings that are to take the place of others, if something is named that differs, and everything that is in the way.
     *
     * @param there settings of workers and guards that were agreed on
     * @param here those of this worker, in its highest format
     * @param ofGuard those of its guard
     * @param lowest of the formats that it reads
     * @param highest of them
     * @return what is not named stays as it is there; null if nothing is to be replaced
     */
    @Nullable
    String line(String there, String here, String ofGuard, int lowest, int highest) {
        List<String> differing = differences(there, here + " " + ofGuard);
        String obstacles = obstacles(there, here + " " + ofGuard, lowest, highest);
        boolean free = obstacles.isEmpty() || named.containsAll(List.of(obstacles.split(" ", -1)));
        if (!free || differing.stream().noneMatch(named::contains)) {
            return null;
        }
        String line = here;
        for (String one : differing) {
            if (named.contains(one)) {
                continue;
            }
            Duration longest = LongestTtl.in(one);
            line = one.startsWith(FORMAT + "=")
                    ? line.replaceFirst("^format=\\d+", one)
                    : longest.isZero() ? line : LongestTtl.replaced(line, longest);
        }
        return line;
    }
}
