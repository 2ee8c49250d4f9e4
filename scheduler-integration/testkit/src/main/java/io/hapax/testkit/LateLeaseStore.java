package io.hapax.testkit;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.test.ForwardingLeaseStore;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * A lease store that carries calls out after their callers gave up, as a server does whose connection stalls: the caller's
 * stage fails at once, and the call itself takes place when the test says so, in any order. Thread-safe.
 */
public final class LateLeaseStore extends ForwardingLeaseStore {

    /** The calls that change something. */
    public enum Operation {
        /** {@link LeaseStore#acquire}. */
        ACQUIRE,
        /** {@link LeaseStore#renew}. */
        RENEW,
        /** {@link LeaseStore#release}. */
        RELEASE,
        /** {@link LeaseStore#withdraw}. */
        WITHDRAW,
        /** {@link LeaseAdmin#forceRelease}. */
        FORCE_RELEASE,
        /** {@link Reservations#reserve}. */
        RESERVE,
        /** {@link Reservations#keep}. */
        KEEP,
        /** {@link Reservations#giveUp}. */
        GIVE_UP
    }

    private final LateCalls<Operation> late = new LateCalls<>(Operation.class, LeaseStoreException::new);

    /**
     * Creates a store that is not late yet.
     *
     * @param store the store that carries everything out; closed with this one
     */
    public LateLeaseStore(LeaseStore store) {
        super(store);
    }

    /**
     * Returns which calls are late, and those that were not carried out yet.
     *
     * @return the calls of this double
     */
    public LateCalls<Operation> calls() {
        return late;
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        return late.of(Operation.ACQUIRE, () -> store().acquire(request));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return late.of(Operation.RENEW, () -> store().renew(leases));
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return late.of(Operation.RELEASE, () -> store().release(lease, ending));
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return late.of(Operation.WITHDRAW, () -> store().withdraw(request));
    }

    @Override
    public LeaseAdmin admin() {
        return new LateAdmin(super.admin());
    }

    @Override
    public Optional<Reservations> reservations() {
        return store().reservations().map(LatePlaces::new);
    }

    private final class LateAdmin extends ForwardingLeaseAdmin {

        LateAdmin(LeaseAdmin admin) {
            super(admin);
        }

        @Override
        public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
            return late.of(Operation.FORCE_RELEASE, () -> super.forceRelease(identity, why));
        }

        @Override
        public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
            return late.of(Operation.FORCE_RELEASE, () -> super.forceRelease(lease, why));
        }
    }

    private final class LatePlaces implements Reservations {

        private final Reservations places;

        LatePlaces(Reservations places) {
            this.places = places;
        }

        @Override
        public CompletionStage<Reservation> reserve(ReservationRequest request) {
            return late.of(Operation.RESERVE, () -> places.reserve(request));
        }

        @Override
        public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
            return late.of(Operation.KEEP, () -> places.keep(name, holder, time));
        }

        @Override
        public CompletionStage<Boolean> giveUp(String name, String holder) {
            return late.of(Operation.GIVE_UP, () -> places.giveUp(name, holder));
        }

        @Override
        public CompletionStage<List<String>> holders(String name) {
            return places.holders(name);
        }
    }
}
