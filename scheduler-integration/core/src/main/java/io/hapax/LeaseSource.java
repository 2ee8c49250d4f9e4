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

    /**
     * The store's answer.
     *
     * @param acquisition what came of the lease
     * @param refusal why the run is refused although the lease was free; null if it is not. The lease is given back
     */
    record Answer(Acquisition acquisition, @Nullable Refusal refusal) {}

    /** Asks the store. */
    CompletionStage<Answer> acquire(LeaseStore store, LeaseRequest request);

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

    /** One lease, and nothing else. */
    record Plain(LeaseStore store, JobIdentity identity) implements LeaseSource {

        @Override
        public CompletionStage<Answer> acquire(LeaseStore asked, LeaseRequest request) {
            return asked.acquire(request).thenApply(acquisition -> new Answer(acquisition, null));
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
    }
}
