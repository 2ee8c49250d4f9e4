package io.hapax.lease;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Places that are kept for a fixed time, even if all processes end: what a lease cannot do, which ends with its run.
 *
 * <p>They ration runs (at most so many in a time), keep work unique while it is queued, and pass wishes between runs. They are
 * no safety net: a store that loses its memory loses them, and the next who asks has a place. Every method returns at once;
 * its stage fails with a {@link LeaseStoreException} if the store cannot tell. Thread-safe.
 */
public interface Reservations {

    /**
     * Reserves a place unless all are taken. A holder of a place keeps it, and its time counts anew unless more is left.
     *
     * @param request who asks for what
     * @return the answer
     */
    CompletionStage<Reservation> reserve(ReservationRequest request);

    /**
     * Prolongs a place that its holder still has. It makes no place and shortens none, so it does no harm if it is carried out
     * late.
     *
     * @param name the name under which the places are kept
     * @param holder who has one
     * @param time for how long from now it is kept at least, within the bounds of a {@link ReservationRequest}
     * @return whether the holder had a place
     */
    CompletionStage<Boolean> keep(String name, String holder, Duration time);

    /**
     * Lets go of a place before its time is over.
     *
     * @param name the name under which the places are kept
     * @param holder who has one
     * @return whether the holder had a place
     */
    CompletionStage<Boolean> giveUp(String name, String holder);

    /**
     * Lists who has a place.
     *
     * @param name the name under which the places are kept
     * @return the holders; the one whose time is over first comes first
     */
    CompletionStage<List<String>> holders(String name);
}
