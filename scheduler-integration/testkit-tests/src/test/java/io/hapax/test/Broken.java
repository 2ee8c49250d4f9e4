package io.hapax.test;

import io.hapax.lease.Slot;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.function.BiPredicate;

/** Doubles as only tests of the doubles want them. */
public final class Broken {

    private Broken() {}

    /**
     * Creates a store with a rule that is not the right one.
     *
     * @param ticker the clock on which leases lapse
     * @param together whether what is asked for may be held beside what somebody else holds
     * @param heedsWaiting whether a caller that waits prevents grants beyond its limit
     * @param heedsRenewed whether a slot counts after its renewal
     * @return the store
     */
    public static InMemoryLeaseStore store(
            Ticker ticker, BiPredicate<Slot, Slot> together, boolean heedsWaiting, boolean heedsRenewed) {
        return new InMemoryLeaseStore(ticker, new LimitRule(together, heedsWaiting, heedsRenewed));
    }

    /**
     * Creates a clock that loses its patience early.
     *
     * @param safety how long, in real time, it waits for a thread to come back
     * @return the clock
     */
    public static ManualTicker impatient(Duration safety) {
        return new ManualTicker(safety);
    }
}
