package io.hapax;

import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What all parts of a guard share.
 *
 * @param store where the leases are kept; every answer of it comes
 * @param admin what operators ask of the store; null if it has only the hot port
 * @param ledger where the runs are kept; every answer of it comes
 * @param watchdog renews, and wakes what waits for an instant
 * @param notifier tells listeners
 * @param ticker the clock on which leases are judged
 * @param worker the name of this process, for display
 * @param admissions what is known of the attempts so far
 * @param delivery hands answers over to callers
 */
record Engine(
        LeaseStore store,
        @Nullable SteadyAdmin admin,
        @Nullable RunLedger ledger,
        Watchdog watchdog,
        Notifier notifier,
        Ticker ticker,
        String worker,
        Admissions admissions,
        Delivery delivery) {

    NanoTime now() {
        return ticker.now();
    }

    /** How long a renewal by store and ledger may take to be answered. */
    Duration answerTimeout() {
        return slowerAnswer(store, ledger);
    }

    static Duration slowerAnswer(LeaseStore store, @Nullable RunLedger ledger) {
        Duration ofStore = store.answerTimeout();
        return ledger != null && ledger.answerTimeout().compareTo(ofStore) > 0 ? ledger.answerTimeout() : ofStore;
    }
}
