package io.hapax.test;

import io.hapax.lease.Slot;
import java.util.function.BiPredicate;

/**
 * Which leases an in-memory store allows at the same time: the rule, which tests break to see whether that is found.
 *
 * @param together whether a requested slot may be held at the same time as a slot that another run holds
 * @param heedsWaiting whether a waiting run prevents grants beyond its limit
 * @param heedsRenewed whether a slot counts after its renewal
 */
record LimitRule(BiPredicate<Slot, Slot> together, boolean heedsWaiting, boolean heedsRenewed) {

    static final LimitRule RIGHT = new LimitRule(Slot::goesWith, true, true);
}
