package io.hapax.test;

import io.hapax.lease.Acquisition;
import io.hapax.lease.Ending;
import io.hapax.lease.Finding;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.Renewal;
import io.hapax.lease.Reservations;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.AuditEntry;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.HeldLease;
import io.hapax.ops.LeaseAdmin;
import io.hapax.ops.PastRun;
import io.hapax.ops.PausedKey;
import io.hapax.ops.ServerHealth;
import io.hapax.time.DurationText;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * A lease store in the memory of one process, on any ticker. For tests, and for programs with one replica.
 *
 * <p>It answers on the caller's thread, before the method returns; only {@link #nextChance} completes later. It passes
 * {@code LeaseStoreContract}. Thread-safe.
 */
public final class InMemoryLeaseStore implements AdministeredStore {

    private static final Duration ANSWER_TIMEOUT = Duration.ofMillis(100);

    private final LeaseMemory memory;
    private final LeaseWaiters waiters;
    private final InMemoryReservations reservations;
    private volatile boolean closed;

    /**
     * Creates the first client of an empty memory.
     *
     * @param ticker the clock on which leases lapse
     */
    public InMemoryLeaseStore(Ticker ticker) {
        this(ticker, LimitRule.RIGHT);
    }

    /** With a rule that a test has broken. */
    InMemoryLeaseStore(Ticker ticker, LimitRule rule) {
        this(new LeaseMemory(ticker, rule), new LeaseWaiters(ticker), new InMemoryReservations(ticker));
    }

    private InMemoryLeaseStore(LeaseMemory memory, LeaseWaiters waiters, InMemoryReservations reservations) {
        this.memory = memory;
        this.waiters = waiters;
        this.reservations = reservations;
    }

    /**
     * Creates another client of the same memory, as another replica has one.
     *
     * @return the client; it is closed on its own
     */
    public InMemoryLeaseStore otherClient() {
        return new InMemoryLeaseStore(memory, waiters, reservations);
    }

    /** Forgets leases, done markers and reservations, as a server does that restarts empty. Fencing tokens keep growing. */
    public void forgetEverything() {
        synchronized (memory) {
            memory.forgetEverything();
        }
        reservations.forgetEverything();
    }

    /**
     * Grants nothing new for a while. Until then, renewals re-assert forgotten leases (also over a holder with a lower
     * token), and the release of a forgotten lease counts. Known facts are still answered: a held key answers
     * {@link Acquisition.Held}, a completed occurrence {@link Acquisition.Done}.
     *
     * @param duration how long, from now; zero ends it
     */
    public void quarantine(Duration duration) {
        synchronized (memory) {
            memory.quarantine(duration);
        }
    }

    @Override
    public CompletionStage<Acquisition> acquire(LeaseRequest request) {
        return answer(store -> {
            Acquisition answer = store.acquire(request);
            // Of several slots another one may be free.
            if (answer instanceof Acquisition.Granted && request.identity().slot() == null) {
                waiters.granted(LeaseKey.ofFamily(request.identity()));
            }
            return answer;
        });
    }

    @Override
    public CompletionStage<List<Renewal>> renew(List<Lease> leases) {
        return answer(store -> leases.stream().map(store::renew).toList());
    }

    @Override
    public CompletionStage<Boolean> release(Lease lease, Ending ending) {
        return waking(lease.identity(), answer(store -> store.release(lease, ending)), released -> released);
    }

    @Override
    public CompletionStage<Void> withdraw(LeaseRequest request) {
        return waking(request.identity(), answer(store -> store.withdraw(request)), withdrawn -> withdrawn)
                .thenAccept(withdrawn -> {});
    }

    @Override
    public LeaseAdmin admin() {
        return new Admin();
    }

    private final class Admin implements LeaseAdmin {

        @Override
        public CompletionStage<Optional<Holder>> holder(JobIdentity identity) {
            return answer(store -> store.holder(identity));
        }

        @Override
        public CompletionStage<Optional<Holder>> forceRelease(JobIdentity identity, Intervention why) {
            return waking(identity, answer(store -> store.forceRelease(identity, why)), Optional::isPresent);
        }

        @Override
        public CompletionStage<Optional<Holder>> forceRelease(HeldLease lease, Intervention why) {
            return named(lease)
                    .thenCompose(identity -> waking(
                            identity,
                            answer(store -> isHeldBy(lease.holder(), identity, store)
                                    ? store.forceRelease(identity, why)
                                    : Optional.empty()),
                            Optional::isPresent));
        }

        /** Who only names a slot, and its holder, means it, unless that holds a key of that text. */
        private CompletableFuture<JobIdentity> named(HeldLease lease) {
            if (lease.onRunKey()) {
                return CompletableFuture.completedFuture(new JobIdentity(null, new RunKey(lease.name())));
            }
            JobIdentity key = new JobIdentity(new LockKey(lease.name()), null);
            HeldLease.SlotName name = HeldLease.SlotName.of(lease.name());
            if (name == null) {
                return CompletableFuture.completedFuture(key);
            }
            JobIdentity slot = new JobIdentity(new LockKey(name.key()), null, new Slot(name.number(), name.number()));
            return answer(store -> lease.slot() == null && isHeldBy(lease.holder(), key, store) ? key : slot);
        }

        private boolean isHeldBy(Holder seen, JobIdentity identity, LeaseMemory store) {
            return store.isHeldBy(seen.owner(), identity);
        }

        @Override
        public CompletionStage<Void> pause(JobIdentity identity, Duration atMost, Intervention why) {
            DurationText.requireStorable("the length of a pause", atMost, 1);
            return answer(store -> store.pause(identity, atMost, why)).thenAccept(paused -> {});
        }

        @Override
        public CompletionStage<Boolean> resume(JobIdentity identity, Intervention why) {
            return answer(store -> store.resume(identity, why));
        }

        @Override
        public CompletionStage<Boolean> runAgain(JobIdentity identity, Intervention why) {
            if (identity.runKey() == null) {
                throw new IllegalArgumentException("only what has a run key can be over: " + identity);
            }
            return answer(store -> store.runAgain(identity, why));
        }

        @Override
        public CompletionStage<Optional<KeyPause>> paused(JobIdentity identity) {
            return answer(store -> store.paused(identity));
        }

        @Override
        public CompletionStage<List<PausedKey>> pauses(int atMost) {
            return answer(store -> store.pauses().stream().limit(atMost).toList());
        }

        @Override
        public CompletionStage<List<PastRun>> history(String job, int atMost) {
            return answer(store -> store.history(job).stream().limit(atMost).toList());
        }

        @Override
        public CompletionStage<List<HeldLease>> leases(int atMost) {
            return answer(store -> store.leases().stream().limit(atMost).toList());
        }

        @Override
        public CompletionStage<List<AuditEntry>> audit(int atMost) {
            return answer(store -> store.audit().stream().limit(atMost).toList());
        }

        @Override
        public CompletionStage<List<ServerHealth>> servers() {
            Duration quarantine;
            synchronized (memory) {
                quarantine = memory.quarantineLeft();
            }
            String detail = closed
                    ? "closed"
                    : quarantine.isZero()
                            ? "in this process"
                            : "quarantine for another " + quarantine.toMillis() + " ms";
            boolean grants = !closed && quarantine.isZero();
            return CompletableFuture.completedFuture(
                    List.of(new ServerHealth("memory", grants, Duration.ZERO, detail)));
        }
    }

    @Override
    public FleetBoard board() {
        return new Board();
    }

    private final class Board implements FleetBoard {

        @Override
        public CompletionStage<Answer> post(Posting posting) {
            return answer(store -> store.board().post(posting));
        }

        @Override
        public CompletionStage<Map<String, String>> summaries() {
            return answer(store -> store.board().summaries());
        }

        @Override
        public CompletionStage<Map<String, News>> news(Map<String, Position> known, Duration readingFor) {
            return answer(store -> store.board().news(known, readingFor));
        }
    }

    @Override
    public CompletionStage<Void> nextChance(JobIdentity identity, Duration atMost) {
        if (closed) {
            return CompletableFuture.completedFuture(null);
        }
        return waiters.await(this, LeaseKey.ofFamily(identity), atMost);
    }

    @Override
    public Optional<Reservations> reservations() {
        return Optional.of(reservations);
    }

    @Override
    public void agree(String settings) {
        String before = answer(store -> store.agree(settings)).join();
        if (!before.equals(settings)) {
            throw new LeaseStoreException(Finding.error(
                    "other guards on this store have the settings [" + before + "], this one has [" + settings + "]",
                    "Give all workers the same settings"));
        }
    }

    @Override
    public Duration answerTimeout() {
        return ANSWER_TIMEOUT;
    }

    /** Ends the waiting of this client's callers; each later call fails. */
    @Override
    public void close() {
        closed = true;
        waiters.closed(this);
    }

    private <T> CompletableFuture<T> answer(Function<LeaseMemory, T> question) {
        if (closed) {
            return CompletableFuture.failedFuture(
                    new LeaseStoreException("this client of the in-memory lease store is closed; open another one"));
        }
        synchronized (memory) {
            return CompletableFuture.completedFuture(question.apply(memory));
        }
    }

    /** Waiters are woken outside the lock, and before the caller goes on. */
    private <T> CompletableFuture<T> waking(
            JobIdentity identity, CompletableFuture<T> answer, Function<T, Boolean> released) {
        return answer.thenApply(value -> {
            if (released.apply(value)) {
                waiters.released(LeaseKey.ofFamily(identity));
            }
            return value;
        });
    }
}
