package io.hapax;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** A lease store whose every answer comes, and comes in time, whatever the store behind it does. */
final class SteadyStore implements LeaseStore {

    private final LeaseStore store;
    private final Answers answers;
    private volatile Duration answerTimeout;
    /** As it was lent last: a store has one such view, and runs ask for it again and again. */
    private volatile @Nullable SteadyStore lent;

    SteadyStore(LeaseStore store, Answers answers) {
        this(store, answers, store.answerTimeout());
    }

    private SteadyStore(LeaseStore store, Answers answers, Duration answerTimeout) {
        this.store = store;
        this.answers = answers;
        this.answerTimeout = answerTimeout;
    }

    static RuntimeException failure(Object what) {
        return what instanceof Throwable cause
                ? new LeaseStoreException("the lease store failed: " + cause, cause)
                : new LeaseStoreException("the lease store failed: " + what);
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        CompletionStage<Acquisition> answer;
        // A direct call, as every run passes here: it keeps stack traces short.
        try {
            answer = store.acquire(request);
        } catch (IllegalArgumentException callersMistake) {
            throw callersMistake;
        } catch (Throwable failure) {
            answer = CompletableFuture.failedFuture(failure);
        }
        return answers.to("acquire", answer);
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return answers.of("renew", () -> store.renew(leases));
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return answers.of("release", () -> store.release(lease, ending));
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return answers.done("withdraw", () -> store.withdraw(request));
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        return answers.pause(atMost, () -> store.nextChance(identity, atMost));
    }

    @Override
    public LeaseStore blocking() {
        LeaseStore blocking;
        try {
            blocking = store.blocking();
        } catch (Throwable withoutIt) {
            return this;
        }
        if (blocking == null || blocking == store) {
            return this;
        }
        SteadyStore known = lent;
        if (known == null || known.store != blocking) {
            known = new SteadyStore(blocking, answers, answerTimeout);
            lent = known;
        }
        return known;
    }

    @Override
    public Optional<Reservations> reservations() {
        return store.reservations().map(places -> new SteadyReservations(places, answers));
    }

    @Override
    public Duration answerTimeout() {
        try {
            answerTimeout = Objects.requireNonNull(store.answerTimeout());
        } catch (Throwable untold) {
            // The last answer stays valid.
        }
        return answerTimeout;
    }

    @Override
    public Duration longestTtl() {
        try {
            return Objects.requireNonNull(store.longestTtl());
        } catch (Throwable unknown) {
            // It is compared once at the start; a store that grants less refuses each time.
            return Duration.ofSeconds(Long.MAX_VALUE);
        }
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

    /** The same for places. */
    private record SteadyReservations(Reservations places, Answers answers) implements Reservations {

        @Override
        public CompletionStage<Reservation> reserve(ReservationRequest request) {
            return answers.of("reserve", () -> places.reserve(request));
        }

        @Override
        public CompletionStage<Boolean> keep(String name, String holder, Duration time) {
            return answers.of("keep", () -> places.keep(name, holder, time));
        }

        @Override
        public CompletionStage<Boolean> giveUp(String name, String holder) {
            return answers.of("giveUp", () -> places.giveUp(name, holder));
        }

        @Override
        public CompletionStage<List<String>> holders(String name) {
            return answers.of("holders", () -> places.holders(name));
        }
    }
}
