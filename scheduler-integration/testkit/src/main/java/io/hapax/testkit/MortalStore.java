package io.hapax.testkit;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.test.ForwardingLeaseStore;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** The store as one process of a {@link QueueHistory} has it: with the process ends whatever it asks. */
public final class MortalStore extends ForwardingLeaseStore {

    private static final Duration LONG = Duration.ofHours(1);

    private final QueueHistory.Seam seam;
    private final boolean asksForLong;
    private volatile boolean dead;

    /**
     * Creates the store of a process that is alive.
     *
     * @param store carries everything out
     * @param seam lets others act while somebody waits
     * @param asksForLong whether places are asked for as long as they would be kept, which a history has to find
     */
    public MortalStore(LeaseStore store, QueueHistory.Seam seam, boolean asksForLong) {
        super(store);
        this.seam = seam;
        this.asksForLong = asksForLong;
    }

    /** Ends the process. */
    public void dies() {
        dead = true;
    }

    /**
     * Tells whether the process has ended.
     *
     * @return whether it has
     */
    public boolean isDead() {
        return dead;
    }

    private <T> CompletionStage<T> alive(Supplier<CompletionStage<T>> call) {
        return dead ? CompletableFuture.failedFuture(new LeaseStoreException("the process is dead")) : call.get();
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        return alive(() -> store().acquire(request));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return alive(() -> store().renew(leases));
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return alive(() -> store().release(lease, ending));
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return alive(() -> store().withdraw(request));
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        seam.letPass(atMost);
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public Optional<Reservations> reservations() {
        return store().reservations().map(MortalPlaces::new);
    }

    private final class MortalPlaces implements Reservations {

        private final Reservations places;

        MortalPlaces(Reservations places) {
            this.places = places;
        }

        @Override
        public CompletionStage<Reservation> reserve(ReservationRequest request) {
            Duration time = asksForLong ? LONG : request.time();
            return alive(() ->
                    places.reserve(new ReservationRequest(request.name(), request.holder(), request.places(), time)));
        }

        @Override
        public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
            return alive(() -> places.keep(name, holder, time));
        }

        @Override
        public CompletionStage<Boolean> giveUp(String name, String holder) {
            return alive(() -> places.giveUp(name, holder));
        }

        @Override
        public CompletionStage<List<String>> holders(String name) {
            return alive(() -> places.holders(name));
        }
    }
}
