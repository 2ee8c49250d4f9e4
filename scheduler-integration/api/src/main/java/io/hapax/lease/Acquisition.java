package io.hapax.lease;

import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The store's answer to a {@link LeaseRequest}. */
public sealed interface Acquisition {

    /**
     * The lease is granted.
     *
     * @param lease the lease
     */
    record Granted(Lease lease) implements Acquisition {}

    /**
     * Somebody else holds the lease, or a slot of the lock key that does not {@linkplain Slot#goesWith go with} what was asked
     * for; or somebody who states a smaller limit waits for the key while it is held.
     *
     * @param holder who
     * @param sameRun whether the holder works on the same run key
     * @param ttlLeft how long the lease lives unless renewed; never negative
     * @param slot what of the lock key the holder has, {@link Slot#WHOLE} if all of it; null if the store does not tell, and
     *     where no slots are concerned
     * @param nextSlot the lowest slot that would be granted to this asker, under the limit that it states; 0 if there is none,
     *     or the store does not tell
     * @param awaited the smallest limit under which somebody waits, beyond which no slot is granted meanwhile; {@link #NOBODY}
     *     if nobody does, or the store does not tell
     */
    record Held(
            Holder holder,
            boolean sameRun,
            Duration ttlLeft,
            @Nullable Slot slot,
            int nextSlot,
            int awaited) implements Acquisition {

        /** No limit at all. */
        public static final int NOBODY = Integer.MAX_VALUE;

        /**
         * An answer that has nothing to do with slots.
         *
         * @param holder who
         * @param sameRun whether the holder works on the same run key
         * @param ttlLeft how long the lease lives unless renewed; never negative
         */
        public Held(Holder holder, boolean sameRun, Duration ttlLeft) {
            this(holder, sameRun, ttlLeft, null, 0, NOBODY);
        }
    }

    /**
     * This occurrence is over.
     *
     * @param by who ended it and when
     * @param outcome how it ended
     */
    record Done(Holder by, OccurrenceOutcome outcome) implements Acquisition {}

    /**
     * The store lost its memory (or is new to this worker) and grants nothing until live holders have had the time to
     * show themselves.
     *
     * @param left how long it still waits
     * @param reason why, for display
     */
    record Quarantined(Duration left, String reason) implements Acquisition {}

    /**
     * Somebody has paused the key; else it would have been granted.
     *
     * @param pause who and why
     */
    record Paused(KeyPause pause) implements Acquisition {}

    /**
     * Maps each kind of answer to a value.
     *
     * @param onGranted for {@link Granted}
     * @param onHeld for {@link Held}
     * @param onDone for {@link Done}
     * @param onQuarantined for {@link Quarantined}
     * @param onPaused for {@link Paused}
     * @param <T> the type of the value
     * @return the value
     */
    default <T> T fold(
            Function<? super Granted, ? extends T> onGranted,
            Function<? super Held, ? extends T> onHeld,
            Function<? super Done, ? extends T> onDone,
            Function<? super Quarantined, ? extends T> onQuarantined,
            Function<? super Paused, ? extends T> onPaused) {
        if (this instanceof Granted granted) {
            return onGranted.apply(granted);
        }
        if (this instanceof Held held) {
            return onHeld.apply(held);
        }
        if (this instanceof Done done) {
            return onDone.apply(done);
        }
        if (this instanceof Quarantined quarantined) {
            return onQuarantined.apply(quarantined);
        }
        return onPaused.apply((Paused) this);
    }
}
