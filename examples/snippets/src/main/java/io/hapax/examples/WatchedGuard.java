package io.hapax.examples;

import io.hapax.JobGuard;
import io.hapax.console.Console;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;

/**
 * A guard whose runs are seen on the console's page.
 *
 * @param guard the guard
 * @param console to be closed before it; its servlet is the page
 */
public record WatchedGuard(JobGuard guard, Console console) {

    /**
     * Opens both.
     *
     * @param store where leases are kept
     * @param ledger where runs are noted
     * @param token the credential for changes
     * @return guard and console
     */
    public static WatchedGuard open(LeaseStore store, RunLedger ledger, String token) {
        // snippet:console
        Console console =
                Console.builder(store).ledger(ledger).credential(token).build();
        JobGuard guard =
                JobGuard.builder(store).ledger(ledger).listener(console).build();
        console.start(guard);
        // end
        return new WatchedGuard(guard, console);
    }
}
