package io.hapax.testkit;

import io.hapax.test.ManualTicker;
import java.time.Instant;
import java.time.InstantSource;

/**
 * The wall clock of this machine, for tests that need it: those that tell a real scheduler when a job is due, or compare
 * times with those of a real server. All others use a fixed clock, or a {@link ManualTicker}; the build refuses any other
 * way to ask for the time in a test.
 *
 * <p>Such a test has to hold on any day, at any hour and in any zone. So it is to plan nothing for a certain time of the
 * day, to count from one instant it has asked for, and to expect no two calls on the same day.
 */
public final class WallClock {

    /** The clock itself, for what takes one. */
    public static final InstantSource REAL = InstantSource.system();

    private WallClock() {}

    /**
     * Returns what time it is.
     *
     * @return the time of this machine
     */
    public static Instant now() {
        return REAL.instant();
    }
}
