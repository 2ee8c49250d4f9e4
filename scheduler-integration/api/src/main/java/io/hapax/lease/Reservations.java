package io.hapax.lease;

import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Places that are kept for a time, whoever is alive: what a lease cannot do, which ends with its run.
 *
 * <p>They ration runs (at most so many in a time), keep work unique while it is queued, and pass wishes between runs. They are
 * no safety net: a store that loses its memory loses them, and the next who asks has a place. Every method returns at once;
 * its stage fails with a {@link LeaseStoreException} if the store cannot tell. Thread-safe.
 */
public interface Reservations {

    /**
     * Reserves a place unless all are taken. Whoever has a place keeps it, and its time counts anew.
     *
     * @param request who asks for what
     * @return the answer
     */
    CompletionStage<Reservation> reserve(ReservationRequest request);

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
