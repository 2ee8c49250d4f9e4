package io.hapax;

import io.hapax.Admission.Admitted;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.RunLedger;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.function.Supplier;
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
    private static final Duration LONGEST_CLOSING = Duration.ofSeconds(10);

    private static final int MOST_LOOKUPS = 2;

    private final Engine engine;
    private final RunOptions defaults;
    private final boolean closesStore;
    private final String fingerprint;
    private final @Nullable LoggingListener log;
    private final @Nullable KeyHashing hashing;
    private final UnaryOperator<String> environment;
    private final Supplier<Optional<String>> obstacle;
    private final Supplier<Optional<CallersTransaction>> transactions;
    private final Executor lookups;
    private final GuardAdmin admin;
    private final AtomicBoolean closingStore = new AtomicBoolean();
    private final CountDownLatch storeClosed = new CountDownLatch(1);

    JobGuard(JobGuardBuilder builder) {
        this.defaults = builder.defaults;
        this.closesStore = builder.closesStore;
        this.fingerprint = builder.fingerprint();
        this.log = builder.logging ? new LoggingListener(builder.ticker) : null;
        this.hashing = builder.hashing;
        this.environment = builder.environment;
        this.obstacle = builder.obstacle;
        this.transactions = builder.transactions;
        this.lookups = builder.threads.pool("hapax-queues", MOST_LOOKUPS);
        this.engine = engine(builder, log, this::afterLastRun);
        this.admin = new GuardAdmin(engine, this::kept);
        if (defaults.observe()) {
            LOG.info("this guard only observes (setting observe): it refuses and interrupts no run, and logs and counts"
                    + " what it would have refused; set observe=false to have it guard");
        }
    }

    private static Engine engine(JobGuardBuilder builder, @Nullable LoggingListener log, Runnable afterLastRun) {
        LeaseStore store = builder.store;
        RunLedger ledger = builder.ledger;
        Ticker ticker = builder.ticker;
        Watchdog watchdog = new Watchdog(store, ledger, ticker, builder.threads, afterLastRun);
        Answers ofStore = new Answers(watchdog, ticker, store.answerTimeout(), SteadyStore::failure);
        return new Engine(
                new SteadyStore(store, ofStore),
                SteadyAdmin.of(store, ofStore),
                ledger == null
                        ? null
                        : new SteadyLedger(
                                ledger, new Answers(watchdog, ticker, ledger.answerTimeout(), SteadyLedger::failure)),
                watchdog,
                new Notifier(builder.allListeners(log), builder.threads, ticker),
                ticker,
                builder.worker,
                new Admissions(ticker, builder.owners),
                new Delivery(builder.threads));
    }

    /**
     * Starts to build a guard.
     *
     * @param store where the leases are kept
     * @return the builder
     */
    public static JobGuardBuilder builder(LeaseStore store) {
        return new JobGuardBuilder(store);
    }

    /**
     * Asks whether a run may take place, and waits for the key if the options say {@link OnConflict#WAIT}. With
     * {@link RunOptions#observe()} the answer is always a run, and neither waited nor interrupted for.
     *
     * @param request what is to run
     * @return the answer; an admitted run must be {@linkplain GuardedRun#enter() entered} within its ttl, and ended
     * @throws InterruptedException if the thread is interrupted when it calls, then nothing is asked; or while it waits,
     *     then the request is withdrawn
     * @throws IllegalArgumentException if the options do not fit the store, for example because the ttl is too short
     */
    public Admission admit(RunRequest request) throws InterruptedException {
        AdmissionAttempt attempt = attempt(request, CurrentRun.find().orElse(null));
        if (attempt.observes()) {
            return observed(request, attempt);
        }
        if (Thread.interrupted()) {
            // Whether a port's answer is there at once must make no difference.
            throw new InterruptedException("interrupted before " + kept(request) + " was asked for");
        }
        try {
            return attempt.startAndWait(engine.store().blocking());
        } catch (ExecutionException e) {
            throw failed(request, e.getCause());
        } catch (InterruptedException | RuntimeException | Error e) {
            // Nobody waits for the answer any more.
            attempt.withdraw();
            throw e;
        }
    }

    /** An interrupt is left to the code of the run: it would have found it without the guard. */
    private Admission observed(RunRequest request, AdmissionAttempt attempt) {
        try {
            return attempt.startAndJoin(engine.store().blocking());
        } catch (CompletionException e) {
            throw failed(request, e.getCause());
        }
    }

    private RuntimeException failed(RunRequest request, @Nullable Throwable cause) {
        return cause instanceof IllegalArgumentException callersMistake
                ? callersMistake
                : new IllegalStateException("the admission of " + kept(request) + " failed", cause);
    }

    /**
     * Does what {@link #admit} does, without blocking.
     *
     * <p>Code that follows the answer may block, or run the job: it has a thread that nothing else needs, of which a guard has up to
     * 256. If the answer is there already it has the caller's own, as with each {@link CompletableFuture}. Where the caller must go on, or
     * more than 256 are blocked at once, it follows with {@code thenAcceptAsync} and an executor.
     *
     * @param request what is to run
     * @return the answer; an admitted run must be {@linkplain GuardedRun#enter() entered} within its ttl, and ended. Cancelling it
     *     withdraws the request
     * @throws IllegalArgumentException if the options do not fit the store
     */
    public CompletableFuture<Admission> admitAsync(RunRequest request) {
        AdmissionAttempt attempt = attempt(request, request.outer());
        CompletableFuture<Admission> delivered = attempt.start();
        var unused = delivered.whenComplete((admission, failure) -> {
            if (delivered.isCancelled()) {
                attempt.cancel();
            }
        });
        return delivered;
    }

    private AdmissionAttempt attempt(RunRequest asked, @Nullable GuardedRun waiter) {
        return new AdmissionAttempt(engine, RunTerms.of(kept(asked), defaults, engine), waiter);
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
     *     that did not commit; or if it {@linkplain JobGuardBuilder#obstacle cannot run here}, and was not asked for
     *     {@linkplain RunRequest#apart() apart}
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
        // Whatever the reason: with FAIL there is no other way to learn that the code did not run.
        if (request.options(defaults).onConflict() == OnConflict.FAIL) {
            throw new RunRefusedException(kept(request.identity()), refusal);
        }
        return new RunResult.Refused<>(refusal);
    }

    /** Refuses what only a scheduler can do, try again later and keep a queue, and what would not end with its work. */
    private void requirePlain(RunRequest asked) {
        RunRequest request = kept(asked);
        RunOptions options = request.options(defaults);
        if (options.onConflict().needsScheduler()) {
            throw new IllegalArgumentException("plain code cannot be tried again later, as onConflict="
                    + options.onConflict() + " wants: use SKIP, WAIT, FAIL or ALLOW for " + request);
        }
        if (options.mode().isQueued()) {
            throw new IllegalArgumentException("plain code is not queued, as mode=" + options.mode()
                    + " wants: use WHILE_EXECUTING for " + request);
        }
        Optional<String> inTheWay = request.isApart() || options.observe() ? Optional.empty() : obstacle.get();
        if (inTheWay.isPresent()) {
            throw new IllegalStateException("plain code cannot run here as " + request + ": " + inTheWay.get());
        }
    }

    /**
     * Executes code under a run that was admitted; the run ends with it, as in {@link #run}.
     *
     * @param run the run, which nobody has entered
     * @param body the code
     * @param <T> what the code returns
     * @param <E> what the code may throw
     * @return what came of it
     * @throws E what the code threw
     * @throws LeaseLostException if the lease lapsed before the code started, or the code returned, but had lost it
     * @throws IllegalStateException if the code returned, but had called {@link GuardedRun#completeIn} in a transaction
     *     that did not commit
     */
    public <T, E extends Exception> RunResult.Ran<T> execute(GuardedRun run, GuardedBody<T, E> body) throws E {
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            return executeEntered(run, body);
        }
    }

    private static <T, E extends Exception> RunResult.Ran<T> executeEntered(GuardedRun run, GuardedBody<T, E> body)
            throws E {
        try {
            T value = body.run(run);
            RunOutcome outcome = run.complete();
            run.requireEnd(outcome);
            return new RunResult.Ran<>(value, outcome);
        } catch (Throwable failure) {
            // Also what is thrown sneakily.
            run.fail(failure);
            throw failure;
        }
    }

    /**
     * Returns what operators ask of this guard, and decide.
     *
     * @return the same one each time
     */
    public GuardAdmin admin() {
        return admin;
    }

    /**
     * Resolves <code>${name}</code> in the key of a job, for adapters.
     *
     * @param text a key as it is written
     * @return the text with values of the environment, see {@link JobGuardBuilder#environment}
     * @throws IllegalArgumentException if a name has no value; the message names it
     */
    public String resolve(String text) {
        return environment.apply(text);
    }

    /**
     * Returns keys as store, ledger, events, log lines and the run itself have them: the same ones, unless they are hashed
     * ({@link JobGuardBuilder#hashKeys}). It is needed to write a key down, or to compare one with a run's.
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
     * Names the settings on which all workers have to agree.
     *
     * @return one line, readable
     */
    public String fingerprint() {
        return fingerprint;
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
     * Checks what a job asks for before its first run, as each run is checked: whether its options go together, and fit the store and
     * the ledger. Asks neither of them.
     *
     * @param options the options of a job
     * @throws IllegalArgumentException if they do not; the message names the setting and says what is allowed
     */
    public void check(RunOptions options) {
        RunTerms.check(options, engine.store(), engine.ledger());
    }

    /**
     * Returns the name under which this process holds leases.
     *
     * @return the worker's name
     */
    public String worker() {
        return engine.worker();
    }

    /**
     * Counts the runs that were admitted, are running, or whose end is not yet noted.
     *
     * @return how many
     */
    public int activeRuns() {
        return (int) engine.watchdog().all().stream().filter(Charge::isRun).count();
    }

    /**
     * Stops admitting runs, and refuses those that wait. Active runs continue under their leases; when the last one has ended, the watchdog stops, and
     * the store is closed if the guard owns it. If no run is active, and nothing is awaited of the store, that happens before this returns, for
     * which it waits up to 10 s, or until the thread is interrupted, whose flag is kept. It waits for no run. Not to be called on a thread
     * of the store, which waits for that thread.
     */
    @Override
    public void close() {
        stop();
        try {
            // What was given back, and has not been answered, may take longer: that is waited for by a shutdown alone.
            if (engine.watchdog().size() == 0) {
                awaitClosedStore();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void stop() {
        // Each of these may fail where classes can no longer be loaded, and the rest has to end all the same.
        engine.notifier().quietly("refusing new runs", () -> engine.admissions().close(engine.watchdog()));
        engine.watchdog().stopWhenEmpty();
        if (log != null) {
            engine.notifier().quietly("writing the last counts of refusals", log::close);
        }
    }

    /**
     * Stops admitting runs and waits for active ones. Runs that are still active after the grace are notified that they
     * lost their lease, and are waited for a little longer. A run that calls this itself, on its own thread or on one that
     * {@linkplain GuardedRun#takePart() takes part} in it, is neither waited for nor notified: it ends after the call, under its lease. So
     * does one that waits for a transaction of that thread.
     * If no run is left and the guard owns the store, that is closed before this returns, for which this waits up to 10 s.
     *
     * @param grace how long runs may take to end
     * @return whether all runs have ended, but for those of the calling thread
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public boolean shutdown(Duration grace) throws InterruptedException {
        stop();
        Thread caller = Thread.currentThread();
        // A thread that only takes part in a run, as a coroutine does, keeps it from ending as well.
        Set<GuardedRun> current = CurrentRun.all();
        Predicate<Charge> own = charge -> charge.isOn(caller) || charge.isOf(current);
        for (Charge charge : engine.watchdog().all()) {
            if (charge.isRun() && own.test(charge)) {
                LOG.warn(
                        "shutdown was called inside the {}, or in its transaction: it is neither waited for nor interrupted, and its lease is"
                                + " renewed until it ends",
                        charge.run());
            }
        }
        if (engine.watchdog().awaitRuns(own, grace)) {
            awaitClosedStore();
            return true;
        }
        for (Charge charge : engine.watchdog().all()) {
            if (!own.test(charge)) {
                engine.notifier().quietly("ending a run", () -> charge.stop(LossReason.SHUTDOWN));
            }
        }
        RunLedger ledger = engine.ledger();
        Duration toEnd = ledger == null ? Duration.ZERO : ledger.answerTimeout();
        boolean ended = engine.watchdog()
                .awaitRuns(own, engine.store().answerTimeout().plus(toEnd).plusSeconds(1));
        if (ended) {
            awaitClosedStore();
        }
        return ended;
    }

    /**
     * Does what {@link #shutdown} does, for the stop of a framework: an interrupt means that the stop must not wait, but runs must be notified
     * before what they need is destroyed. So it ends the grace at once, and stays set.
     *
     * @param grace how long runs may take to end
     * @return whether all runs have ended, but for those of the calling thread
     */
    public boolean shutdownBeforeStop(Duration grace) {
        try {
            return shutdown(grace);
        } catch (InterruptedException hurry) {
            return shutdownInterrupted();
        }
    }

    private boolean shutdownInterrupted() {
        try {
            return shutdown(Duration.ZERO);
        } catch (InterruptedException again) {
            return activeRuns() == 0;
        } finally {
            Thread.currentThread().interrupt();
        }
    }

    /** The caller may close the class loader next, without which the store could not end its threads. */
    private void awaitClosedStore() throws InterruptedException {
        if (closesStore && activeRuns() == 0 && engine.watchdog().endsElsewhere()) {
            boolean unused = storeClosed.await(LONGEST_CLOSING.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void afterLastRun() {
        if (closesStore && closingStore.compareAndSet(false, true)) {
            try {
                engine.notifier().quietly("closing the lease store", engine.store()::close);
                RunLedger runs = engine.ledger();
                if (runs != null) {
                    engine.notifier().quietly("closing the run ledger", runs::close);
                }
            } finally {
                storeClosed.countDown();
            }
        }
    }

    Engine engine() {
        return engine;
    }

    /** Threads that ask schedulers about their jobs. */
    Executor lookups() {
        return lookups;
    }

    /** The transaction of the calling thread; null if none is seen. */
    @Nullable
    CallersTransaction transaction() {
        return transactions.get().orElse(null);
    }
}
