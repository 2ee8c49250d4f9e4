package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.Slot;
import io.hapax.ledger.AfterCrash;
import io.hapax.ledger.Completion;
import io.hapax.ledger.RunLedger;
import io.hapax.time.NanoTime;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a run holds, and since when that can be proven. The run is lost with the first thing that cannot be proven any more; only
 * where the ledger's word alone may keep it going, either of lease and claim is enough.
 *
 * <p>It keeps the first of these things itself, and for most there is no other: many thousands may be held, and each object fewer is one
 * that a renewal need not read.
 */
final class RunHold extends LeaseKeeper {

    private final GuardedRun run;
    /** Null for most. */
    private final @Nullable Beside beside;
    /** Whether the options of its run have a say in each renewal: they are far from what a renewal needs otherwise. */
    private final boolean bounded;
    /** When it has been held for long enough, if that is not what its options say. */
    private volatile @Nullable NanoTime heldUntil;

    RunHold(GuardedRun run, Grant grant, NanoTime requestedAt) {
        super(grant.first(), requestedAt);
        this.run = run;
        this.bounded = isBounded(run.options());
        this.beside = grant.isPlain() ? null : new Beside(this, grant, requestedAt);
    }

    /** Whether it may be held for too long, or has to give way to others. */
    private static boolean isBounded(RunOptions options) {
        return !options.maxHold().isZero() || options.onConflict() == OnConflict.CANCEL_OTHER;
    }

    /** What is held beside the first thing, and how it was given. */
    private static final class Beside {
        private static final int BACK = 1;
        private static final AtomicIntegerFieldUpdater<Beside> SLOT =
                AtomicIntegerFieldUpdater.newUpdater(Beside.class, "slotIsBack");

        /** The first thing itself, if the store gave none. */
        private final @Nullable LeaseKeeper claim;

        private final @Nullable LeaseKeeper slot;
        private final Runnable unused;
        private final int attempt;
        private volatile int slotIsBack;

        Beside(RunHold first, Grant grant, NanoTime since) {
            this.claim = grant.lease() == null ? first : further(first, grant.claim(), since);
            this.slot = further(first, grant.slot(), since);
            this.unused = grant.unused();
            this.attempt = grant.attempt();
        }

        private static @Nullable LeaseKeeper further(RunHold first, @Nullable Lease held, NanoTime since) {
            return held == null ? null : new Further(first, held, since);
        }

        /** The slot, unless it is back or somebody is giving it back. */
        @Nullable
        Lease heldSlot() {
            return slotIsBack == BACK ? null : kept(slot);
        }

        /** Likewise, for the one caller who is to give it back. */
        @Nullable
        Lease takeSlot() {
            return slot != null && SLOT.compareAndSet(this, 0, BACK) ? slot.lease() : null;
        }

        void slotIsBack() {
            slotIsBack = BACK;
        }
    }

    private Engine engine() {
        return run.engine();
    }

    private RunTerms terms() {
        return run.terms();
    }

    private @Nullable LeaseKeeper claim() {
        return beside == null ? null : beside.claim;
    }

    private @Nullable LeaseKeeper slot() {
        return beside == null ? null : beside.slot;
    }

    /** All that it keeps, the first one first. */
    private List<LeaseKeeper> all() {
        return beside == null ? List.of(this) : several();
    }

    private List<LeaseKeeper> several() {
        return Stream.of(this, claim(), slot())
                .filter(Objects::nonNull)
                .distinct()
                .toList();
    }

    @Override
    RunHold hold() {
        return this;
    }

    @Override
    GuardedRun run() {
        return run;
    }

    /** As it was given. Put together anew each time, as it is asked for seldom, and held by many. */
    Grant grant() {
        Lease first = isLease(this) ? lease() : null;
        return beside == null
                ? new Grant(first, null, null, 1, LeaseSource.NOTHING)
                : new Grant(first, kept(beside.claim), kept(beside.slot), beside.attempt, beside.unused);
    }

    private static @Nullable Lease kept(@Nullable LeaseKeeper keeper) {
        return keeper == null ? null : keeper.lease();
    }

    /** What operators and storage see of it. */
    Lease shown() {
        LeaseKeeper claim = claim();
        return claim == null ? lease() : claim.lease();
    }

    int attempt() {
        return beside == null ? 1 : beside.attempt;
    }

    LeaseTiming timing() {
        return run.timing();
    }

    Duration answerTimeout() {
        return engine().answerTimeout();
    }

    boolean trustsLedger() {
        LeaseKeeper claim = claim();
        return claim != null && (claim == this || run.options().whenUnavailable() != WhenUnavailable.FAIL_CLOSED);
    }

    boolean isClaim(LeaseKeeper keeper) {
        return keeper == claim();
    }

    boolean isLease(LeaseKeeper keeper) {
        return keeper == this && !isClaim(keeper);
    }

    /** The run as a whole is counted by its first thing. */
    boolean isFirst(LeaseKeeper keeper) {
        return keeper == this;
    }

    boolean isOwnedBy(OwnerId owner) {
        return all().stream().anyMatch(keeper -> keeper.keeps(owner));
    }

    /** What of its lock key it holds. */
    Slot slotOf(LockKey key) {
        return all().stream()
                .map(keeper -> keeper.lease().identity())
                .filter(identity -> key.equals(identity.lockKey()) && identity.slot() != null)
                .map(JobIdentity::slot)
                .findFirst()
                .orElse(Slot.WHOLE);
    }

    /** What the list of active runs shows. */
    ActiveRun shown(NanoTime now) {
        Lease shown = shown();
        Thread worker = run.thread();
        Duration left = timing().revokeAt(provenSince()).since(now);
        boolean over = run.lossReason() != null || left.isNegative();
        return new ActiveRun(
                run.job(),
                shown.identity(),
                shown.owner(),
                shown.token(),
                attempt(),
                shown.since(),
                worker == null ? "" : worker.getName(),
                timing().ttl(),
                over ? Duration.ZERO : left);
    }

    /** The instant of the last request that proves everything that the run needs. */
    NanoTime provenSince() {
        if (beside == null) {
            return since();
        }
        LeaseKeeper claim = claim();
        NanoTime proven = since();
        if (claim != null && claim != this && trustsLedger()) {
            proven = later(proven, claim.since());
        }
        LeaseKeeper slot = slot();
        return slot != null && slot.since().isBefore(proven) ? slot.since() : proven;
    }

    /** From when on nothing of it can be alive any more at store or ledger. */
    NanoTime surelyOverAt() {
        NanoTime latest = run.grantedAt();
        for (LeaseKeeper keeper : all()) {
            latest = later(latest, keeper.since());
        }
        return latest.plus(timing().ttl()).plus(timing().ttl());
    }

    private static NanoTime later(NanoTime a, NanoTime b) {
        return a.isBefore(b) ? b : a;
    }

    boolean isProvenAt(NanoTime now) {
        return now.isBefore(timing().validUntil(provenSince()));
    }

    Duration marginAt(NanoTime now) {
        return timing().validUntil(provenSince()).since(now);
    }

    /** Schedules a check at the end of the validity, and not before: a run that does not start is not renewed. */
    void admitted() {
        engine().watchdog().add(this, timing().revokeAt(provenSince()));
        dropIfOver();
    }

    /**
     * With ABANDON the ledger must have confirmed that the run starts, because only started runs are left for an operator to decide. If it
     * does not confirm, the run does not start, and is given back; a run that has ended is refused by the caller.
     */
    void begin() {
        RunLedger ledger = engine().ledger();
        Lease claimed = kept(claim());
        boolean told = run.options().afterCrash() == AfterCrash.ABANDON;
        if (ledger == null || claimed == null || !told || !run.isActive()) {
            return;
        }
        try {
            if (ledger.begin(claimed).toCompletableFuture().join() == Completion.SUPERSEDED) {
                run.lose(LossReason.SUPERSEDED, null);
            }
        } catch (RuntimeException unheard) {
            if (run.lapse(LossReason.NOT_BEGUN) && !run.isObserved()) {
                LeaseLostException notBegun = run.loss();
                notBegun.initCause(unheard);
                throw notBegun;
            }
        }
    }

    /** As {@link GuardedRun#completeIn}. */
    void completeIn(Connection connection) throws SQLException {
        RunLedger ledger = engine().ledger();
        Lease claimed = kept(claim());
        if (ledger == null || claimed == null) {
            throw cannotComplete(run, ledger);
        }
        run.ensureHeld();
        run.completesIn();
        if (ledger.completeIn(connection, claimed) == Completion.SUPERSEDED) {
            run.lose(LossReason.SUPERSEDED, null);
            throw run.loss();
        }
    }

    static IllegalStateException cannotComplete(GuardedRun run, @Nullable RunLedger ledger) {
        return new IllegalStateException(
                ledger == null
                        ? "completeIn needs a ledger: give the guard one with JobGuard.builder(store).ledger(...), in Spring Boot by"
                                + " hapax.ledger.enabled=true"
                        : run + " has no claim in the ledger (fail open), so it cannot complete in a transaction");
    }

    /** How to end the lease if it turns out that the run has failed. */
    Ending failure() {
        return terms().failure();
    }

    /** Renews from now on. */
    void entered() {
        for (LeaseKeeper keeper : all()) {
            engine().watchdog()
                    .add(
                            keeper,
                            notAfterRevocation(engine().watchdog().firstLook(keeper.since(), timing().renewEvery())));
        }
        dropIfOver();
    }

    private void dropIfOver() {
        if (run.hasEnded()) {
            drop();
        }
    }

    void stopRenewing() {
        all().forEach(engine().watchdog()::remove);
    }

    /**
     * Stops renewing, and frees the slot; if the store does not learn of that, it is free after its ttl. The watchdog goes on looking after a run
     * of whose loss somebody is yet to be notified.
     */
    void drop() {
        if (!run.owesCalls()) {
            stopRenewing();
        }
        Lease slot = beside == null ? null : beside.takeSlot();
        if (slot != null) {
            var unused = engine().store().release(slot, Ending.NOT_DONE).exceptionally(unreachable -> false);
        }
    }

    /** Frees the slot, if there is one, with the end of the occurrence. */
    CompletionStage<Boolean> endSlot(Ending ending) {
        Beside more = beside;
        Lease slot = more == null ? null : more.heldSlot();
        if (more == null || slot == null) {
            return CompletableFuture.completedFuture(false);
        }
        return engine().store().release(slot, ending).thenApply(freed -> {
            more.slotIsBack();
            return freed;
        });
    }

    /** Stops renewing, and gives nothing back. */
    void letLapse() {
        if (beside != null) {
            beside.slotIsBack();
        }
        drop();
    }

    /** Whether the run has to be notified, as what proves its lease will not do so for much longer. */
    boolean isOver(NanoTime now) {
        return !now.isBefore(timing().revokeAt(provenSince()));
    }

    /** What is to be done instead of a renewal; null if the run goes on. */
    Charge.@Nullable Action insteadOfRenewal(LeaseKeeper keeper, NanoTime now) {
        if (run.isAtWork() && !isOver(now) && !isHeldForTooLong(now)) {
            if (bounded && isFirst(keeper)) {
                lookForCancellation();
            }
            return null;
        }
        if (run.isActive()) {
            if (isOver(now)) {
                if (!run.lapse(LossReason.NOT_RENEWED)) {
                    run.lose(LossReason.NOT_RENEWED, null);
                }
            } else if (!run.wasEntered()) {
                // The watchdog also checks what is due soon, and a run that has not started is not renewed.
                return new Charge.Action(false, timing().revokeAt(provenSince()));
            } else if (isHeldForTooLong(now)) {
                run.lose(LossReason.MAX_HOLD, null);
            } else {
                // It started in between.
                return null;
            }
        }
        if (run.isToBeGivenBack()) {
            run.giveBack();
        }
        run.callBack();
        if (run.isOver() && !run.isSettled() && !now.isBefore(surelyOverAt())) {
            expired();
        }
        if (run.isSettled()) {
            return Charge.Action.FORGET;
        }
        // While it is ending nobody may renew: its release is on the way. A lost run stays known until its code has
        // left, so that shutdown waits for it.
        return new Charge.Action(false, now.plus(timing().ttl()));
    }

    /** Its end has failed so that nobody tries it again, and by now all that it held has expired. */
    private void expired() {
        RunOutcome told = run.toldOutcome();
        RunOutcome outcome = told != null ? told : run.lossReason() == null ? RunOutcome.UNCONFIRMED : RunOutcome.LOST;
        boolean completes = outcome == RunOutcome.COMPLETED || outcome == RunOutcome.UNCONFIRMED;
        RunEnding.finish(run, this, outcome, completes, CallersEvents.ofNobody(engine().notifier()));
    }

    /** Asks whether a later run wants this one to give way. */
    private void lookForCancellation() {
        if (run.options().onConflict() != OnConflict.CANCEL_OTHER) {
            return;
        }
        String name = ConflictRule.cancelName(terms().request());
        String owner = lease().owner().value();
        var unused = RationedSource.reservations(engine().store())
                .holders(name)
                .whenComplete((cancelled, unreachable) -> {
                    if (cancelled != null && cancelled.contains(owner)) {
                        run.lose(LossReason.CANCELLED, null);
                    }
                });
    }

    /** A renewal was confirmed when so much of the validity was left. */
    void confirmed(Duration margin) {
        if (margin.compareTo(timing().lateMargin()) < 0) {
            GuardEvent late = new GuardEvent.RenewedLate(run.job(), shown(), margin);
            run.whileActive(() -> run.tellLater(late));
        }
    }

    NanoTime notAfterRevocation(NanoTime wanted) {
        NanoTime revokeAt = timing().revokeAt(provenSince());
        NanoTime first = wanted.isBefore(revokeAt) ? wanted : revokeAt;
        NanoTime maxHoldAt = holdUntil();
        return maxHoldAt == null || first.isBefore(maxHoldAt) ? first : maxHoldAt;
    }

    private boolean isHeldForTooLong(NanoTime now) {
        NanoTime end = holdUntil();
        return end != null && !now.isBefore(end);
    }

    /** When it has been held for long enough; null for never. */
    private @Nullable NanoTime holdUntil() {
        NanoTime replaced = heldUntil;
        if (replaced != null || !bounded) {
            return replaced;
        }
        Duration most = run.options().maxHold();
        return most.isZero() ? null : run.grantedAt().plus(most);
    }

    /** Replaces how long it is held at most; returns false if that is over, or nothing can be proven any more. */
    boolean holdAtMost(Duration time) {
        NanoTime now = engine().now();
        if (isHeldForTooLong(now)) {
            run.lose(LossReason.MAX_HOLD, null);
        }
        if (!run.isHeld()) {
            return false;
        }
        NanoTime end = now.plus(time);
        heldUntil = end;
        all().forEach(keeper -> engine().watchdog().lookNoLaterThan(keeper, end));
        return true;
    }

    /** As {@link RunBounds#keepOthersAway}. A run that tries to start meanwhile asks for the lock key first, which is held. */
    CompletionStage<?> keepOthersAway(Duration time) {
        Reservations places = RationedSource.reservations(engine().store());
        String name = RationedSource.paceName(terms());
        String place = RationedSource.place(engine().worker(), lease().owner());
        CompletionStage<Boolean> freed = places.giveUp(name, place);
        return time.isZero()
                ? freed
                : freed.thenCompose(
                        was -> places.reserve(new ReservationRequest(name, place, Throttle.MOST_RUNS, time)));
    }
}
