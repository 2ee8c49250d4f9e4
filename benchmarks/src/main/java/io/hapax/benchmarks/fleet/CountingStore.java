package io.hapax.benchmarks.fleet;

import io.hapax.lease.Acquisition;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.test.ForwardingLeaseStore;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.LongAdder;

/** Counts how often leases are asked for. Thread-safe. */
final class CountingStore extends ForwardingLeaseStore {

    private final LongAdder asked = new LongAdder();

    CountingStore(LeaseStore store) {
        super(store);
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        asked.increment();
        return super.acquire(request);
    }

    long asked() {
        return asked.sum();
    }
}
