package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.OwnerId;
import io.hapax.lease.Renewal;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.time.NanoTime;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A run that was admitted: the handle through which it works, is told of a loss, and ends.
 *
 * <p>The lease is renewed from {@link #enter()} until the run ends; a run that is not entered within its ttl is given back. End
 * it exactly once, by {@link #complete()}, {@link #fail} or {@link #close()}; later calls return the first outcome.
 * Thread-safe.
 */
public final class GuardedRun implements AutoCloseable {

    private enum State {
        ADMITTED,
        ACTIVE,
        ENDING,
        ENDED,
        LOST
    }

    private final JobGuard guard;
    private final String job;
    private final JobIdentity identity;
    private final RunOptions options;
    private final @Nullable Grant grant;
    /** What people and storage see of the grant. */
    private final @Nullable Lease lease;

    private final LeaseTiming timing;
    private final NanoTime grantedAt;
    /** Not a lock object with a queue of its own: there may be many thousands of runs, and nobody waits for long. */
    private final Object monitor = new Object();

    private final @Nullable Keeper keeper;
    private final @Nullable Permit permit;
    private final @Nullable String cancelName;

    // Guarded by the monitor; validSince is also read without it, by isHeld.
    private State state = State.ADMITTED;
    private List<Consumer<LeaseLostException>> onLost = List.of();
    private @Nullable Thread interruptTarget;
    private boolean interrupted;
    private @Nullable LossReason lossReason;
    private @Nullable CompletableFuture<RunOutcome> ending;
    private boolean entered;
    private volatile @Nullable Thread thread;
    /** The run in whose code this one was entered. */
    private volatile @Nullable GuardedRun outer;

    private boolean completedIn;
    private volatile NanoTime validSince;

    GuardedRun(JobGuard guard, RunRequest request, RunOptions options, @Nullable Grant grant, NanoTime requestedAt) {
        this.guard = guard;
        this.job = request.job();
        this.identity = request.identity();
        this.options = options;
        this.grant = grant;
        this.lease = grant == null ? null : grant.shown();
        this.timing = guard.timing(options);
        this.grantedAt = requestedAt;
        this.validSince = requestedAt;
        this.keeper = grant == null ? null : new Keeper(grant);
        Lease slot = grant == null ? null : grant.permit();
        this.permit = slot == null ? null : new Permit(this, slot, requestedAt);
        this.cancelName = options.overlap() == OverlapPolicy.CANCEL_OTHER ? OverlapRule.cancelName(request) : null;
    }

    /**
     * Returns the job's name.
     *
     * @return the name for people
     */
    public String job() {
        return job;
    }

    /**
     * Returns what this run is.
     *
     * @return the keys
     */
    public JobIdentity identity() {
        return identity;
    }

    /**
     * Returns the options this run is guarded with.
     *
     * @return the options
     */
    public RunOptions options() {
        return options;
    }

    /**
     * Tells whether there is a lease at all. There is none only if the store could not tell and the run may fail open.
     *
     * @return whether this run holds, or has held, a lease
     */
    public boolean guarded() {
        return lease != null;
    }

    /**
     * Returns the lease. With a ledger it is the claim there: its token has the last word.
     *
     * @return the lease; empty if the run is not {@link #guarded()}
     */
    public Optional<Lease> lease() {
        return Optional.ofNullable(lease);
    }

    /**
     * Tells the how many-th attempt at its occurrence this run is: more than 1 if an earlier one failed or broke off.
     *
     * @return the attempt, from 1; always 1 without a ledger
     */
    public int attempt() {
        return grant == null ? 1 : grant.attempt();
    }

    /**
     * Returns the fencing token, to be checked by the storage that this run writes to.
     *
     * @return the token
     * @throws IllegalStateException if the run is not {@link #guarded()}
     */
    public FencingToken fencingToken() {
        if (lease == null) {
            throw new IllegalStateException("the run of '" + job
                    + "' was let through without a lease (fail open), so it has no fencing token; ask guarded() first");
        }
        return lease.token();
    }

    /**
     * Tells whether the lease can be proven at this instant.
     *
     * @return true if nobody else can hold the key now; always false for a run that is not {@link #guarded()}
     */
    public boolean isHeld() {
        if (lease == null) {
            return false;
        }
        synchronized (monitor) {
            return (state == State.ADMITTED || state == State.ACTIVE)
                    && guard.now().isBefore(timing.validUntil(validSince));
        }
    }

    /**
     * Checks that the lease can be proven at this instant; call it before each step that must not happen twice. What
     * happens between this check and the step is not covered: only storage that checks {@link #fencingToken()} is.
     *
     * @throws LeaseLostException if the lease is lost
     * @throws IllegalStateException if the run has ended
     */
    public void ensureHeld() {
        if (lease == null || isHeld()) {
            return;
        }
        if (lossReason() == null) {
            if (hasEnded()) {
                throw new IllegalStateException("the run of '" + job + "' has ended");
            }
            lose(LossReason.NOT_RENEWED, null);
        }
        throw loss();
    }

    /** The loss as an exception; only for a run that has a lease. */
    LeaseLostException loss() {
        if (lease == null) {
            throw new IllegalStateException("a run without a lease cannot lose it");
        }
        LossReason reason = lossReason();
        return new LeaseLostException(lease, reason == null ? LossReason.GONE : reason);
    }

    /**
     * Returns why the lease was lost.
     *
     * @return the reason; empty while it is not lost
     */
    public Optional<LossReason> lost() {
        return Optional.ofNullable(lossReason());
    }

    /**
     * Calls back once if the lease is lost; at once if it is lost already. The callback runs on a thread
     * of a pool; it may block, but where very many do, others wait for them.
     *
     * @param callback what to do
     */
    public void onLeaseLost(Consumer<LeaseLostException> callback) {
        boolean now;
        synchronized (monitor) {
            now = state == State.LOST;
            if (!now) {
                onLost = new ArrayList<>(onLost);
                onLost.add(callback);
            }
        }
        if (now && lease != null) {
            LeaseLostException loss = loss();
            guard.notifier().call(() -> callback.accept(loss));
        }
    }

    /** The stretch of code that executes a run on one thread. */
    public interface Scope extends AutoCloseable {
        /** Leaves the run: the thread is no longer interrupted on its behalf. */
        @Override
        void close();
    }

    /**
     * Starts to work on this run on the calling thread: {@link CurrentRun} answers with it, its lease is renewed, and
     * if it is lost the thread is interrupted (unless {@link RunOptions#onLeaseLost()} says otherwise).
     *
     * @return to be closed on the same thread when the work is over; that also clears an interrupt that the guard sent
     * @throws LeaseLostException if the lease has lapsed since the run was admitted, or, with {@link AfterCrash#ABANDON}, the
     *     ledger did not confirm that the run begins; then it has not begun, and the occurrence is free
     * @throws IllegalStateException if the run was entered before or has ended
     */
    public Scope enter() {
        return enter(options.onLeaseLost());
    }

    /**
     * Starts to work on this run, with another way of being told of a loss.
     *
     * @param onLeaseLost how the thread is told
     * @return as {@link #enter()}
     * @throws LeaseLostException as {@link #enter()}
     * @throws IllegalStateException if the run was entered before or has ended
     */
    public Scope enter(OnLeaseLost onLeaseLost) {
        begin();
        Thread worker = Thread.currentThread();
        synchronized (monitor) {
            if (state != State.ADMITTED) {
                throw lossReason != null && lease != null
                        ? new LeaseLostException(lease, lossReason)
                        : new IllegalStateException("the run of '" + job + "' was entered before or has ended");
            }
            state = State.ACTIVE;
            entered = true;
            interruptTarget = onLeaseLost == OnLeaseLost.INTERRUPT ? worker : null;
        }
        if (keeper != null) {
            guard.watchdog().add(keeper, keeper.firstLook());
            if (permit != null) {
                permit.watch();
            }
            if (hasEnded()) {
                unwatch();
            }
        }
        GuardedRun before = CurrentRun.swap(this);
        thread = worker;
        outer = before;
        LogContext context = null;
        try {
            context = LogContext.of(this);
            ensureHeld();
            LogContext entered = context;
            return () -> leave(before, entered);
        } catch (Throwable notEntered) {
            leave(before, context);
            throw notEntered;
        }
    }

    /**
     * With ABANDON the ledger must have heard that the run begins, since only what has begun is left for a person. A run that
     * cannot tell it does not begin, and is given back; one that has ended is refused by the caller.
     */
    private void begin() {
        RunLedger ledger = guard.ledger();
        Lease claim = grant == null ? null : grant.claim();
        if (ledger == null || claim == null || options.afterCrash() != AfterCrash.ABANDON || !isActive()) {
            return;
        }
        try {
            if (ledger.begin(claim).toCompletableFuture().join() == Completion.SUPERSEDED) {
                lose(LossReason.SUPERSEDED, null);
            }
        } catch (RuntimeException unheard) {
            if (lapse(LossReason.NOT_BEGUN)) {
                LeaseLostException notBegun = loss();
                notBegun.initCause(unheard);
                throw notBegun;
            }
        }
    }

    private void leave(@Nullable GuardedRun before, @Nullable LogContext context) {
        CurrentRun.swap(before);
        thread = null;
        outer = null;
        boolean clear;
        synchronized (monitor) {
            interruptTarget = null;
            clear = interrupted;
            interrupted = false;
        }
        if (clear) {
            // A late interrupt must not hit the next job of a pool's thread. One flag may stand for several runs,
            // though.
            boolean unused = Thread.interrupted();
            if (isInterrupted(before)) {
                Thread.currentThread().interrupt();
            }
        }
        if (context != null) {
            context.close();
        }
    }

    private static boolean isInterrupted(@Nullable GuardedRun innermost) {
        for (GuardedRun run = innermost; run != null; run = run.outer) {
            synchronized (run.monitor) {
                if (run.interrupted) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * Completes the occurrence in a transaction of the caller, who then commits: the writes of that transaction and the
     * completion take effect together, or, if the run has lost its occurrence, not at all. Call it as the last statement
     * before the commit; what is written in other transactions is not covered. {@link #complete()} afterwards finds out
     * whether the transaction has committed.
     *
     * @param connection to the ledger's database, with auto-commit off
     * @throws LeaseLostException if the run has lost its lease or its occurrence; roll back
     * @throws SQLException if the database refuses for another reason; roll back
     * @throws IllegalStateException if there is no ledger, the run has no claim there, or the run has ended
     */
    public void completeIn(Connection connection) throws SQLException {
        RunLedger ledger = guard.ledger();
        Lease claim = grant == null ? null : grant.claim();
        if (ledger == null || claim == null) {
            throw new IllegalStateException(
                    ledger == null
                            ? "completeIn needs a ledger: give the guard one with JobGuard.builder(store).ledger(...)"
                            : this
                                    + " was let through without a claim in the ledger (fail open), so it cannot complete in"
                                    + " a transaction");
        }
        ensureHeld();
        synchronized (monitor) {
            completedIn = true;
        }
        if (ledger.completeIn(connection, claim) == Completion.SUPERSEDED) {
            lose(LossReason.SUPERSEDED, null);
            throw loss();
        }
    }

    /**
     * Ends the run successfully: the occurrence is noted as done in the ledger, if there is one, and then in the store,
     * where the lease is given back; one round trip each. Blocks for at most their answer timeouts; if they do not answer,
     * the guard goes on trying until the lease has surely run out.
     *
     * @return how it ended; {@link RunOutcome#LOST} if the lease was lost, in which case nothing was noted;
     *     {@link RunOutcome#FAILED} if the transaction that {@link #completeIn} took part in did not commit
     */
    public RunOutcome complete() {
        return end(completion(), RunOutcome.COMPLETED, guard.store().blocking()).join();
    }

    /**
     * Does what {@link #complete()} does, without blocking.
     *
     * @return how it ended; never fails
     */
    public CompletableFuture<RunOutcome> completeAsync() {
        return end(completion(), RunOutcome.COMPLETED, guard.store());
    }

    private Ending completion() {
        return identity.runKey() != null ? Ending.done(options.retention()) : Ending.NOT_DONE;
    }

    /**
     * Ends the run because its code failed: the lease is given back, and the occurrence may run again.
     *
     * @param cause what went wrong
     * @return how it ended
     */
    public RunOutcome fail(Throwable cause) {
        return end(Ending.NOT_DONE, RunOutcome.FAILED, guard.store().blocking()).join();
    }

    /** Ends the run if it has not ended: the lease is given back, and the occurrence may run again. */
    @Override
    public void close() {
        var unused = end(Ending.NOT_DONE, RunOutcome.RELEASED, guard.store().blocking())
                .join();
    }

    /** Counts from now on, for one ttl: a guard that is closed meanwhile stays open for it. */
    void admitted() {
        if (keeper != null) {
            guard.watchdog().add(keeper, timing.revokeAt(validSince));
            if (hasEnded()) {
                unwatch();
            }
        }
    }

    /** Tells the run that it has to stop; one that has not begun is given back. */
    void stop(LossReason reason) {
        if (!lapse(reason)) {
            lose(reason, null);
        }
    }

    /** Gives back what was not entered; returns false if it was, or has ended. */
    private boolean lapse(LossReason reason) {
        synchronized (monitor) {
            if (entered || ending != null || state != State.ADMITTED) {
                return false;
            }
            lossReason = reason;
            state = State.ENDING;
        }
        giveBack();
        return true;
    }

    /** Does what {@link #close()} does, without blocking: for the threads of a store. */
    void giveBack() {
        var unused = end(Ending.NOT_DONE, RunOutcome.RELEASED, guard.store());
    }

    private CompletableFuture<RunOutcome> end(Ending how, RunOutcome success, LeaseStore first) {
        CompletableFuture<RunOutcome> result;
        boolean wasLost;
        boolean provable = isHeld();
        synchronized (monitor) {
            if (ending != null) {
                return ending;
            }
            result = new CompletableFuture<>();
            ending = result;
            wasLost = state == State.LOST || (success == RunOutcome.COMPLETED && lease != null && !provable);
            // A transaction that has committed counts, whatever became of the lease since.
            wasLost &= !(completedIn && success == RunOutcome.COMPLETED);
            if (state != State.LOST) {
                state = wasLost ? state : State.ENDING;
            }
        }
        boolean started = false;
        try {
            if (grant == null) {
                ended();
                result.complete(success == RunOutcome.COMPLETED ? RunOutcome.UNCONFIRMED : success);
            } else if (wasLost) {
                endLost(grant, result);
            } else {
                new RunEnding(this, grant, how, success).start(result, first);
            }
            started = true;
        } finally {
            if (!started) {
                // Later calls must not wait for an end that does not come: the lease lapses.
                result.complete(success == RunOutcome.COMPLETED ? RunOutcome.UNCONFIRMED : success);
            }
        }
        return result;
    }

    private void endLost(Grant held, CompletableFuture<RunOutcome> result) {
        lose(LossReason.NOT_RENEWED, null);
        LossReason reason = lossReason();
        Lease stored = held.lease();
        if (stored != null && (reason != LossReason.GONE || held.permit() != null)) {
            // Still ours at the server, perhaps: free it for others. The owner check makes this harmless.
            var unused = guard.store().release(stored, Ending.NOT_DONE).exceptionally(ignored -> false);
        }
        Lease claim = held.claim();
        RunLedger ledger = guard.ledger();
        if (claim != null && ledger != null && reason != LossReason.SUPERSEDED) {
            var unused = ledger.release(claim, brokenOff()).exceptionally(ignored -> Completion.SUPERSEDED);
        }
        finish(RunOutcome.LOST);
        result.complete(RunOutcome.LOST);
    }

    /** What the ledger is told of a run that ended without completing or failing. */
    RunState brokenOff() {
        synchronized (monitor) {
            if (!entered) {
                return RunState.RELEASED;
            }
            return options.afterCrash() == AfterCrash.ABANDON
                    ? RunState.ABANDONED
                    : state == State.LOST ? RunState.LOST : RunState.RELEASED;
        }
    }

    boolean completedIn() {
        synchronized (monitor) {
            return completedIn;
        }
    }

    /** Marks the run as over and tells so. */
    void finish(RunOutcome outcome) {
        if (outcome == RunOutcome.LOST) {
            lostAtEnd(LossReason.GONE);
        }
        ended();
        unwatch();
        if (outcome == RunOutcome.RELEASED && grant != null && !hasBegun()) {
            guard.notifier().quietly("giving back what was not used", grant.unused());
        }
        if (lease != null) {
            guard.notifier().tell(new GuardEvent.Released(job, lease, outcome, held()));
        }
    }

    /** The store or the ledger was first to know that the lease was lost. */
    void lostAtEnd(LossReason reason) {
        synchronized (monitor) {
            if (lossReason == null) {
                lossReason = reason;
            }
        }
    }

    /** Stops to renew. */
    void unwatch() {
        if (permit != null) {
            permit.giveBack();
        }
        if (keeper != null) {
            guard.watchdog().remove(keeper);
        }
    }

    private void ended() {
        synchronized (monitor) {
            if (state != State.LOST) {
                state = State.ENDED;
            }
            onLost = List.of();
        }
    }

    /** Takes the run away, once; does nothing for one that is ending or over. */
    void lose(LossReason reason, @Nullable Holder holder) {
        List<Consumer<LeaseLostException>> callbacks;
        if (lease == null) {
            return;
        }
        synchronized (monitor) {
            if (state != State.ADMITTED && state != State.ACTIVE) {
                return;
            }
            state = State.LOST;
            lossReason = reason;
            callbacks = onLost;
            onLost = List.of();
            if (interruptTarget != null) {
                interrupted = true;
                interruptTarget.interrupt();
            }
        }
        LeaseLostException loss = new LeaseLostException(lease, reason);
        callbacks.forEach(callback -> guard.notifier().call(() -> callback.accept(loss)));
        guard.notifier().tellLater(new GuardEvent.Lost(job, lease, reason, holder, held()));
    }

    /** Asks whether a later run wants this one to give way. */
    private void lookForCancellation() {
        Lease shown = lease;
        if (cancelName == null || shown == null || grant == null) {
            return;
        }
        Lease stored = grant.lease();
        String owner = (stored == null ? shown : stored).owner().value();
        var unused = RationedSource.reservations(guard.store())
                .holders(cancelName)
                .whenComplete((cancelled, unreachable) -> {
                    if (cancelled != null && cancelled.contains(owner)) {
                        lose(LossReason.CANCELLED, null);
                    }
                });
    }

    JobGuard guard() {
        return guard;
    }

    LeaseTiming timing() {
        return timing;
    }

    NanoTime validSince() {
        return validSince;
    }

    private Duration held() {
        return guard.now().since(grantedAt);
    }

    private @Nullable LossReason lossReason() {
        synchronized (monitor) {
            return lossReason;
        }
    }

    private boolean hasEnded() {
        synchronized (monitor) {
            return state == State.ENDED || state == State.ENDING;
        }
    }

    private boolean hasBegun() {
        synchronized (monitor) {
            return entered;
        }
    }

    /** Whether it is to be renewed: while it is ending, nobody may. */
    boolean isActive() {
        synchronized (monitor) {
            return state == State.ADMITTED || state == State.ACTIVE;
        }
    }

    /** Renews lease and claim of an active run; the watchdog's view of it. */
    private final class Keeper extends Watchdog.Charge {

        /** Whether the ledger's word alone keeps the run going. */
        private final boolean trustsLedger;
        // Renewals whose answers are outstanding: set by the watchdog's thread, cleared by those of store and ledger.
        private volatile @Nullable NanoTime leaseSentAt;
        private volatile @Nullable NanoTime claimSentAt;
        // Written by the store's threads.
        private volatile boolean storeFaltered;
        private volatile boolean leaseDropped;
        // Used by the watchdog's thread only.
        private boolean asksStore;
        private boolean asksLedger;

        Keeper(Grant given) {
            this.trustsLedger = given.claim() != null
                    && (given.lease() == null || options.whenUnavailable() != WhenUnavailable.FAIL_CLOSED);
        }

        private @Nullable Lease leaseHeld() {
            return grant == null ? null : grant.lease();
        }

        private @Nullable Lease claimHeld() {
            return grant == null ? null : grant.claim();
        }

        @Override
        boolean isRun() {
            return true;
        }

        @Override
        void giveUp() {
            lose(LossReason.NOT_RENEWED, null);
        }

        @Override
        Duration ttl() {
            return timing.ttl();
        }

        @Override
        @Nullable
        Lease lease() {
            return asksStore ? leaseHeld() : null;
        }

        @Override
        @Nullable
        Lease claim() {
            return asksLedger ? claimHeld() : null;
        }

        GuardedRun run() {
            return GuardedRun.this;
        }

        NanoTime firstLook() {
            return earliest(guard.watchdog().firstLook(validSince, timing.renewEvery()));
        }

        @Override
        Watchdog.Action act(NanoTime now) {
            // While the run is ending nobody may renew: its release is on the way.
            if (!isActive()) {
                return new Watchdog.Action(false, now.plus(timing.ttl()));
            }
            if (!now.isBefore(timing.revokeAt(validSince))) {
                if (lapse(LossReason.NOT_RENEWED)) {
                    return Watchdog.Action.FORGET;
                }
                lose(LossReason.NOT_RENEWED, null);
            } else if (!options.maxHold().isZero() && !now.isBefore(grantedAt.plus(options.maxHold()))) {
                lose(LossReason.MAX_HOLD, null);
            } else {
                lookForCancellation();
                asksStore = leaseHeld() != null && !leaseDropped && !waits(leaseSentAt, now);
                asksLedger = claimHeld() != null && !waits(claimSentAt, now);
                leaseSentAt = asksStore ? now : leaseSentAt;
                claimSentAt = asksLedger ? now : claimSentAt;
                return new Watchdog.Action(
                        asksStore || asksLedger,
                        earliest(now.plus(guard.answerTimeout()).plus(timing.retryEvery())));
            }
            // The run stays known until its code has left, so that shutdown waits for it.
            return new Watchdog.Action(false, now.plus(timing.ttl()));
        }

        private boolean waits(@Nullable NanoTime sentAt, NanoTime now) {
            return sentAt != null && now.isBefore(sentAt.plus(guard.answerTimeout()));
        }

        @Override
        @Nullable
        NanoTime renewed(Renewal answer, NanoTime sent, NanoTime now) {
            leaseSentAt = null;
            if (answer instanceof Renewal.Gone gone) {
                if (trustsLedger && storeFaltered) {
                    // It lapsed while the store was away; the claim has kept others out since.
                    leaseDropped = true;
                    return earliest(now.plus(timing.retryEvery()));
                }
                lose(LossReason.GONE, gone.holder());
                return null;
            }
            if (answer instanceof Renewal.Unknown) {
                storeFaltered = true;
                return earliest(now.plus(timing.retryEvery()));
            }
            storeFaltered = false;
            confirm(sent, now);
            return earliest(Watchdog.jittered(sent, timing.renewEvery()));
        }

        @Override
        @Nullable
        NanoTime claimRenewed(Renewal answer, NanoTime sent, NanoTime now) {
            claimSentAt = null;
            if (answer instanceof Renewal.Gone gone) {
                lose(LossReason.SUPERSEDED, gone.holder());
                return null;
            }
            boolean alone = leaseHeld() == null || leaseDropped;
            if (answer instanceof Renewal.Unknown) {
                return alone ? earliest(now.plus(timing.retryEvery())) : null;
            }
            if (trustsLedger) {
                confirm(sent, now);
            }
            // With a lease, the store's answer says when to look again.
            return alone ? earliest(Watchdog.jittered(sent, timing.renewEvery())) : null;
        }

        private void confirm(NanoTime sent, NanoTime now) {
            Duration margin;
            synchronized (monitor) {
                margin = timing.validUntil(validSince).since(now);
                validSince = sent.isBefore(validSince) ? validSince : sent;
            }
            Lease shown = lease;
            if (margin.compareTo(timing.validity().dividedBy(2)) < 0 && isActive() && shown != null) {
                guard.notifier().tellLater(new GuardEvent.RenewedLate(job, shown, margin));
            }
        }

        private NanoTime earliest(NanoTime wanted) {
            NanoTime revokeAt = timing.revokeAt(validSince);
            NanoTime first = wanted.isBefore(revokeAt) ? wanted : revokeAt;
            if (options.maxHold().isZero()) {
                return first;
            }
            NanoTime maxHoldAt = grantedAt.plus(options.maxHold());
            return first.isBefore(maxHoldAt) ? first : maxHoldAt;
        }
    }

    /** For people; empty if it has no lease. */
    Optional<ActiveRun> shown(NanoTime now) {
        Lease held = lease;
        Grant given = grant;
        if (held == null || given == null) {
            return Optional.empty();
        }
        Thread worker = thread;
        boolean lost;
        synchronized (monitor) {
            lost = lossReason != null;
        }
        Duration left = timing.revokeAt(validSince).since(now);
        return Optional.of(new ActiveRun(
                job,
                held.identity(),
                held.owner(),
                held.token(),
                given.attempt(),
                held.since(),
                worker == null ? "" : worker.getName(),
                timing.ttl(),
                lost || left.isNegative() ? Duration.ZERO : left));
    }

    @Nullable
    Lease leaseOrNull() {
        return lease;
    }

    /** The run in whose code this one was entered; null outside of any, and outside of this one. */
    @Nullable
    GuardedRun outer() {
        return outer;
    }

    boolean isOn(Thread worker) {
        return thread == worker;
    }

    /** Whether an owner that store or ledger has told of is this run. */
    boolean isOwnedBy(OwnerId owner) {
        return grant != null && (is(grant.lease(), owner) || is(grant.claim(), owner) || is(grant.permit(), owner));
    }

    private static boolean is(@Nullable Lease lease, OwnerId owner) {
        return lease != null && lease.owner().equals(owner);
    }

    /** Whether a charge belongs to a run that a thread is at work on. */
    static boolean isOn(Thread worker, Watchdog.Charge charge) {
        return of(charge).filter(run -> run.isOn(worker)).isPresent()
                || (charge instanceof Permit permit && permit.run().isOn(worker));
    }

    /** The run that a charge of the watchdog belongs to, if it is one that may be told to stop. */
    static Optional<GuardedRun> of(Watchdog.Charge charge) {
        return charge instanceof Keeper keeper ? Optional.of(keeper.run()) : Optional.empty();
    }

    @Override
    public String toString() {
        return "run of '" + job + "' [" + identity + "]" + (lease == null ? " unguarded" : " token " + lease.token());
    }
}
