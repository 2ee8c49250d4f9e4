package io.hapax.testkit;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseOperations;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletionStage;

/**
 * A lease store that carries calls out after their callers gave up, as a server does whose connection stalls: the caller's
 * stage fails at once, and the call itself takes place when the test says so, in any order. Thread-safe.
 */
public final class LateLeaseStore implements LeaseStore {

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
        /** {@link LeaseStore#forceRelease(JobIdentity, Intervention)}. */
        FORCE_RELEASE,
        /** {@link Reservations#reserve}. */
        RESERVE,
        /** {@link Reservations#giveUp}. */
        GIVE_UP
    }

    private final LeaseStore store;
    private final LateCalls<Operation> late = new LateCalls<>(Operation.class, LeaseStoreException::new);

    /**
     * Creates a store that is not late yet.
     *
     * @param store the store that carries everything out; closed with this one
     */
    public LateLeaseStore(LeaseStore store) {
        this.store = store;
    }

    /**
     * Lets the next calls of an operation be late.
     *
     * @param operation which
     * @param times how many calls, in addition to those ordered before
     */
    public void late(Operation operation, int times) {
        late.next(operation, times);
    }

    /**
     * Lets one call in so many be late, of any operation, until the end.
     *
     * @param random chooses them
     * @param oneIn at least 1; then each call is late
     */
    public void lateAtRandom(Random random, int oneIn) {
        late.atRandom(random, oneIn);
    }

    /**
     * Counts the calls that were not carried out yet.
     *
     * @return how many
     */
    public int waiting() {
        return late.waiting();
    }

    /**
     * Counts the calls of an operation that were late, carried out by now or not.
     *
     * @param operation which
     * @return how many
     */
    public int lateSoFar(Operation operation) {
        return late.soFar(operation);
    }

    /**
     * Carries one of the calls out.
     *
     * @param which from 0, in the order in which they were called
     */
    public void carryOut(int which) {
        late.carryOut(which);
    }

    /** Carries out all calls that were not carried out yet, in order. */
    public void carryOutAll() {
        late.carryOutAll();
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        return late.of(Operation.ACQUIRE, () -> store.acquire(request));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return late.of(Operation.RENEW, () -> store.renew(leases));
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return late.of(Operation.RELEASE, () -> store.release(lease, ending));
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return late.of(Operation.WITHDRAW, () -> store.withdraw(request));
    }

    @Override
    public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
        return store.holder(identity);
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
        return late.of(Operation.FORCE_RELEASE, () -> store.forceRelease(identity, why));
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        return store.nextChance(identity, atMost);
    }

    @Override
    public Optional<Reservations> reservations() {
        return store.reservations().map(LatePlaces::new);
    }

    @Override
    public Optional<LeaseOperations> operations() {
        return store.operations();
    }

    @Override
    public Duration answerTimeout() {
        return store.answerTimeout();
    }

    @Override
    public String fingerprint() {
        return store.fingerprint();
    }

    @Override
    public void agree(String settings) {
        store.agree(settings);
    }

    @Override
    public void close() {
        store.close();
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
        public CompletionStage<Boolean> giveUp(String name, String holder) {
            return late.of(Operation.GIVE_UP, () -> places.giveUp(name, holder));
        }

        @Override
        public CompletionStage<List<String>> holders(String name) {
            return places.holders(name);
        }
    }
}
