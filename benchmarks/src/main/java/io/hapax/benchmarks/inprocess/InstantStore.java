package io.hapax.benchmarks.inprocess;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.Renewal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Grants everything at once and remembers nothing. Thread-safe. */
final class InstantStore implements LeaseStore {

    private static final Instant SOME_TIME = Instant.ofEpochSecond(1_800_000_000);
    private static final FencingToken TOKEN = new FencingToken(1);

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        Lease lease = new Lease(request.identity(), request.owner(), TOKEN, request.worker(), request.ttl(), SOME_TIME);
        return CompletableFuture.completedFuture(new Acquisition.Granted(lease));
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return CompletableFuture.completedFuture(leases.stream()
                .<Renewal>map(lease -> new Renewal.Renewed(false))
                .toList());
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return CompletableFuture.completedFuture(true);
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public Duration answerTimeout() {
        return Duration.ofSeconds(2);
    }

    @Override
    public void close() {}
}
