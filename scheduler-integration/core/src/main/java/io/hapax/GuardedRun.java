package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Ending;
import io.hapax.lease.FencingToken;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStore;
import io.hapax.time.NanoTime;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A run that was admitted: the handle through which it works, is notified of a loss, and ends.
 *
 * <p>The lease is renewed from {@link #enter()} until the run ends; a run that is not entered within its ttl is given back. End
 * it exactly once, by {@link #complete()}, {@link #fail} or {@link #close()}; later calls return the first outcome.
 * Thread-safe.
 */
public final class GuardedRun extends RunLife implements AutoCloseable {

    private final RunRequest request;
    private final RunRules rules;
    /** A number, and no instant: many may be held. */
    private final long grantedNanos;

    /** Null for a run that was let through without a lease. */
    private final @Nullable RunHold hold;

    GuardedRun(RunTerms terms, @Nullable Grant grant, NanoTime requestedAt) {
        this.request = terms.request();
        this.rules = terms.rules();
        this.grantedNanos = requestedAt.nanos();
        this.hold = grant == null ? null : new RunHold(this, grant, requestedAt);
    }

    /** A run that takes place although it would have been refused. */
    static GuardedRun observed(RunTerms terms, Refusal wouldBe, NanoTime requestedAt) {
        return new GuardedRun(terms.although(wouldBe), null, requestedAt);
    }

    /** Neither of them is handed out. The few runs that hold nothing may share one. */
    @Override
    Object lock() {
        return hold == null ? rules : hold;
    }

    /** Whether nothing is refused to it, and nobody interrupts it. */
    boolean isObserved() {
        return options().observe();
    }

    /**
     * Returns the job's name.
     *
     * @return the name for display
     */
    public String job() {
        return request.job();
    }

    /**
     * Returns what this run is.
     *
     * @return the keys
     */
    public JobIdentity identity() {
        return request.identity();
    }

    /**
     * Returns the options this run is guarded with.
     *
     * @return the options
     */
    public RunOptions options() {
        return rules.options();
    }

    /**
     * Tells whether there is a lease at all. There is none only if the store could not tell and the run may fail open, or if the
     * guard {@linkplain RunOptions#observe() only observes} and would have refused it.
     *
     * @return whether this run holds, or has held, a lease
     */
    public boolean guarded() {
        return hold != null;
    }

    /**
     * Returns the lease. With a ledger it is the claim there: its token has the last word.
     *
     * @return the lease; empty if the run is not {@link #guarded()}
     */
    public Optional<Lease> lease() {
        return Optional.ofNullable(shown());
    }

    /**
     * Tells the how many-th attempt at its occurrence this run is: more than 1 if an earlier one failed or crashed.
     *
     * @return the attempt, from 1; always 1 without a ledger
     */
    public int attempt() {
        return hold == null ? 1 : hold.attempt();
    }

    /**
     * Returns the fencing token, to be checked by the storage that this run writes to.
     *
     * @return the token
     * @throws IllegalStateException if the run is not {@link #guarded()}
     */
    public FencingToken fencingToken() {
        if (hold == null) {
            throw new IllegalStateException("the run of '" + job()
                    + "' was let through without a lease ("
                    + (rules.wouldBe() == null
                            ? "fail open"
                            : "the guard only observes, and would have refused it: " + rules.wouldBe())
                    + "), so it has no fencing token; ask guarded() first");
        }
        return hold.shown().token();
    }

    /**
     * Tells whether the lease can be proven at this instant.
     *
     * @return true if nobody else can hold the key now; always false for a run that is not {@link #guarded()}
     */
    public boolean isHeld() {
        return hold != null && isActive() && hold.isProvenAt(engine().now());
    }

    /**
     * Checks that the lease can be proven at this instant; call it before each step that must not happen twice. What
     * happens between this check and the step is not covered: only storage that checks {@link #fencingToken()} is. Checks nothing
     * while the guard {@linkplain RunOptions#observe() only observes}, or the run is not {@link #guarded()}.
     *
     * @throws LeaseLostException if the lease is lost
     * @throws IllegalStateException if the run has ended
     */
    public void ensureHeld() {
        if (hold == null || isObserved() || isHeld()) {
            return;
        }
        if (lossReason() == null) {
            if (hasEnded()) {
                throw new IllegalStateException("the run of '" + job() + "' has ended");
            }
            lose(LossReason.NOT_RENEWED, null);
        }
        throw loss();
    }

    /**
     * Makes sure that the work of this run counts, for code that ends it by itself: {@link JobGuard#execute} does so.
     *
     * @param outcome how it ended, as {@link #complete()} or {@link #completeAsync()} answered
     * @throws LeaseLostException if the lease was lost before
     * @throws IllegalStateException if {@link #completeIn} was called in a transaction that did not commit
     */
    public void requireEnd(RunOutcome outcome) {
        if (outcome == RunOutcome.LOST) {
            throw loss();
        }
        if (outcome == RunOutcome.FAILED && completedIn()) {
            throw new IllegalStateException(
                    this + " completed in a transaction that did not commit, so it has not completed");
        }
    }

    /** The loss as an exception; only for a run that has a lease. */
    LeaseLostException loss() {
        Lease lease = shown();
        if (lease == null) {
            throw new IllegalStateException("a run without a lease cannot lose it");
        }
        LossReason reason = lossReason();
        return new LeaseLostException(lease, reason == null ? LossReason.GONE : reason, wasEntered());
    }

    /**
     * Returns why the lease was lost. A run is not notified while the guard {@linkplain RunOptions#observe() only observes};
     * {@link #isHeld()} and listeners are.
     *
     * @return the reason; empty while it is not lost
     */
    public Optional<LossReason> lost() {
        return isObserved() ? Optional.empty() : Optional.ofNullable(lossReason());
    }

    /**
     * Calls back once if the lease is lost; at once if it is lost already. The callback runs on a thread
     * of a pool; it may block, but where very many do, others wait for them. Never calls while the guard
     * {@linkplain RunOptions#observe() only observes}.
     *
     * @param callback what to do
     */
    public void onLeaseLost(Consumer<LeaseLostException> callback) {
        if (isObserved()) {
            return;
        }
        if (!onLost(callback) && hold != null) {
            LeaseLostException loss = loss();
            engine().notifier().call(() -> callback.accept(loss));
        }
    }

    /** The stretch of code that executes a run on one thread. */
    public interface Scope extends AutoCloseable {
        /**
         * Leaves the run: the thread works on what it worked on before, and is no longer interrupted on its behalf. An interrupt that is
         * being sent at this moment is waited for.
         */
        @Override
        void close();
    }

    /**
     * Starts to work on this run on the calling thread: {@link CurrentRun} answers with it, its lease is renewed until the
     * run ends, and if it is lost the thread is interrupted (unless {@link RunOptions#onLeaseLost()} says otherwise). A run
     * that was left and has not ended may be entered again.
     *
     * @return to be closed on the same thread when the work is over; that also clears an interrupt that the guard sent
     * @throws LeaseLostException if the lease has lapsed since the run was admitted, or, with {@link io.hapax.ledger.AfterCrash#ABANDON}, the
     *     ledger did not confirm that the run starts; then it has not started, and the occurrence is free
     * @throws IllegalStateException if a thread is running on the run, or it has ended
     */
    public Scope enter() {
        return enter(options().onLeaseLost());
    }

    /**
     * Starts to work on this run, with another way of being notified of a loss.
     *
     * @param onLeaseLost how the thread is notified
     * @return as {@link #enter()}
     * @throws LeaseLostException as {@link #enter()}
     * @throws IllegalStateException as {@link #enter()}
     */
    public Scope enter(OnLeaseLost onLeaseLost) {
        boolean begins = !wasEntered();
        if (hold != null && begins) {
            hold.begin();
        }
        EnteredRun entered = new EnteredRun(this, onLeaseLost == OnLeaseLost.INTERRUPT && !isObserved());
        if (!begin(entered, isObserved())) {
            throw lossReason() != null && hold != null && !isObserved()
                    ? loss()
                    : new IllegalStateException("the run of '" + job() + "' is running already or has ended");
        }
        try {
            if (hold != null && begins) {
                hold.entered();
            }
            entered.bind();
            ensureHeld();
            return entered;
        } catch (Throwable notEntered) {
            if (begins) {
                notBegun();
            }
            entered.close();
            throw notEntered;
        }
    }

    /**
     * Takes part in this run on the calling thread, as code does that goes from thread to thread, or that works for the run beside
     * the thread that has {@linkplain #enter() entered} it: {@link CurrentRun} answers with it, and log lines name it. The thread
     * is not interrupted when the lease is lost, and the run may have ended: {@link #ensureHeld()} tells.
     *
     * @return to be closed on the same thread when that part is over
     */
    public Scope takePart() {
        GuardedRun outer = CurrentRun.swap(this);
        LogContext shown = LogContext.of(this, outer);
        return () -> {
            CurrentRun.swap(outer);
            shown.close(outer);
        };
    }

    /**
     * Tells whether code of this run that calls something under these keys goes on under this run: it holds them, so asking again
     * would refuse that call. For interceptors of frameworks. A run that has ended holds nothing any more, even if code that has
     * outlived it still {@linkplain #takePart() takes part} in it; one that is lost counts until it ends.
     *
     * @param wanted as the guard {@linkplain JobGuard#kept keeps} them
     * @return whether the call is a part of this run
     * @throws IllegalStateException if this run holds the lock key, but not the run key, which it therefore could not note as done
     */
    public boolean covers(JobIdentity wanted) {
        if (isOver()) {
            return false;
        }
        JobIdentity held = identity();
        if (wanted.lockKey() == null) {
            return wanted.runKey() != null && wanted.runKey().equals(held.runKey());
        }
        boolean same = wanted.lockKey().equals(held.lockKey());
        if (same && wanted.runKey() != null && !wanted.runKey().equals(held.runKey())) {
            throw new IllegalStateException("a run of " + held + " calls a method that is guarded as " + wanted
                    + ": it holds that lock key already, so the inner run key could not be noted as done. Call the method"
                    + " outside of the run, or give it another lock key");
        }
        return same;
    }

    /**
     * Completes the occurrence in a transaction of the caller, who then commits: the writes of that transaction and the
     * completion take effect together, or, if the run has lost its occurrence, not at all. Call it as the last statement
     * before the commit; what is written in other transactions is not covered. {@link #complete()} afterwards finds out
     * whether the transaction has committed. While the guard {@linkplain RunOptions#observe() only observes}, nothing is written in
     * the transaction, and {@link #complete()} completes the run afterwards.
     *
     * @param connection to the ledger's database, with auto-commit off
     * @throws LeaseLostException if the run has lost its lease or its occurrence; roll back
     * @throws SQLException if the database refuses for another reason; roll back
     * @throws IllegalStateException if there is no ledger, the run has no claim there, or the run has ended
     */
    public void completeIn(Connection connection) throws SQLException {
        if (isObserved() && engine().ledger() != null) {
            return;
        }
        if (hold == null) {
            throw RunHold.cannotComplete(this, engine().ledger());
        }
        hold.completeIn(connection);
    }

    /**
     * Ends the run successfully: the occurrence is noted as done in the ledger, if there is one, and then in the store,
     * where the lease is given back; one round trip each. Blocks for at most their answer timeouts; if they do not answer,
     * the guard goes on trying until the lease has surely run out.
     *
     * @return how it ended; {@link RunOutcome#LOST} if the lease was lost, in which case nothing was noted;
     *     {@link RunOutcome#FAILED} if the transaction that {@link #completeIn} took part in did not commit. While the guard
     *     {@linkplain RunOptions#observe() only observes}, {@link RunOutcome#UNCONFIRMED} instead of these two
     */
    public RunOutcome complete() {
        return shown(endNow(terms().completion(), RunOutcome.COMPLETED), RunOutcome.UNCONFIRMED);
    }

    /**
     * Does what {@link #complete()} does, without blocking. Code that follows may block, as it does after {@link JobGuard#admitAsync}.
     *
     * @return how it ended; never fails
     */
    public CompletableFuture<RunOutcome> completeAsync() {
        CallersEvents events = CallersEvents.awaited(engine().notifier());
        CompletableFuture<RunOutcome> ended;
        try {
            ended = end(terms().completion(), RunOutcome.COMPLETED, engine().store(), events);
        } catch (Throwable failure) {
            events.deliver();
            throw failure;
        }
        ended = engine().delivery().of(ended, events);
        return isObserved() ? ended.thenApply(outcome -> shown(outcome, RunOutcome.UNCONFIRMED)) : ended;
    }

    /**
     * Ends the run because its code failed: the lease is given back, and the occurrence may run again, unless the request
     * says that it {@linkplain RunRequest#endsWithFailure() ends with a failure}.
     *
     * @param cause what went wrong
     * @return how it ended
     */
    public RunOutcome fail(Throwable cause) {
        return shown(endNow(terms().failure(), RunOutcome.FAILED), RunOutcome.FAILED);
    }

    /**
     * Ends the run because its code failed and is to be tried again: the lease is given back, and the occurrence may run
     * again, whatever the request says.
     *
     * @param cause what went wrong
     * @return how it ended
     */
    public RunOutcome failForNow(Throwable cause) {
        return shown(endNow(Ending.NOT_DONE, RunOutcome.FAILED), RunOutcome.FAILED);
    }

    /** Ends the run if it has not ended: the lease is given back, and the occurrence may run again. */
    @Override
    public void close() {
        var unused = endNow(Ending.NOT_DONE, RunOutcome.RELEASED);
    }

    /** Ends it, and waits for that; listeners are notified on the calling thread. */
    private RunOutcome endNow(Ending said, RunOutcome asSaid) {
        CallersEvents events = CallersEvents.awaited(engine().notifier());
        try {
            return end(said, asSaid, engine().store().blocking(), events).join();
        } finally {
            events.deliver();
        }
    }

    /** The answer to its caller: nobody is to refuse the result of a run that is only observed. Listeners are notified of how it was. */
    private RunOutcome shown(RunOutcome outcome, RunOutcome instead) {
        boolean refuses = outcome == RunOutcome.LOST || outcome == RunOutcome.FAILED;
        return refuses && isObserved() ? instead : outcome;
    }

    /** Counts from now on, for one ttl: a guard that is closed meanwhile stays open for it. */
    void admitted() {
        if (hold != null) {
            hold.admitted();
        }
    }

    /** Gives back what was not entered; returns false if it was, or has ended. */
    boolean lapse(LossReason reason) {
        if (isObserved()) {
            return letGo(reason);
        }
        boolean lapsed = markLapsed(reason);
        if (lapsed) {
            giveBack();
        }
        return lapsed;
    }

    /** Loses what an observed run holds that was not entered; it may be entered all the same. */
    private boolean letGo(LossReason reason) {
        RunHold held = hold;
        if (held == null || wasEntered() || hasEnded()) {
            return false;
        }
        lose(reason, null);
        held.stopRenewing();
        return true;
    }

    /** Does what {@link #close()} does, without blocking: for the threads of a store. */
    void giveBack() {
        CallersEvents events = CallersEvents.ofNobody(engine().notifier());
        var unused = end(Ending.NOT_DONE, RunOutcome.RELEASED, engine().store(), events);
    }

    private CompletableFuture<RunOutcome> end(Ending said, RunOutcome asSaid, LeaseStore first, CallersEvents events) {
        RunOutcome success = decided(asSaid);
        Ending how = success == asSaid ? said : terms().ending(success);
        boolean completes = success == RunOutcome.COMPLETED;
        RunLife.End end = startEnd(completes, hold == null || isHeld());
        if (!end.isFirst()) {
            return end.result();
        }
        RunOutcome unconfirmed = completes ? RunOutcome.UNCONFIRMED : success;
        if (hold == null) {
            boolean unused = ended();
            try {
                tellIfTwice(events);
            } finally {
                // Later calls wait for it.
                end.result().complete(unconfirmed);
            }
            return end.result();
        }
        try {
            new RunEnding(this, engine(), hold, how, success, events).start(end, first);
        } catch (Throwable failure) {
            // Later calls must not wait for an end that does not come: the lease lapses, and the watchdog forgets the
            // run.
            end.result().complete(unconfirmed);
            throw failure;
        }
        return end.result();
    }

    /** Where another one was in the way, a run that was observed has been one too many. */
    private void tellIfTwice(CallersEvents events) {
        Refusal other = rules.wouldBe();
        if (other == null || !wasEntered()) {
            return;
        }
        switch (other.verdict()) {
            case RUNNING, DONE, ABANDONED, OVERLAP ->
                events.add(new GuardEvent.RanTwice(job(), identity(), other, held()));
            case THROTTLED, PAUSED, QUEUED, UNAVAILABLE -> {
                // Nobody was in its way, or nobody knows.
            }
        }
    }

    /** Takes the run away, once; does nothing for one that is ending or over. */
    void lose(LossReason reason, @Nullable Holder holder) {
        Lease gone = shown();
        if (gone == null) {
            return;
        }
        Runnable tell = () -> tellLater(new GuardEvent.Lost(job(), gone, reason, holder, held()));
        EnteredRun at = markLost(reason, () -> engine().notifier().quietly("telling of a loss", tell));
        if (at != null) {
            interruptElsewhere(at);
        }
        callBack();
    }

    /** The calling thread may be one on which renewals depend, and an interrupt may block. */
    private void interruptElsewhere(EnteredRun at) {
        if (at.thread() != Thread.currentThread()) {
            try {
                if (engine().notifier().interrupt(() -> interrupt(at))) {
                    return;
                }
            } catch (Throwable noMemory) {
                // A thread that works without its lease is worse than one that may block.
            }
        }
        interrupt(at);
    }

    /** Leaves one of its events to the queues of the listeners, behind its start. Never waits. */
    void tellLater(GuardEvent event) {
        if (!keepsBack(event)) {
            engine().notifier().tellLater(event);
        }
    }

    /** Calls back who wants to know of a loss, and has not been called, as there was no memory for it. */
    void callBack() {
        if (owesCalls()) {
            LeaseLostException loss = loss();
            handOver(callback -> engine().notifier().call(() -> callback.accept(loss)));
        }
    }

    Engine engine() {
        return rules.engine();
    }

    /** As it was admitted. Put together anew each time, as what it holds is. */
    RunTerms terms() {
        return new RunTerms(request, rules);
    }

    LeaseTiming timing() {
        return rules.timing();
    }

    /** What operators and storage see of what it holds; null for a run that was let through without a lease. */
    private @Nullable Lease shown() {
        return hold == null ? null : hold.shown();
    }

    /** The instant before its lease was asked for. */
    NanoTime grantedAt() {
        return new NanoTime(grantedNanos);
    }

    /** If the clock cannot be read, for how long that was proven. */
    Duration held() {
        NanoTime until;
        try {
            until = engine().now();
        } catch (Throwable unreadable) {
            until = hold == null ? grantedAt() : hold.provenSince();
        }
        return until.since(grantedAt());
    }

    @Nullable
    RunHold hold() {
        return hold;
    }

    @Override
    public String toString() {
        return "run of '" + job() + "' [" + identity() + "]"
                + (hold != null
                        ? " token " + hold.shown().token()
                        : rules.wouldBe() == null ? " unguarded" : " observed");
    }
}
