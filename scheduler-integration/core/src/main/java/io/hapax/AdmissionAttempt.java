package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.LeaseStore;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Tries to get a lease, and a claim if there is a ledger, again and again if the run may wait, until there is an answer. */
final class AdmissionAttempt {

    static final Duration LONGEST_POLL = Duration.ofSeconds(1);
    private static final Duration SHORTEST_POLL = Duration.ofMillis(20);

    private final Engine engine;
    private final RunTerms terms;
    private final RunOptions options;
    private final LeaseSource source;
    private final @Nullable GuardedRun waiter;
    private final NanoTime startedAt;
    private final CompletableFuture<Admission> answer = new CompletableFuture<>();
    /** Delivered before the caller gets the answer. */
    private final CallersEvents events;
    /** Waits for the answer, and asks itself when it is this attempt's turn; null if no thread does so. */
    private @Nullable Thread caller;

    /** Whether a thread waits for the answer, so that no code of the caller follows it on another one. */
    private boolean isAwaited;

    private volatile boolean isCallersTurn;
    private volatile @Nullable AdmissionTry current;
    private volatile boolean withdrawn;
    private volatile @Nullable CompletableFuture<Void> pause;
    /** With whom it waited last; null if it has not, or waits by itself. */
    private volatile Polls.@Nullable What line;

    private volatile String reason = "";

    /**
     * @param waiter the innermost run of the thread that will wait for the answer; null if none waits, or it has no run
     */
    AdmissionAttempt(Engine engine, RunTerms terms, @Nullable GuardedRun waiter) {
        this.engine = engine;
        this.terms = terms;
        this.options = terms.options();
        this.waiter = waiter;
        this.source = options.concurrency() > 1 || options.throttle().isLimited()
                ? new RationedSource(engine, terms)
                : new LeaseSource.Plain(engine.store(), terms.identity());
        this.startedAt = engine.now();
        this.events = CallersEvents.awaited(engine.notifier());
    }

    /** Starts; the answer is for a caller that does not wait, and events are delivered before it. */
    CompletableFuture<Admission> start() {
        return engine.delivery().of(start(engine.store()), events);
    }

    /** @param first the store to be asked first: one that blocks, if the calling thread will wait for the answer */
    private CompletableFuture<Admission> start(LeaseStore first) {
        if (engine.admissions().isClosed()) {
            refuse(Refusals.closed(terms.timing().renewEvery()));
        } else {
            ask(first);
        }
        return answer;
    }

    /** Starts, and waits for the answer whatever happens. */
    Admission startAndJoin(LeaseStore first) {
        isAwaited = true;
        try {
            return start(first).join();
        } finally {
            events.deliver();
        }
    }

    /**
     * Starts, and waits for the answer. If the store works on its caller's thread, the caller asks again itself: it has to be woken up in
     * any case, and no other thread has to be woken up for that. A caller that gets an exception other than
     * {@link ExecutionException} withdraws the attempt.
     *
     * @param first the store to be asked, which may block
     * @throws ExecutionException if there is no answer
     */
    Admission startAndWait(LeaseStore first) throws InterruptedException, ExecutionException {
        try {
            return startAndGet(first);
        } finally {
            events.deliver();
        }
    }

    private Admission startAndGet(LeaseStore first) throws InterruptedException, ExecutionException {
        isAwaited = true;
        Thread self = Thread.currentThread();
        caller = first != engine.store() && source instanceof LeaseSource.Plain ? self : null;
        var unused = start(first);
        if (caller != null && !answer.isDone()) {
            var ignored = answer.whenComplete((admission, failure) -> LockSupport.unpark(self));
            waitForAnswer(first, self);
        }
        return answer.get();
    }

    private void waitForAnswer(LeaseStore first, Thread self) throws InterruptedException {
        ForkJoinPool.ManagedBlocker untilNext = new ForkJoinPool.ManagedBlocker() {
            @Override
            public boolean block() {
                LockSupport.park(AdmissionAttempt.this);
                return isReleasable();
            }

            @Override
            public boolean isReleasable() {
                return answer.isDone() || isCallersTurn || self.isInterrupted();
            }
        };
        while (!answer.isDone()) {
            // As CompletableFuture does it: a pool whose threads wait for each other gets another one.
            ForkJoinPool.managedBlock(untilNext);
            if (!answer.isDone() && Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (isCallersTurn && !answer.isDone()) {
                isCallersTurn = false;
                askOnCaller(first);
            }
        }
    }

    private void askOnCaller(LeaseStore first) {
        try {
            if (engine.admissions().isClosed()) {
                // Since it was woken up: the store may be closed as well.
                giveBackWhatIsTried();
                refused(Refusals.closed(terms.timing().renewEvery()));
            } else {
                ask(first);
            }
        } catch (Throwable failure) {
            brokenOff(failure);
        }
    }

    private void brokenOff(Throwable failure) {
        try {
            fail(failure);
        } finally {
            giveBackWhatIsTried();
        }
    }

    /** No more than one wait ends at a time. */
    private void askAgain() {
        Thread waits = caller;
        if (waits == null) {
            ask(engine.store());
            return;
        }
        isCallersTurn = true;
        LockSupport.unpark(waits);
        if (withdrawn || answer.isDone()) {
            // The caller may have left before.
            leaveToOthers();
        }
    }

    private void ask(LeaseStore store) {
        AdmissionTry next = new AdmissionTry(this, engine, terms, source);
        current = next;
        next.ask(store);
    }

    /** Nobody waits for the answer any more. */
    void cancel() {
        boolean unused = answer.cancel(false);
        withdraw();
    }

    /** Gives up waiting; a lease that is granted all the same is given back. */
    void withdraw() {
        withdrawn = true;
        engine.admissions().waitsNoMore(this);
        CompletableFuture<Void> waiting = pause;
        if (waiting == null || !Polls.end(waiting)) {
            // It asks, perhaps for others as well.
            leaveToOthers();
        }
        if (answer.isDone() && !answer.isCompletedExceptionally()) {
            if (answer.join() instanceof Admission.Admitted admitted) {
                admitted.run().giveBack();
            }
        } else {
            giveBackWhatIsTried();
        }
    }

    private void giveBackWhatIsTried() {
        AdmissionTry last = current;
        if (last != null) {
            last.giveBack();
        }
    }

    /** Calls a port; an answer that cannot be digested ends the attempt instead of leaving the caller waiting. */
    <T> void calling(
            Supplier<? extends CompletionStage<? extends T>> call, BiConsumer<@Nullable T, @Nullable Throwable> then) {
        CompletionStage<? extends T> stage;
        try {
            stage = call.get();
        } catch (IllegalArgumentException callersMistake) {
            fail(callersMistake);
            return;
        } catch (Throwable e) {
            stage = CompletableFuture.failedFuture(e);
        }
        var unused = stage.whenComplete((value, failure) -> {
            try {
                then.accept(value, failure);
            } catch (Throwable bug) {
                brokenOff(bug);
            }
        });
    }

    void fail(Throwable failure) {
        try {
            leaveToOthers();
        } finally {
            answer.completeExceptionally(failure);
        }
    }

    void admit(Grant grant, NanoTime since) {
        if (options.concurrency() > 1) {
            // Several slots may have become free without a message; the first who is refused ends this.
            leaveToOthers();
        }
        GuardedRun run = new GuardedRun(terms.grantedAfter(since.since(startedAt)), grant, since);
        if (options.onConflict().isAboutOthers()) {
            engine.notifier().quietly("giving up a place", () -> new ConflictRule(engine, terms).admitted());
        }
        if (withdrawn) {
            giveBackWhatIsTried();
            return;
        }
        run.admitted();
        // Before the answer. The run keeps its other events back until then, so that no listener sees its end before
        // its start.
        events.add(new GuardEvent.Acquired(terms.job(), grant.shown(), waited(), grant.attempt()), run);
        if (!answer.complete(new Admission.Admitted(run)) || withdrawn) {
            run.giveBack();
        }
    }

    boolean mayWait() {
        return !left().isZero();
    }

    /** As soon as the store sees a chance. */
    void tryOrRefuse(Refusal refusal, Duration worthWaiting) {
        tryOrRefuse(refusal, worthWaiting, Acquisition.Held.NOBODY);
    }

    /**
     * Likewise.
     *
     * @param awaited the smallest limit under which somebody waits for the key
     */
    void tryOrRefuse(Refusal refusal, Duration worthWaiting, int awaited) {
        tryOrRefuse(refusal, worthWaiting, awaited, true);
    }

    /** Not as soon as the store sees a chance: what it sees is this attempt, and others like it, giving the lease back. */
    void tryLaterOrRefuse(Refusal refusal, Duration worthWaiting) {
        tryOrRefuse(refusal, worthWaiting, Acquisition.Held.NOBODY, false);
    }

    private void tryOrRefuse(Refusal refusal, Duration worthWaiting, int awaited, boolean hearsOfReleases) {
        if (!hearsOfReleases) {
            // What stands in its way alone says nothing about the others.
            leaveToOthers();
        }
        Duration left = left();
        if (left.isZero() || withdrawn || engine.admissions().isClosed()) {
            String holding = terms.request().holding();
            Refusal known =
                    holding == null || !mayHaveWaited() ? refusal : Refusals.waitedHolding(refusal, options, holding);
            if (withdrawn || !engine.admissions().isClosed()) {
                refused(known);
            } else {
                refusedAtLast(known);
            }
            return;
        }
        GuardedRun own = waiter == null
                ? null
                : EnteredRun.inTheWay(waiter, refusal, terms.identity(), options.concurrency(), awaited);
        if (own != null) {
            refused(Refusals.ownRunInTheWay(refusal, own, options.concurrency(), awaited));
            return;
        }
        reason = refusal.reason();
        engine.admissions().waits(this, answer);
        Duration poll = shorter(LONGEST_POLL, longer(worthWaiting, SHORTEST_POLL));
        // Whose thread holds a slot, or a key of which the holder is not named, finds out only by asking that its own
        // run is in the way.
        boolean seesOwnWay = waiter == null || (options.concurrency() == 1 && refusal.holder() != null);
        boolean takesTurns = hearsOfReleases && seesOwnWay;
        if (!takesTurns) {
            leaveToOthers();
        }
        CompletableFuture<Void> next = hearsOfReleases
                ? source.nextChance(takesTurns ? left : shorter(left, poll)).toCompletableFuture()
                : pause(shorter(left, poll));
        if (next.isDone()) {
            // A store that sees a chance at once, again and again, must not make this spin.
            await(pause(shorter(left, SHORTEST_POLL)), null, poll);
        } else {
            boolean runIsInTheWay = refusal.verdict() == Verdict.RUNNING;
            await(
                    next,
                    takesTurns ? Polls.What.of(terms.identity(), options.concurrency(), runIsInTheWay) : null,
                    poll);
        }
    }

    private CompletableFuture<Void> pause(Duration length) {
        return Pause.of(length, engine.now(), engine.watchdog());
    }

    private void await(CompletableFuture<Void> next, Polls.@Nullable What turns, Duration poll) {
        pause = next;
        line = turns;
        if (turns != null) {
            engine.admissions().polls().join(turns, next, poll, reason, engine.watchdog());
        }
        if (withdrawn) {
            // It may have been so before this could be ended.
            Polls.end(next);
        }
        var unused = next.whenComplete((ignored, cancelled) -> {
            try {
                waited(next, turns, cancelled != null);
            } catch (Throwable failure) {
                // Else nobody would ask again.
                brokenOff(failure);
            }
        });
    }

    private void waited(CompletableFuture<Void> wait, Polls.@Nullable What turns, boolean isCancelled) {
        boolean asks = !withdrawn && !engine.admissions().isClosed();
        boolean callerAsks = asks && caller != null;
        NanoTime asked = null;
        CompletableFuture<Void> alarm;
        try {
            asked = asks ? engine.now() : null;
            if (callerAsks) {
                // First of all: caches have forgotten what the rest needs. It may wait again before that is done.
                askAgain();
            }
        } finally {
            alarm = leave(wait, turns, asked);
        }
        try {
            if (!callerAsks) {
                waited(asks, isCancelled);
            }
        } finally {
            cancel(alarm);
        }
    }

    private @Nullable CompletableFuture<Void> leave(
            CompletableFuture<Void> wait, Polls.@Nullable What turns, @Nullable NanoTime asks) {
        return turns == null ? null : engine.admissions().polls().leave(turns, wait, asks);
    }

    /** At last. If it fails, the alarm rings in vain, and the answer counts. */
    private void cancel(@Nullable CompletableFuture<Void> alarm) {
        if (alarm != null) {
            engine.notifier().quietly("cancelling an alarm", () -> alarm.cancel(false));
        }
    }

    private void waited(boolean asks, boolean isCancelled) {
        if (asks) {
            askAgain();
            return;
        }
        if (withdrawn || !isCancelled) {
            // It may have been woken up, and leaves that to others.
            giveBackWhatIsTried();
        }
        if (withdrawn) {
            // So may its turn have come.
            leaveToOthers();
            engine.admissions().waitsNoMore(this);
        } else {
            refusedAtLast(Refusals.closed(terms.timing().renewEvery()));
        }
    }

    /** When the guard is closed. Code of many callers may follow, and block: the threads on which waits and questions end are needed for deadlines. */
    private void refusedAtLast(Refusal refusal) {
        if (isAwaited) {
            refused(refusal);
            return;
        }
        engine.watchdog().atLast(() -> {
            try {
                refused(refusal);
            } catch (Throwable failure) {
                brokenOff(failure);
            }
        });
    }

    /** The answer to this attempt says nothing to those who wait with it. */
    private void leaveToOthers() {
        Polls.What turns = line;
        if (turns != null) {
            engine.admissions().polls().passOn(turns, engine.watchdog());
        }
    }

    void refuse(Refusal refusal) {
        leaveToOthers();
        refused(refusal);
    }

    private void refused(Refusal refusal) {
        if (observes()) {
            observe(refusal);
            return;
        }
        boolean open = refusal.verdict() == Verdict.UNAVAILABLE
                && options.whenUnavailable() == WhenUnavailable.FAIL_OPEN
                && !engine.admissions().isClosed();
        if (open) {
            unguarded(refusal);
            answer.complete(new Admission.Admitted(new GuardedRun(terms, null, startedAt)));
        } else {
            conclude(refusal);
        }
    }

    /** The run takes place although it could not be guarded, or not in full. */
    void unguarded(Refusal refusal) {
        events.add(new GuardEvent.Unguarded(terms.job(), terms.identity(), refusal));
    }

    /** Whether the run takes place whatever the answer is. */
    boolean observes() {
        return options.observe();
    }

    /** The run holds nothing; the event at its end distinguishes it from a run that fails open. */
    private void observe(Refusal refusal) {
        events.add(new GuardEvent.WouldRefuse(
                terms.job(), terms.identity(), refusal, terms.request().isPlanned()));
        answer.complete(new Admission.Admitted(GuardedRun.observed(terms, refusal, startedAt)));
    }

    /** What a refusal leads to may need another question to the store. */
    private void conclude(Refusal refusal) {
        ConflictRule rule = new ConflictRule(engine, terms);
        if (rule.needsQuestion(refusal)) {
            calling(
                    () -> rule.ask(refusal),
                    (then, failure) -> refusedThen(refusal, then == null ? rule.decide(refusal) : then));
        } else {
            refusedThen(refusal, rule.decide(refusal));
        }
    }

    private void refusedThen(Refusal refusal, AfterRefusal then) {
        events.add(new GuardEvent.Refused(
                terms.job(),
                terms.identity(),
                refusal,
                waited(),
                terms.request().isPlanned(),
                then == AfterRefusal.TRY_AGAIN || then == AfterRefusal.WAIT));
        answer.complete(new Admission.Refused(refusal, then));
    }

    private boolean mayHaveWaited() {
        // Waiting would change when an observed application works.
        return options.onConflict() == OnConflict.WAIT && terms.request().mayWait() && !observes();
    }

    private Duration left() {
        if (!mayHaveWaited()) {
            return Duration.ZERO;
        }
        Duration left = options.waitTimeout().minus(waited());
        return left.isNegative() ? Duration.ZERO : left;
    }

    WaitingRun shown() {
        Polls.What turns = line;
        String heard = turns == null ? null : engine.admissions().polls().reason(turns);
        return new WaitingRun(terms.job(), terms.identity(), waited(), heard == null ? reason : heard);
    }

    private Duration waited() {
        return engine.now().since(startedAt);
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    private static Duration longer(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? b : a;
    }
}
