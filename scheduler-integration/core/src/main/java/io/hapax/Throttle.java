package io.hapax;

import io.hapax.lease.VisibleText;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How many runs of a lock key may start within any stretch of a length. A run counts when it starts, however it ends.
 *
 * @param runs how many, from 1 to 10 000; 0 in {@link #NONE} only
 * @param period the length of the stretch, from 1 ms to 366 days
 */
public record Throttle(int runs, Duration period) {

    private static final Pattern TEXT = Pattern.compile("(\\d{1,9})\\s*/\\s*(\\S.*)");
    static final int MOST_RUNS = 10_000;
    static final Duration LONGEST = Duration.ofDays(366);

    /** No limit. */
    public static final Throttle NONE = new Throttle(0, Duration.ZERO);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public Throttle {
        boolean none = runs == 0 && period.isZero();
        if (!none && (runs < 1 || runs > MOST_RUNS || period.toMillis() < 1 || period.compareTo(LONGEST) > 0)) {
            throw new IllegalArgumentException("setting throttle: from 1 to " + MOST_RUNS
                    + " runs in a period from 1ms to " + LONGEST.toDays() + "d are allowed, not " + runs + " in "
                    + period + "; write 3/1m for three a minute, or 0 for no limit");
        }
    }

    /**
     * Reads a throttle from text.
     *
     * @param text such as {@code 3/1m}, or {@code 0} for none
     * @return the throttle
     * @throws IllegalArgumentException if the text is none
     */
    public static Throttle parse(String text) {
        if (text.trim().equals("0")) {
            return NONE;
        }
        Matcher matcher = TEXT.matcher(text.trim());
        if (!matcher.matches()) {
            throw new IllegalArgumentException("setting throttle: '" + VisibleText.of(text)
                    + "' is not known; write 3/1m for at most three runs a minute, or 0 for no limit");
        }
        return new Throttle(Integer.parseInt(matcher.group(1)), DurationText.parse("throttle", matcher.group(2)));
    }

    /**
     * Tells whether there is a limit.
     *
     * @return false for {@link #NONE}
     */
    public boolean isLimited() {
        return runs > 0;
    }

    /** As {@link #parse} reads it. */
    String text() {
        return isLimited() ? runs + "/" + DurationText.write(period) : "0";
    }

    @Override
    public String toString() {
        return isLimited() ? runs + " in " + period : "none";
    }
}
