package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Lease;
import org.jspecify.annotations.Nullable;

/** What a source of leases has for an attempt. */
sealed interface Offer {

    /**
     * All that the run needs of the store.
     *
     * @param lease on the keys, or on what stands for them; it names what is claimed in the ledger
     * @param slot a lease beside it, on one of the slots of a key for several; null if there is none
     * @param place the holder of a place that is kept beyond the run; null if there is none
     */
    record Given(
            Lease lease, @Nullable Lease slot, @Nullable String place) implements Offer {}

    /**
     * Somebody or something is in the way.
     *
     * @param why the store's answer, which is no grant
     */
    record Denied(Acquisition why) implements Offer {}

    /**
     * The keys are free, but no run may start yet; what was granted is given back.
     *
     * @param refusal says when one may
     */
    record Throttled(Refusal refusal) implements Offer {}
}
