package io.hapax;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/** Where the attempts at an admission get their lease, and whatever else their run needs, from the store. Keeps no state. */
interface LeaseSource {

    /**
     * Asks the store, once for each owner.
     *
     * @param store the store as seen by the calling thread
     * @param request names the owner of this ask
     * @return the answer; if it fails, what may have been granted has to be withdrawn
     */
    CompletionStage<Offer> ask(LeaseStore store, LeaseRequest request);

    /** Gives back what was granted to a run that does not take place. */
    CompletionStage<?> giveBack(Offer.Given given);

    /** Gives back whatever the store may have granted to this ask without the caller hearing of it, now or later. */
    CompletionStage<?> withdraw(LeaseRequest request);

    /** Waits until it makes sense to ask again. */
    CompletionStage<Void> nextChance(Duration atMost);

    Runnable NOTHING = () -> {};

    /** Gives back what a run that never started has no right to keep. A run keeps it for as long as it is held. */
    Runnable ifUnused(Offer.Given given);

    static Offer offer(Acquisition acquisition) {
        return acquisition instanceof Acquisition.Granted granted
                ? new Offer.Given(granted.lease(), null, null)
                : new Offer.Denied(acquisition);
    }

    /** One lease, and nothing else. */
    record Plain(LeaseStore store, JobIdentity identity) implements LeaseSource {

        @Override
        public CompletionStage<Offer> ask(LeaseStore asked, LeaseRequest request) {
            return asked.acquire(request).thenApply(LeaseSource::offer);
        }

        @Override
        public CompletionStage<?> giveBack(Offer.Given given) {
            return store.release(given.lease(), Ending.NOT_DONE);
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
        public Runnable ifUnused(Offer.Given given) {
            // Its lease is all that it had.
            return NOTHING;
        }
    }
}
