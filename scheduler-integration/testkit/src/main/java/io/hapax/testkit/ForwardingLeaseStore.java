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
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservations;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * A lease store that hands every call on, for doubles that change some of them. Not {@link LeaseStore#blocking()}: what it
 * returns would know nothing of the double.
 */
public abstract class ForwardingLeaseStore implements LeaseStore {

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
    public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
        return store.holder(identity);
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
        return store.forceRelease(identity, why);
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        return store.nextChance(identity, atMost);
    }

    @Override
    public Optional<Reservations> reservations() {
        return store.reservations();
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
}
