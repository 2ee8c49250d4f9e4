package io.hapax.lease;

import java.time.Duration;

/**
 * The wish for a place.
 *
 * @param name what the places are for; the rules of a {@link LockKey} apply, but for up to 1024 bytes
 * @param holder who asks; the same rules
 * @param places how many there are under this name, from 1 to 10 000; those who ask should agree on it
 * @param time for how long the place is kept, from 1 ms to 366 days
 */
public record ReservationRequest(String name, String holder, int places, Duration time) {

    /** A key, and what it is reserved for. */
    private static final int MAX_BYTES = 2 * KeyText.MAX_BYTES;

    private static final int MOST_PLACES = 10_000;
    private static final Duration LONGEST = Duration.ofDays(366);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is out of range; the message names it
     */
    public ReservationRequest {
        KeyText.checked("name of a reservation", name, MAX_BYTES);
        KeyText.checked("holder of a reservation", holder, MAX_BYTES);
        if (places < 1 || places > MOST_PLACES) {
            throw new IllegalArgumentException(
                    "a reservation has 1 to " + MOST_PLACES + " places, not " + places + ": " + name);
        }
        if (time.compareTo(Duration.ofMillis(1)) < 0 || time.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "a reservation lasts from 1 ms to " + LONGEST.toDays() + " days, not " + time + ": " + name);
        }
    }
}
