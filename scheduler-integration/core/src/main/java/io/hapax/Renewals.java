package io.hapax;

import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.ledger.RunLedger;
import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends the renewals of a pass together, and hands each charge its answer; on the threads of store and ledger. */
final class Renewals {

    private static final Logger LOG = LoggerFactory.getLogger(JobGuard.class);

    private final LeaseStore store;
    private final @Nullable RunLedger ledger;
    private final Ticker ticker;
    private final GuardThreads threads;
    private final Watchdog watchdog;

    Renewals(LeaseStore store, @Nullable RunLedger ledger, Ticker ticker, GuardThreads threads, Watchdog watchdog) {
        this.store = store;
        this.ledger = ledger;
        this.ticker = ticker;
        this.threads = threads;
        this.watchdog = watchdog;
    }

    /** Sends them; the charges' leases are still thought valid. */
    void send(List<Charge> charges, NanoTime sentAt) {
        List<Charge> claims = charges.stream().filter(Charge::isClaim).toList();
        RunLedger runs = ledger;
        if (runs != null && !claims.isEmpty()) {
            send(claims, runs::renew, sentAt);
        }
        List<Charge> leases = claims.isEmpty()
                ? charges
                : charges.stream().filter(charge -> !charge.isClaim()).toList();
        if (!leases.isEmpty()) {
            send(leases, store::renew, sentAt);
        }
    }

    private void send(
            List<Charge> charges, Function<List<Lease>, CompletionStage<List<Renewal>>> port, NanoTime sentAt) {
        List<Charge> asked = new ArrayList<>(charges.size());
        List<Lease> leases = new ArrayList<>(charges.size());
        for (Charge charge : charges) {
            Lease lease = charge.lease();
            if (lease != null) {
                asked.add(charge);
                leases.add(lease);
            }
        }
        CompletionStage<List<Renewal>> answers = GuardThreads.ask(() -> port.apply(leases));
        boolean unused = threads.call("taking the answers to renewals", () -> {
            var ignored = answers.whenComplete((list, failure) -> answered(asked, list, failure, sentAt));
        });
    }

    private void answered(
            List<Charge> charges, @Nullable List<Renewal> answers, @Nullable Throwable failure, NanoTime sentAt) {
        NanoTime now = ticker.now();
        for (int i = 0; i < charges.size(); i++) {
            Charge charge = charges.get(i);
            try {
                @Nullable Renewal given = answers != null && i < answers.size() ? answers.get(i) : null;
                Renewal answer = given != null ? given : new Renewal.Unknown(asStoreFailure(failure));
                NanoTime next = charge.renewed(answer, sentAt, now);
                if (next != null) {
                    watchdog.look(charge, next);
                }
            } catch (Throwable e) {
                LOG.error("a renewal's answer could not be taken; it is asked for again", e);
            }
        }
    }

    private static LeaseStoreException asStoreFailure(@Nullable Throwable failure) {
        return failure == null
                ? new LeaseStoreException("the store answered for fewer leases than were asked about")
                : new LeaseStoreException("the renewal failed: " + failure.getMessage(), failure);
    }
}
