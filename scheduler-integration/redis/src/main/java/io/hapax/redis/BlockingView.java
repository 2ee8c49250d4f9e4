package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservations;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A store as callers see it that lend it their threads: {@link LeaseStore#blocking()}. */
record BlockingView(RedissonLeaseStore store, Namespace namespace, Exchange exchange, DirectCalls direct)
        implements LeaseStore {

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        if (!store.isReadyFor(request)) {
            return store.acquire(request);
        }
        boolean wasWoken = store.hasWoken(request);
        CompletableFuture<Acquisition> answer = store.asked(
                request, wasWoken, direct.call(new AcquireRequest(namespace, request)), RedisThreads.WAKE_UPS);
        return namespace.scripts().isPortable() ? exchange.again(request, answer, Exchange.TRIES) : answer;
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return store.released(lease, direct.call(ReleaseRequest.of(namespace, lease, ending)), RedisThreads.WAKE_UPS);
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return store.withdraw(request);
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return store.renew(leases);
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
