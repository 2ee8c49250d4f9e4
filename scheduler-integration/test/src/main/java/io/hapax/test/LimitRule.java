package io.hapax.test;

import io.hapax.lease.Slot;
import java.util.function.BiPredicate;

/**
 * What an in-memory store keeps apart: the rule, which tests break to see whether that is found.
 *
 * @param together whether what is asked for may be held beside what somebody else holds
 * @param heedsWaiting whether whoever waits stops grants beyond its limit
 * @param heedsRenewed whether a slot counts after its renewal
 */
record LimitRule(BiPredicate<Slot, Slot> together, boolean heedsWaiting, boolean heedsRenewed) {

    static final LimitRule RIGHT = new LimitRule(Slot::goesWith, true, true);
}
