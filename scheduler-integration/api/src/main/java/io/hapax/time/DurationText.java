package io.hapax.time;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as settings have them: {@code 500ms}, {@code 30s}, {@code 5m}, {@code 24h}, {@code 7d}, {@code 0}, or ISO-8601. */
public final class DurationText {

    private static final Pattern SHORT = Pattern.compile("(\\d{1,15})\\s*(ms|s|m|h|d)");

    /** The longest duration that is kept anywhere: no store counts it past the end of its numbers. */
    public static final Duration LONGEST = Duration.ofDays(36_500);

    /** The largest first. */
    private static final Map<String, Duration> UNITS = new LinkedHashMap<>();

    static {
        UNITS.put("d", Duration.ofDays(1));
        UNITS.put("h", Duration.ofHours(1));
        UNITS.put("m", Duration.ofMinutes(1));
        UNITS.put("s", Duration.ofSeconds(1));
    }

    private DurationText() {}

    /**
     * Checks that a duration is one that every store can keep.
     *
     * @param what what it is, for the message
     * @param duration the duration
     * @param least the shortest one that is allowed, in milliseconds
     * @throws IllegalArgumentException if it is shorter than that, or longer than {@link #LONGEST}
     */
    public static void requireStorable(String what, Duration duration, long least) {
        requireBetween(what, duration, Duration.ofMillis(least), LONGEST);
    }

    /**
     * Checks that a duration is in a range.
     *
     * @param what what it is, for the message
     * @param duration the duration
     * @param least the shortest one that is allowed, in whole milliseconds
     * @param most the longest one that is allowed, in whole days
     * @throws IllegalArgumentException if it is out of the range; the message names it
     */
    public static void requireBetween(String what, Duration duration, Duration least, Duration most) {
        if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
            throw new IllegalArgumentException(
                    what + " must be from " + least.toMillis() + "ms to " + most.toDays() + "d, was " + duration);
        }
    }

    /**
     * Reads a duration.
     *
     * @param setting the name of the setting, for the message
     * @param text what was written
     * @return the duration, never negative
     * @throws IllegalArgumentException if it is no duration; the message shows how to write one
     */
    public static Duration parse(String setting, String text) {
        String trimmed = text.trim();
        if (trimmed.equals("0")) {
            return Duration.ZERO;
        }
        try {
            Matcher matcher = SHORT.matcher(trimmed);
            if (!matcher.matches()) {
                return notNegative(setting, Duration.parse(trimmed));
            }
            long amount = Long.parseLong(matcher.group(1));
            return switch (matcher.group(2)) {
                case "ms" -> Duration.ofMillis(amount);
                case "s" -> Duration.ofSeconds(amount);
                case "m" -> Duration.ofMinutes(amount);
                case "h" -> Duration.ofHours(amount);
                default -> Duration.ofDays(amount);
            };
        } catch (DateTimeParseException | ArithmeticException wrong) {
            throw new IllegalArgumentException(
                    "setting " + setting + ": '" + text
                            + "' is not a duration; write 500ms, 30s, 5m, 24h, 7d or ISO-8601 such as PT30S",
                    wrong);
        }
    }

    /**
     * Writes a duration as {@link #parse} reads it.
     *
     * @param duration not negative
     * @return such as {@code 30s}, in the largest unit that fits; ISO-8601 if it is not a whole number of milliseconds
     */
    public static String write(Duration duration) {
        long millis = duration.toMillis();
        if (!Duration.ofMillis(millis).equals(duration)) {
            return duration.toString();
        }
        if (millis == 0) {
            return "0";
        }
        for (Map.Entry<String, Duration> unit : UNITS.entrySet()) {
            if (millis % unit.getValue().toMillis() == 0) {
                return millis / unit.getValue().toMillis() + unit.getKey();
            }
        }
        return millis + "ms";
    }

    private static Duration notNegative(String setting, Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException(
                    "setting " + setting + ": a duration must not be negative, was " + duration);
        }
        return duration;
    }
}
