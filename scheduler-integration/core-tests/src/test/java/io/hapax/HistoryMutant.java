package io.hapax;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.RunLedger;
import io.hapax.test.ForwardingLeaseStore;
import io.hapax.test.ForwardingRunLedger;
import io.hapax.testkit.NoThreads;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A hole of the protocol that was found once, brought back between a guard and its store: the judge of the histories has to see
 * each of them.
 */
enum HistoryMutant {
    /** None: what is shipped. */
    NONE,
    /** All tries of one attempt have the same owner, so that a late release of one ends the grant of the next. */
    KEEPS_THE_OWNER,
    /** A completion is sometimes given back without its marker, as when the marker could not be written. */
    LOSES_THE_MARKER,
    /** A run that does not hold its lease any more leaves a marker all the same. */
    MARKS_AFTER_A_LOSS,
    /** The place of a run that never began is kept. */
    KEEPS_THE_PLACE,
    /** A withdrawal, or a release, takes away whatever is there. */
    RELEASES_FOR_OTHERS,
    /** With ABANDON, a claim counts as the beginning of its run. */
    CLAIMS_FOR_BEGUN,
    /** Whoever leaves a run whose thread was interrupted clears the interrupt of the runs around it, too. */
    CLEARS_INTERRUPTS,
    /** Whoever is told of a loss is told by a thread that has to be started, and of which one in four can be. */
    TELLS_BY_NEW_THREADS;

    /** What this hole makes of the threads of a guard. */
    NoThreads threads(Random random) {
        return new NoThreads(
                name -> this != TELLS_BY_NEW_THREADS || !name.equals("hapax-callback") || random.nextInt(4) == 0);
    }

    /** What this hole makes of a ledger, for one worker. */
    RunLedger on(RunLedger ledger) {
        return this != CLAIMS_FOR_BEGUN
                ? ledger
                : new ForwardingRunLedger(ledger) {
                    @Override
                    public CompletionStage<Claim> claim(ClaimRequest request) {
                        return ledger.claim(request)
                                .thenCompose(answer -> answer instanceof Claim.Claimed mine
                                        ? ledger.begin(mine.lease()).handle((noted, unheard) -> answer)
                                        : CompletableFuture.completedFuture(answer));
                    }
                };
    }

    /** What this hole makes of a store, for one worker. */
    LeaseStore on(LeaseStore store, Attempts attempts) {
        return new Mutated(this, store, attempts);
    }

    /** Knows which asks belong to one attempt: those of one worker for one identity, until the next attempt begins. */
    static final class Attempts {
        private final Map<JobIdentity, OwnerId> owners = new HashMap<>();

        synchronized void begins(JobIdentity identity) {
            owners.remove(identity);
        }

        synchronized OwnerId owner(LeaseRequest request) {
            return owners.computeIfAbsent(request.identity(), any -> request.owner());
        }
    }

    private static final class Mutated extends ForwardingLeaseStore {

        private final HistoryMutant mutant;
        private final Attempts attempts;

        Mutated(HistoryMutant mutant, LeaseStore store, Attempts attempts) {
            super(store);
            this.mutant = mutant;
            this.attempts = attempts;
        }

        private boolean is(HistoryMutant other) {
            return mutant == other;
        }

        private LeaseRequest changed(LeaseRequest request) {
            return is(KEEPS_THE_OWNER)
                    ? new LeaseRequest(
                            request.identity(),
                            attempts.owner(request),
                            request.worker(),
                            request.ttl(),
                            request.waiting())
                    : request;
        }

        @Override
        public CompletionStage<Acquisition> acquire(LeaseRequest request) {
            return store().acquire(changed(request));
        }

        @Override
        public CompletionStage<Boolean> release(Lease lease, Ending ending) {
            if (is(LOSES_THE_MARKER) && lease.owner().hashCode() % 4 == 0) {
                return store().release(lease, Ending.NOT_DONE);
            }
            if (is(RELEASES_FOR_OTHERS)) {
                return store().release(lease, ending)
                        .thenCompose(held -> held
                                ? CompletableFuture.completedFuture(true)
                                : admin().forceRelease(lease.identity()).thenApply(forced -> false));
            }
            if (is(MARKS_AFTER_A_LOSS) && ending.isDone()) {
                return store().release(lease, ending)
                        .thenCompose(held -> held
                                ? CompletableFuture.completedFuture(true)
                                : admin().forceRelease(lease.identity())
                                        .thenCompose(forced -> store().acquire(new LeaseRequest(
                                                lease.identity(), lease.owner(), lease.worker(), lease.ttl(), false)))
                                        .thenCompose(again -> again instanceof Acquisition.Granted granted
                                                ? store().release(granted.lease(), ending)
                                                : CompletableFuture.completedFuture(false))
                                        .thenApply(marked -> false));
            }
            return store().release(lease, ending);
        }

        @Override
        public CompletionStage<Void> withdraw(LeaseRequest request) {
            if (is(RELEASES_FOR_OTHERS)) {
                return admin().forceRelease(request.identity()).thenApply(forced -> null);
            }
            return store().withdraw(changed(request));
        }

        /** Nobody is woken: the guard asks again by itself. */
        @Override
        public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
            return new CompletableFuture<>();
        }

        @Override
        public Optional<Reservations> reservations() {
            return store().reservations().map(places -> is(KEEPS_THE_PLACE) ? new KeptPlaces(places) : places);
        }
    }

    private record KeptPlaces(Reservations places) implements Reservations {

        @Override
        public CompletionStage<Reservation> reserve(ReservationRequest request) {
            return places.reserve(request);
        }

        @Override
        public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
            return places.keep(name, holder, time);
        }

        @Override
        public CompletionStage<Boolean> giveUp(String name, String holder) {
            return CompletableFuture.completedFuture(true);
        }

        @Override
        public CompletionStage<List<String>> holders(String name) {
            return places.holders(name);
        }
    }
}
