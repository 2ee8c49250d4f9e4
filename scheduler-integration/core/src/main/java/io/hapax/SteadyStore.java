package io.hapax;

import io.hapax.lease.Acquisition;
import io.hapax.lease.AuditEntry;
import io.hapax.lease.Ending;
import io.hapax.lease.HeldLease;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseOperations;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.PastRun;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.ServerHealth;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** A lease store whose every answer comes, and comes in time, whatever the store behind it does. */
final class SteadyStore implements LeaseStore {

    private final LeaseStore store;
    private final Answers answers;
    private volatile Duration answerTimeout;

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
        return answers.of("acquire", () -> store.acquire(request));
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
    public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
        return answers.of("holder", () -> store.holder(identity));
    }

    @Override
    public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
        return answers.of("forceRelease", () -> store.forceRelease(identity, why));
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
        return blocking == null || blocking == store ? this : new SteadyStore(blocking, answers, answerTimeout);
    }

    @Override
    public Optional<Reservations> reservations() {
        return store.reservations().map(places -> new SteadyReservations(places, answers));
    }

    @Override
    public Optional<LeaseOperations> operations() {
        Optional<LeaseOperations> operations;
        try {
            operations = store.operations();
        } catch (Throwable failure) {
            throw failure(failure);
        }
        if (operations == null) {
            throw failure("null instead of its operations");
        }
        return operations.map(all -> new SteadyOperations(all, answers));
    }

    @Override
    public Duration answerTimeout() {
        try {
            answerTimeout = Objects.requireNonNull(store.answerTimeout());
        } catch (Throwable untold) {
            // As it told before.
        }
        return answerTimeout;
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

    /** The same for operators. */
    private record SteadyOperations(LeaseOperations operations, Answers answers) implements LeaseOperations {

        @Override
        public CompletionStage<List<HeldLease>> leases(int atMost) {
            return answers.of("leases", () -> operations.leases(atMost));
        }

        @Override
        public CompletionStage<Optional<HeldLease>> lease(String name, boolean onRunKey) {
            return answers.of("lease", () -> operations.lease(name, onRunKey));
        }

        @Override
        public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
            return answers.of("forceRelease", () -> operations.forceRelease(lease, why));
        }

        @Override
        public CompletionStage<Void> pause(JobIdentity identity, Duration atMost, Intervention why) {
            return answers.of("pause", () -> operations.pause(identity, atMost, why));
        }

        @Override
        public CompletionStage<Boolean> resume(JobIdentity identity, Intervention why) {
            return answers.of("resume", () -> operations.resume(identity, why));
        }

        @Override
        public CompletionStage<Optional<KeyPause>> paused(JobIdentity identity) {
            return answers.of("paused", () -> operations.paused(identity));
        }

        @Override
        public CompletionStage<List<PastRun>> history(String job, int atMost) {
            return answers.of("history", () -> operations.history(job, atMost));
        }

        @Override
        public CompletionStage<List<AuditEntry>> audit(int atMost) {
            return answers.of("audit", () -> operations.audit(atMost));
        }

        @Override
        public CompletionStage<Boolean> post(String worker, String report, Duration lifetime) {
            return answers.of("post", () -> operations.post(worker, report, lifetime));
        }

        @Override
        public CompletionStage<Map<String, String>> reports(Duration readingFor) {
            return answers.of("reports", () -> operations.reports(readingFor));
        }

        @Override
        public CompletionStage<List<ServerHealth>> servers() {
            return answers.of("servers", operations::servers);
        }
    }

    /** The same for places. */
    private record SteadyReservations(Reservations places, Answers answers) implements Reservations {

        @Override
        public CompletionStage<Reservation> reserve(ReservationRequest request) {
            return answers.of("reserve", () -> places.reserve(request));
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
