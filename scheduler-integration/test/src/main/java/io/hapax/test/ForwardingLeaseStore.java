package io.hapax.test;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservations;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.LeaseAdmin;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * A lease store that hands every call on, for doubles that change some of them. Not {@link LeaseStore#blocking()}: what it
 * returns would know nothing of the double.
 */
public abstract class ForwardingLeaseStore implements AdministeredStore {

    private final LeaseStore store;

    /**
     * Creates a store in front of another one.
     *
     * @param store the store that is handed every call; closed with this one
     */
    protected ForwardingLeaseStore(LeaseStore store) {
        this.store = store;
    }

    /**
     * Returns the store behind this one.
     *
     * @return the store that is handed every call
     */
    protected final LeaseStore store() {
        return store;
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        return store.acquire(request);
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return store.renew(leases);
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return store.release(lease, ending);
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return store.withdraw(request);
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        return store.nextChance(identity, atMost);
    }

    @Override
    public Optional<Reservations> reservations() {
        return store.reservations();
    }

    /**
     * Returns what operators ask of the store behind this one.
     *
     * @throws IllegalStateException if that is no {@link AdministeredStore}
     */
    @Override
    public LeaseAdmin admin() {
        return administered().admin();
    }

    /**
     * Returns the board of the store behind this one.
     *
     * @throws IllegalStateException if that is no {@link AdministeredStore}
     */
    @Override
    public FleetBoard board() {
        return administered().board();
    }

    private AdministeredStore administered() {
        if (store instanceof AdministeredStore administered) {
            return administered;
        }
        throw new IllegalStateException("the lease store behind this double answers no operators: it is no "
                + AdministeredStore.class.getName());
    }

    @Override
    public Duration answerTimeout() {
        return store.answerTimeout();
    }

    @Override
    public Duration longestTtl() {
        return store.longestTtl();
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
}
