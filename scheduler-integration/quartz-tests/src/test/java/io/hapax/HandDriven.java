package io.hapax;

import io.hapax.event.GuardListener;
import io.hapax.lease.LeaseStore;
import io.hapax.testkit.NoThreads;
import io.hapax.time.Ticker;
import java.util.Optional;
import java.util.function.Supplier;

/** Guards without threads, whose watchdog looks when the test says so. */
public final class HandDriven {

    private HandDriven() {}

    /** A guard on a clock that only the test moves. */
    public static JobGuard guard(
            LeaseStore store,
            Ticker clock,
            GuardListener listener,
            Supplier<Optional<CallersTransaction>> transactions) {
        return JobGuard.builder(store)
                .ticker(clock)
                .threads(new NoThreads())
                .withoutLogging()
                .listener(listener)
                .transactions(transactions)
                .build();
    }

    /** Lets the watchdog do what is due. */
    public static void look(JobGuard guard) {
        guard.engine().watchdog().pass();
    }
}
