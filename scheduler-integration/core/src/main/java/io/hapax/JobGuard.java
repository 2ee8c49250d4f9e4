package io.hapax;

import io.hapax.Admission.Admitted;
import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.lease.FencingToken;
import io.hapax.lease.HeldLease;
import io.hapax.lease.Holder;
import io.hapax.lease.Intervention;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseOperations;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.Reservations;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides whether a run may take place, and keeps its lease while it works.
 *
 * <p>Immutable and thread-safe; one per process and store is enough. Schedulers are guarded by an adapter that calls
 * {@link #admit}; plain code calls {@link #run}.
 */
public final class JobGuard implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(JobGuard.class);
    private static final Duration STORE_PAUSE = Duration.ofSeconds(1);

    private final LeaseStore store;
    private final String worker;
    private final RunOptions defaults;
    private final LeaseTiming defaultTiming;
    private final Ticker ticker;
    private final @Nullable RunLedger ledger;
    private final boolean closesStore;
    private final @Nullable LoggingListener log;
    private final Notifier notifier;
    private final Watchdog watchdog;
    private final @Nullable KeyHashing hashing;
    private final Set<AdmissionAttempt> waiting = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean storeClosed = new AtomicBoolean();
    private volatile boolean closed;
    /** Until when the store is not asked if the ledger can answer alone. */
    private volatile NanoTime storeAwayUntil;

    private JobGuard(Builder builder) {
        this.worker = builder.worker;
        this.defaults = builder.defaults;
        this.defaultTiming = new LeaseTiming(defaults.ttl());
        this.ticker = builder.ticker;
        this.closesStore = builder.closesStore;
        this.log = builder.logging ? new LoggingListener(ticker) : null;
        GuardThreads threads = builder.threads;
        this.notifier = new Notifier(builder.allListeners(log), threads, ticker);
        this.hashing = builder.hashing;
        RunLedger runs = builder.ledger;
        this.watchdog = new Watchdog(builder.store, runs, ticker, threads, this::afterLastRun);
        this.store = new SteadyStore(
                builder.store, new Answers(watchdog, ticker, builder.store.answerTimeout(), SteadyStore::failure));
        this.ledger = runs == null
                ? null
                : new SteadyLedger(runs, new Answers(watchdog, ticker, runs.answerTimeout(), SteadyLedger::failure));
        this.storeAwayUntil = ticker.now();
    }

    /**
     * Starts to build a guard.
     *
     * @param store where the leases are kept
     * @return the builder
     */
    public static Builder builder(LeaseStore store) {
        return new Builder(store);
    }

    /**
     * Asks whether a run may take place, and waits for the key if the options say {@link OnConflict#WAIT}.
     *
     * @param request what is to run
     * @return the answer; whoever is admitted must end the run
     * @throws InterruptedException if the thread is interrupted when it calls, then nothing is asked; or while it waits,
     *     then the request is withdrawn
     * @throws IllegalArgumentException if the options do not fit the store, for example because the ttl is too short
     */
    public Admission admit(RunRequest request) throws InterruptedException {
        AdmissionAttempt attempt = attempt(request, CurrentRun.find().orElse(null));
        if (Thread.interrupted()) {
            // Whether a port's answer is there at once must make no difference.
            throw new InterruptedException("interrupted before " + kept(request) + " was asked for");
        }
        CompletableFuture<Admission> answer = attempt.start(store.blocking());
        try {
            return answer.get();
        } catch (InterruptedException e) {
            attempt.withdraw();
            throw e;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IllegalArgumentException callersMistake) {
                throw callersMistake;
            }
            throw new IllegalStateException("the admission of " + kept(request) + " failed", e.getCause());
        }
    }

    /**
     * Does what {@link #admit} does, without blocking.
     *
     * @param request what is to run
     * @return the answer, completed on a thread of the store; whoever is admitted must end the run. Cancelling it
     *     withdraws the request
     * @throws IllegalArgumentException if the options do not fit the store
     */
    public CompletableFuture<Admission> admitAsync(RunRequest request) {
        AdmissionAttempt attempt = attempt(request, null);
        CompletableFuture<Admission> answer = attempt.start(store);
        var unused = answer.whenComplete((admission, failure) -> {
            if (answer.isCancelled()) {
                attempt.withdraw();
            }
        });
        return answer;
    }

    private AdmissionAttempt attempt(RunRequest asked, @Nullable GuardedRun waiter) {
        RunRequest request = kept(asked);
        RunOptions options = request.options(defaults);
        options.requireConsistent();
        LeaseTiming timing = checked(options, store, ledger);
        if (options.afterCrash() == AfterCrash.ABANDON && request.identity().runKey() == null) {
            throw new IllegalArgumentException(
                    "setting afterCrash: ABANDON needs a run key, which names what must not be" + " repeated, but "
                            + request + " has none. Add one with once(...), or use RERUN");
        }
        return new AdmissionAttempt(this, request, options, timing, waiter);
    }

    /** Refuses settings that the guard could not keep. */
    private static LeaseTiming checked(RunOptions options, LeaseStore store, @Nullable RunLedger ledger) {
        if (ledger == null && options.whenUnavailable() == WhenUnavailable.LEDGER_ONLY) {
            throw new IllegalArgumentException(
                    "setting whenUnavailable: LEDGER_ONLY needs a ledger. Give the guard one with ledger(...), or use"
                            + " FAIL_CLOSED or FAIL_OPEN");
        }
        if (ledger == null && options.afterCrash() == AfterCrash.ABANDON) {
            throw new IllegalArgumentException("setting afterCrash: ABANDON needs a ledger, which remembers that a run"
                    + " broke off. Give the guard one with ledger(...), or use RERUN");
        }
        boolean ledgerRenews = options.whenUnavailable() != WhenUnavailable.FAIL_CLOSED;
        return LeaseTiming.checked(options.ttl(), ledgerRenews ? slowerAnswer(store, ledger) : store.answerTimeout());
    }

    /** One for all runs with the same ttl as the defaults. */
    LeaseTiming timing(RunOptions options) {
        return options.ttl().equals(defaultTiming.ttl()) ? defaultTiming : new LeaseTiming(options.ttl());
    }

    private static Duration slowerAnswer(LeaseStore store, @Nullable RunLedger ledger) {
        return ledger != null && ledger.answerTimeout().compareTo(store.answerTimeout()) > 0
                ? ledger.answerTimeout()
                : store.answerTimeout();
    }

    /**
     * Runs code under a lease: asks, enters, runs, and ends the run as completed or failed.
     *
     * @param request what is to run
     * @param body the code
     * @param <T> what the code returns
     * @param <E> what the code may throw
     * @return what came of it
     * @throws E what the code threw
     * @throws InterruptedException if the thread is interrupted while it waits for the key
     * @throws LeaseLostException if the code returned, but had lost its lease
     * @throws IllegalStateException if the code returned, but had called {@link GuardedRun#completeIn} in a transaction
     *     that did not commit
     * @throws RunRefusedException if the run was refused and the conflict policy is {@link OnConflict#FAIL}
     * @throws IllegalArgumentException if the conflict policy is {@link OnConflict#RESCHEDULE}
     */
    public <T, E extends Exception> RunResult<T> run(RunRequest request, GuardedBody<T, E> body)
            throws E, InterruptedException {
        requirePlain(request);
        Admission admission = admit(request);
        if (admission instanceof Admitted admitted) {
            return execute(admitted.run(), body);
        }
        Refusal refusal = ((Admission.Refused) admission).refusal();
        if (request.options(defaults).onConflict() == OnConflict.FAIL) {
            throw new RunRefusedException(kept(request.identity()), refusal);
        }
        return new RunResult.Refused<>(refusal);
    }

    /** Refuses what only a scheduler can do: try again later, and keep a queue. */
    private void requirePlain(RunRequest asked) {
        RunRequest request = kept(asked);
        RunOptions options = request.options(defaults);
        if (options.onConflict() == OnConflict.RESCHEDULE) {
            throw new IllegalArgumentException(
                    "plain code cannot be rescheduled: use SKIP, WAIT or FAIL as conflict policy for " + request);
        }
        if (options.overlap().isTriedAgain()) {
            throw new IllegalArgumentException("plain code cannot be tried again later, as overlap=" + options.overlap()
                    + " wants: use SKIP or ALLOW, or onConflict=WAIT, for " + request);
        }
        if (options.mode().isQueued()) {
            throw new IllegalArgumentException("plain code is not queued, as mode=" + options.mode()
                    + " wants: use WHILE_EXECUTING for " + request);
        }
    }

    private <T, E extends Exception> RunResult<T> execute(GuardedRun run, GuardedBody<T, E> body) throws E {
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            return executeEntered(run, body);
        }
    }

    private static <T, E extends Exception> RunResult<T> executeEntered(GuardedRun run, GuardedBody<T, E> body)
            throws E {
        try {
            T value = body.run(run);
            RunOutcome outcome = run.complete();
            if (outcome == RunOutcome.LOST) {
                throw run.loss();
            }
            if (outcome == RunOutcome.FAILED) {
                throw new IllegalStateException(
                        run + " completed in a transaction that did not commit, so it has not completed");
            }
            return new RunResult.Ran<>(value, outcome);
        } catch (Throwable failure) {
            // Also what is thrown sneakily.
            run.fail(failure);
            throw failure;
        }
    }

    /**
     * Looks up who holds the lease of an identity.
     *
     * @param identity the keys
     * @return the holder, if there is one; fails with a {@code LeaseStoreException}
     */
    public CompletableFuture<Optional<Holder>> holder(JobIdentity identity) {
        return store.holder(kept(identity)).toCompletableFuture();
    }

    /**
     * Takes a lease away from whoever holds it, for people who know that its holder is gone. A holder that is alive
     * notices at its next renewal and may be at work until then. If nobody holds it, listeners are told nothing.
     *
     * @param identity the keys
     * @param actor who does it
     * @param reason why
     * @return who held it, if anybody; fails with a {@code LeaseStoreException}
     */
    public CompletableFuture<Optional<Holder>> forceRelease(JobIdentity identity, String actor, String reason) {
        JobIdentity kept = kept(identity);
        Intervention why = new Intervention(actor, reason);
        return store.forceRelease(kept, why).toCompletableFuture().whenComplete((holder, failure) -> {
            if (holder != null && holder.isPresent()) {
                tellForced(kept, holder.get(), why);
            }
        });
    }

    /**
     * Takes a lease away that was seen in a list, unless somebody else holds its key by now.
     *
     * @param lease as the store's operations have told
     * @param actor who does it
     * @param reason why
     * @return who held it; empty if its holder does not hold it any more. Fails with a {@code LeaseStoreException}
     * @throws IllegalStateException if the store has no operations for people
     */
    public CompletableFuture<Optional<Holder>> forceRelease(HeldLease lease, String actor, String reason) {
        Intervention why = new Intervention(actor, reason);
        JobIdentity identity = lease.onRunKey()
                ? new JobIdentity(null, new RunKey(lease.name()))
                : new JobIdentity(new LockKey(lease.name()), null);
        LeaseOperations operations;
        try {
            operations = store.operations()
                    .orElseThrow(() -> new IllegalStateException("this lease store cannot list leases"));
        } catch (LeaseStoreException failed) {
            return CompletableFuture.failedFuture(failed);
        }
        return operations.forceRelease(lease, why).toCompletableFuture().whenComplete((holder, failure) -> {
            if (holder != null && holder.isPresent()) {
                tellForced(identity, holder.get(), why);
            }
        });
    }

    private void tellForced(JobIdentity identity, Holder holder, Intervention why) {
        notifier.tell(new GuardEvent.Forced(identity.leaseName(), identity, holder, why.actor(), why.reason()));
    }

    /**
     * Lists the occurrences of the whole fleet that were abandoned and wait for a person to decide: see {@link #resolve}.
     *
     * @param atMost how many to return at most, 1 to 10 000
     * @return the last started first; empty without a ledger, as no job can then ask to be abandoned. Fails with a
     *     {@code LedgerException}
     * @throws IllegalArgumentException if that number is not allowed
     */
    public CompletableFuture<List<LedgerEntry>> abandoned(int atMost) {
        LedgerQuery query = LedgerQuery.in(atMost, RunState.ABANDONED);
        return ledger == null
                ? CompletableFuture.completedFuture(List.of())
                : ledger.entries(query).toCompletableFuture();
    }

    /**
     * Decides about an occurrence that was abandoned, for people who have found out what became of it.
     *
     * @param identity its keys
     * @param state {@link RunState#DONE}: never run it again; {@link RunState#RELEASED}: it may run again
     * @param actor who decides
     * @param reason why
     * @return whether it was abandoned and now is not; fails with a {@code LedgerException}
     * @throws IllegalArgumentException if it is another state
     * @throws IllegalStateException if the guard has no ledger
     */
    public CompletableFuture<Boolean> resolve(JobIdentity identity, RunState state, String actor, String reason) {
        return resolve(identity, null, state, actor, reason);
    }

    /**
     * Decides about an occurrence that one run has abandoned, for people who have looked at that run.
     *
     * @param identity its keys
     * @param seen the fencing token of that run; null for whichever it is
     * @param state as above
     * @param actor who decides
     * @param reason why
     * @return whether it was abandoned by that run and now is not; fails with a {@code LedgerException}
     * @throws IllegalArgumentException if it is another state
     * @throws IllegalStateException if the guard has no ledger
     */
    public CompletableFuture<Boolean> resolve(
            JobIdentity identity, @Nullable FencingToken seen, RunState state, String actor, String reason) {
        JobIdentity kept = kept(identity);
        RunLedger runs = ledger;
        if (runs == null) {
            throw new IllegalStateException("only a ledger knows what was abandoned, and this guard has none");
        }
        Intervention why = new Intervention(actor, reason);
        return runs.resolve(kept, seen, state, why).toCompletableFuture().whenComplete((resolved, failure) -> {
            if (Boolean.TRUE.equals(resolved)) {
                notifier.tell(new GuardEvent.Resolved(kept.leaseName(), kept, state, why.actor(), why.reason()));
            }
        });
    }

    /**
     * Returns keys as store, ledger, events, log lines and the run itself have them: the same ones, unless they are hashed
     * ({@link Builder#hashKeys}). Whoever writes a key down, or compares one with a run's, needs this.
     *
     * @param identity the keys, as they are or as kept
     * @return as kept
     */
    public JobIdentity kept(JobIdentity identity) {
        return hashing == null ? identity : hashing.of(identity);
    }

    private RunRequest kept(RunRequest request) {
        return hashing == null ? request : request.hashed(hashing);
    }

    /**
     * Lists the runs of this process that are at work, or whose end is not yet noted.
     *
     * @return the runs, in no order; those that were let through without a lease are not among them
     */
    public List<ActiveRun> runs() {
        NanoTime now = ticker.now();
        return watchdog.all().stream()
                .flatMap(charge -> GuardedRun.of(charge).stream())
                .flatMap(run -> run.shown(now).stream())
                .toList();
    }

    /**
     * Lists the runs of this process that wait for their keys.
     *
     * @return the runs, in no order
     */
    public List<WaitingRun> waiting() {
        return waiting.stream().map(AdmissionAttempt::shown).toList();
    }

    void waits(AdmissionAttempt attempt, CompletableFuture<Admission> answer) {
        if (waiting.add(attempt)) {
            var unused = answer.whenComplete((admission, failure) -> waiting.remove(attempt));
        }
    }

    void waitsNoMore(AdmissionAttempt attempt) {
        waiting.remove(attempt);
    }

    /**
     * Names the settings on which all workers have to agree.
     *
     * @return one line, readable for people
     */
    public String fingerprint() {
        return fingerprint(store, hashing);
    }

    private static String fingerprint(LeaseStore store, @Nullable KeyHashing hashing) {
        return store.fingerprint() + (hashing == null ? "" : " " + hashing.fingerprint());
    }

    /**
     * Returns the options of runs that say nothing else.
     *
     * @return the defaults
     */
    public RunOptions defaults() {
        return defaults;
    }

    /**
     * Returns the name under which this process holds leases.
     *
     * @return the worker's name
     */
    public String worker() {
        return worker;
    }

    /**
     * Counts the runs that were admitted, are at work, or whose end is not yet noted.
     *
     * @return how many
     */
    public int activeRuns() {
        return (int) watchdog.all().stream()
                .filter(charge -> charge.isRun() && !(charge instanceof Permit))
                .count();
    }

    /**
     * Stops to admit runs. Those at work go on under their leases; when the last one has ended, the watchdog stops, and
     * the store is closed if the guard was told to. Returns at once.
     */
    @Override
    public void close() {
        closed = true;
        watchdog.stopWhenEmpty();
        if (log != null) {
            log.close();
        }
    }

    /**
     * Stops to admit runs and waits for those at work. Runs that are still at work after the grace are told that they
     * lost their lease, and are waited for a little longer. A run that calls this itself, on its own thread, is neither
     * waited for nor told: it ends after the call, under its lease.
     *
     * @param grace how long runs may take to end
     * @return whether all runs have ended, but for those of the calling thread
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public boolean shutdown(Duration grace) throws InterruptedException {
        close();
        Thread caller = Thread.currentThread();
        Predicate<Watchdog.Charge> own = charge -> GuardedRun.isOn(caller, charge);
        for (Watchdog.Charge charge : watchdog.all()) {
            GuardedRun.of(charge)
                    .filter(run -> run.isOn(caller))
                    .ifPresent(run -> LOG.warn(
                            "shutdown was called inside the {}: it is neither waited for nor interrupted, and its lease is"
                                    + " renewed until it ends",
                            run));
        }
        if (watchdog.awaitRuns(own, grace)) {
            return true;
        }
        watchdog.all().stream()
                .filter(own.negate())
                .forEach(charge -> GuardedRun.of(charge).ifPresent(run -> run.stop(LossReason.SHUTDOWN)));
        Duration toEnd = ledger == null ? Duration.ZERO : ledger.answerTimeout();
        return watchdog.awaitRuns(own, store.answerTimeout().plus(toEnd).plusSeconds(1));
    }

    private void afterLastRun() {
        if (closesStore && storeClosed.compareAndSet(false, true)) {
            notifier.quietly("closing the lease store", store::close);
            RunLedger runs = ledger;
            if (runs != null) {
                notifier.quietly("closing the run ledger", runs::close);
            }
        }
    }

    boolean isClosed() {
        return closed;
    }

    LeaseStore store() {
        return store;
    }

    @Nullable
    RunLedger ledger() {
        return ledger;
    }

    /** The next admissions that may rely on the ledger alone do not wait for the store's answer timeout each. */
    void storeFailed() {
        storeAwayUntil = ticker.now().plus(STORE_PAUSE);
    }

    boolean storeIsAway() {
        return ticker.now().isBefore(storeAwayUntil);
    }

    Watchdog watchdog() {
        return watchdog;
    }

    Notifier notifier() {
        return notifier;
    }

    /** How long a renewal by store and ledger may take to be answered. */
    Duration answerTimeout() {
        return slowerAnswer(store, ledger);
    }

    NanoTime now() {
        return ticker.now();
    }

    /** Collects the settings of a guard. Not thread-safe. */
    public static final class Builder {

        private final LeaseStore store;
        private final List<GuardListener> listeners = new ArrayList<>();
        private String worker = processName();
        private RunOptions defaults = RunOptions.DEFAULTS;
        private Ticker ticker = Ticker.SYSTEM;
        private GuardThreads threads = Notifier.threads();
        private boolean logging = true;
        private boolean closesStore;
        private @Nullable RunLedger ledger;
        private @Nullable KeyHashing hashing;

        private Builder(LeaseStore store) {
            this.store = store;
        }

        /**
         * Names this process, for people who ask who holds a lease.
         *
         * @param name the name; by default process id and host name
         * @return this builder
         */
        public Builder worker(String name) {
            if (name.isBlank()) {
                throw new IllegalArgumentException("the name of a worker must not be blank");
            }
            this.worker = VisibleText.of(name);
            return this;
        }

        /**
         * Changes the options of runs that say nothing else.
         *
         * @param change from the defaults so far to the new ones
         * @return this builder
         */
        public Builder defaults(UnaryOperator<RunOptions> change) {
            this.defaults = change.apply(defaults);
            return this;
        }

        /**
         * Adds a listener.
         *
         * @param listener is told of every event
         * @return this builder
         */
        public Builder listener(GuardListener listener) {
            listeners.add(listener);
            return this;
        }

        /**
         * Leaves out the {@link LoggingListener}, which is there by default.
         *
         * @return this builder
         */
        public Builder withoutLogging() {
            this.logging = false;
            return this;
        }

        /**
         * Adds a ledger: each run with a lease claims its occurrence there before it begins, and an occurrence is done
         * when the ledger says so.
         *
         * @param runs where the runs are kept
         * @return this builder
         */
        public Builder ledger(RunLedger runs) {
            this.ledger = runs;
            return this;
        }

        /**
         * Keeps keys from being stored or logged in plain text, for those that name people: store, ledger, log lines,
         * events and the run's own identity have a keyed digest (HMAC-SHA-256) instead. The guard's methods take both: a
         * key as it is, and one as it was logged. Jobs keep their names, so put nothing about people into them; a job
         * without a name ({@link RunRequest#job}) has the digest as its name.
         *
         * @param secret at least 16 characters, the same on all workers. Others would guard under other keys, so a worker
         *     with another secret, or without one, does not start beside them
         * @return this builder
         * @throws IllegalArgumentException if the secret is too short
         */
        public Builder hashKeys(String secret) {
            this.hashing = new KeyHashing(secret);
            return this;
        }

        /**
         * Lets the guard close the store, and the ledger, after the last run has ended.
         *
         * @return this builder
         */
        public Builder closesStore() {
            this.closesStore = true;
            return this;
        }

        /**
         * Replaces the clock, for tests.
         *
         * @param ticker the clock on which leases are judged
         * @return this builder
         */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /** For tests, which let threads fail to start. */
        Builder threads(GuardThreads own) {
            this.threads = own;
            return this;
        }

        /**
         * Builds the guard.
         *
         * @return the guard
         * @throws IllegalArgumentException if the default ttl does not fit the store's answer timeout, or a default needs
         *     a ledger and there is none
         * @throws IllegalStateException if workers with other settings use the same ledger
         * @throws io.hapax.lease.LeaseStoreException if other workers of the store hash their keys otherwise, or the store
         *     cannot be asked about that; one that connects later refuses runs instead
         * @throws io.hapax.ledger.LedgerException if the ledger cannot be asked about settings
         */
        public JobGuard build() {
            LeaseTiming unusedTiming = checked(defaults, store, ledger);
            defaults.requireConsistent();
            if (defaults.needsReservations()) {
                Reservations unusedPlaces = RationedSource.reservations(store);
            }
            store.agree(hashing == null ? "" : hashing.fingerprint());
            if (ledger != null) {
                ledger.agree(fingerprint(store, hashing));
            }
            return new JobGuard(this);
        }

        private List<GuardListener> allListeners(@Nullable LoggingListener log) {
            List<GuardListener> all = new ArrayList<>();
            if (log != null) {
                all.add(log);
            }
            all.addAll(listeners);
            return all;
        }

        private static String processName() {
            String name = ManagementFactory.getRuntimeMXBean().getName();
            return name.isBlank() ? "pid-" + ProcessHandle.current().pid() : name;
        }
    }
}
