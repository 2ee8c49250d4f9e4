package io.hapax;

import io.hapax.lease.Lease;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a run was given.
 *
 * @param lease the lease of the store, or null if it could not tell
 * @param claim the claim in the ledger, or null if there is no ledger
 * @param slot the lease of a slot that is renewed beside the other one, or null if there is none
 * @param attempt the how many-th attempt at the occurrence it is, as far as anybody knows
 * @param unused what to do if the run never starts
 */
record Grant(
        @Nullable Lease lease,
        @Nullable Lease claim,
        @Nullable Lease slot,
        int attempt,
        Runnable unused) {

    Grant {
        if (lease == null && claim == null) {
            throw new IllegalArgumentException("a grant has a lease, a claim, or both");
        }
    }

    /** By the store, with a claim if there is a ledger that has answered. */
    static Grant of(Offer.Given given, @Nullable Lease claim, int attempt, LeaseSource source) {
        return new Grant(given.lease(), claim, given.slot(), attempt, source.ifUnused(given));
    }

    /** By the ledger alone, since the store does not answer. */
    static Grant of(Lease claim, int attempt) {
        return new Grant(null, claim, null, attempt, LeaseSource.NOTHING);
    }

    /** By which the run as a whole is counted. */
    Lease first() {
        return lease != null ? lease : Objects.requireNonNull(claim);
    }

    /** Whether there is nothing but a lease of the store, as for most. */
    boolean isPlain() {
        return claim == null && slot == null && attempt == 1 && unused == LeaseSource.NOTHING;
    }

    /** What operators and storage are to see: with a ledger, its token has the last word. */
    Lease shown() {
        return claim != null ? claim : Objects.requireNonNull(lease);
    }
}
