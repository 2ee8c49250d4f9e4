package io.hapax.lease;

import java.time.Duration;

/** The answer to a {@link ReservationRequest}. */
public sealed interface Reservation {

    /** The holder has a place. */
    record Made() implements Reservation {}

    /**
     * All places are taken.
     *
     * @param first the holder of the place that is free first
     * @param left how long until then; never negative
     */
    record Full(String first, Duration left) implements Reservation {}
}
