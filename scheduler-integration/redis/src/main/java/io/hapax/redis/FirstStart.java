package io.hapax.redis;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * The time that was named as the first start ever of a namespace. It counts for a while only, so that an application that leaves it in a
 * configuration does not grant at once beside live holders when Redis is emptied later.
 */
record FirstStart(@Nullable Instant at, InstantSource clock) {

    /** Before and after: the time that a deployment takes, and that clocks may be apart. */
    static final Duration COUNTS = Duration.ofMinutes(10);

    FirstStart {
        if (at != null && clock.instant().isBefore(at) && !isWithin(at, clock.instant())) {
            throw new IllegalArgumentException("setting firstStart: " + at + " lies ahead. Name the time at which the"
                    + " namespace is used for the first time, at most " + COUNTS.toMinutes() + " min before it comes");
        }
    }

    private static boolean isWithin(Instant at, Instant now) {
        return Duration.between(at, now).abs().compareTo(COUNTS) <= 0;
    }

    /** Whether it still says that nothing runs yet. */
    boolean counts() {
        return at != null && isWithin(at, clock.instant());
    }

    /** Whether it was named and has no effect any more. */
    boolean isOver() {
        return at != null && !counts();
    }

    static Instant parse(String name, String value) {
        try {
            return Instant.parse(value.trim());
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(
                    "setting " + name + ": must be a time in UTC, as 2026-11-28T09:30:00Z, was '" + value + "'", e);
        }
    }
}
