package io.hapax;

import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.ledger.RunLedger;
import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Sends the renewals of a pass together, and hands each charge its answer; on the threads of store and ledger. */
final class Renewals {

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

    /** What one call is about: leases or claims, with the same ttl. */
    static final class Call {
        private final boolean claims;
        private final Duration ttl;
        private final List<Charge> charges = new ArrayList<>(Watchdog.LARGEST_PASS);
        private NanoTime next;
        private DueQueue.@Nullable Cohort cohort;

        private Call(boolean claims, Duration ttl, NanoTime next) {
            this.claims = claims;
            this.ttl = ttl;
            this.next = next;
        }

        /** Finds that of a charge, or starts another one. */
        static void add(Charge charge, NanoTime next, List<Call> calls) {
            for (int n = calls.size() - 1; n >= 0; n--) {
                Call call = calls.get(n);
                if (call.claims == charge.isClaim() && call.ttl.equals(charge.ttl())) {
                    call.add(charge, next);
                    return;
                }
            }
            Call other = new Call(charge.isClaim(), charge.ttl(), next);
            other.add(charge, next);
            calls.add(other);
        }

        private void add(Charge charge, NanoTime at) {
            charges.add(charge);
            next = at.isBefore(next) ? at : next;
        }

        int size() {
            return charges.size();
        }

        List<Charge> charges() {
            return charges;
        }

        /** When the first of them is to be looked at again, answered or not. */
        NanoTime next() {
            return next;
        }

        /** Notes as what they are queued. */
        void isOf(DueQueue.Cohort queued) {
            cohort = queued;
        }

        DueQueue.Cohort cohort() {
            return Objects.requireNonNull(cohort);
        }
    }

    /** Sends it; the charges' leases are still thought valid. */
    void send(Call call, NanoTime sentAt) {
        List<Charge> asked = new ArrayList<>(call.size());
        List<Lease> leases = new ArrayList<>(call.size());
        for (Charge charge : call.charges) {
            Lease lease = charge.lease();
            if (lease != null) {
                asked.add(charge);
                leases.add(lease);
            }
        }
        CompletionStage<List<Renewal>> answers = GuardThreads.ask(() -> renew(call, leases));
        boolean unused = threads.call("taking the answers to renewals", () -> {
            var ignored = answers.whenComplete((list, failure) -> answered(call, asked, list, failure, sentAt));
        });
    }

    private CompletionStage<List<Renewal>> renew(Call call, List<Lease> leases) {
        return call.claims ? Objects.requireNonNull(ledger).renew(leases) : store.renew(leases);
    }

    private void answered(
            Call call,
            List<Charge> charges,
            @Nullable List<Renewal> answers,
            @Nullable Throwable failure,
            NanoTime sentAt) {
        NanoTime now = ticker.now();
        watchdog.fetch(charges);
        Duration interval = Duration.ofNanos(call.ttl.toNanos() / 3);
        NanoTime regular =
                answers == null ? sentAt.plus(interval) : watchdog.nextRenewal(sentAt, interval, charges.size());
        for (int i = 0; i < charges.size(); i++) {
            Charge charge = charges.get(i);
            try {
                @Nullable Renewal given = answers != null && i < answers.size() ? answers.get(i) : null;
                Renewal answer = given != null ? given : new Renewal.Unknown(asStoreFailure(failure));
                NanoTime next = charge.renewed(answer, sentAt, now, regular);
                if (next == null) {
                    watchdog.lookApart(charge);
                } else if (!next.equals(regular)) {
                    watchdog.look(charge, next);
                }
            } catch (Throwable e) {
                watchdog.lookApart(charge);
                // Logging may fail for the same reason, and the answers of the others are taken all the same.
                boolean unused = threads.call("taking the answer to a renewal", () -> {
                    throw new IllegalStateException("it is asked for again", e);
                });
            }
        }
        // Those that are left were answered alike.
        watchdog.lookTogether(call.cohort(), regular);
    }

    private static LeaseStoreException asStoreFailure(@Nullable Throwable failure) {
        return failure == null
                ? new LeaseStoreException("the store answered for fewer leases than were asked about")
                : new LeaseStoreException("the renewal failed: " + failure.getMessage(), failure);
    }
}
