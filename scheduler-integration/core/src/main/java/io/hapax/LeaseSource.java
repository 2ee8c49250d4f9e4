package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Where one attempt at an admission gets its lease, and whatever else its run needs, from the store. */
interface LeaseSource {

    /** Asks the store. */
    CompletionStage<Acquisition> acquire(LeaseStore store, LeaseRequest request);

    /** Why the run is refused although the lease was free, and is given back; null if it is not. */
    @Nullable
    Refusal refusal();

    /** Gives back a lease, and what came with it, of a run that does not take place. */
    CompletionStage<?> release(Lease lease);

    /** Gives back whatever the store may have granted without the caller hearing of it. */
    CompletionStage<?> withdraw(LeaseRequest request);

    /** Waits until it makes sense to ask again. */
    CompletionStage<Void> nextChance(Duration atMost);

    /** What is renewed beside the lease that was granted; null if nothing is. */
    @Nullable
    Lease permit();

    /** The keys that are claimed in the ledger. */
    JobIdentity claimed();

    /** Gives back what a run that never began has no right to keep. */
    void unused();

    /** One lease, and nothing else. */
    record Plain(LeaseStore store, JobIdentity identity) implements LeaseSource {

        @Override
        public CompletionStage<Acquisition> acquire(LeaseStore asked, LeaseRequest request) {
            return asked.acquire(request);
        }

        @Override
        public @Nullable Refusal refusal() {
            return null;
        }

        @Override
        public CompletionStage<?> release(Lease lease) {
            return store.release(lease, Ending.NOT_DONE);
        }

        @Override
        public CompletionStage<?> withdraw(LeaseRequest request) {
            return store.withdraw(request);
        }

        @Override
        public CompletionStage<Void> nextChance(Duration atMost) {
            return store.nextChance(identity, atMost);
        }

        @Override
        public @Nullable Lease permit() {
            return null;
        }

        @Override
        public JobIdentity claimed() {
            return identity;
        }

        @Override
        public void unused() {
            // Its lease is all that it had.
        }
    }
}
