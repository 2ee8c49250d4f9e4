package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
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
 */
final class RunHold {

    private static final int BACK = 1;
    /** Many thousands may be held, so that what few need is no object. */
    private static final AtomicIntegerFieldUpdater<RunHold> SLOT =
            AtomicIntegerFieldUpdater.newUpdater(RunHold.class, "slotIsBack");

    private final GuardedRun run;
    private final LeaseTiming timing;
    private final @Nullable LeaseKeeper lease;
    private final @Nullable LeaseKeeper claim;
    private final @Nullable LeaseKeeper slot;
    private final Runnable unused;
    private final int attempt;
    private volatile int slotIsBack;
    /** When it has been held for long enough, if that is not what its options say. */
    private volatile @Nullable NanoTime heldUntil;

    RunHold(GuardedRun run, LeaseTiming timing, Grant grant, NanoTime requestedAt) {
        this.run = run;
        this.timing = timing;
        this.lease = keeper(grant.lease(), requestedAt);
        this.claim = keeper(grant.claim(), requestedAt);
        this.slot = keeper(grant.slot(), requestedAt);
        this.unused = grant.unused();
        this.attempt = grant.attempt();
    }

    private @Nullable LeaseKeeper keeper(@Nullable Lease held, NanoTime since) {
        return held == null ? null : new LeaseKeeper(this, held, isBounded(terms().options()), since);
    }

    /** Whether it may be held for too long, or has to give way to others. */
    private static boolean isBounded(RunOptions options) {
        return !options.maxHold().isZero() || options.onConflict() == OnConflict.CANCEL_OTHER;
    }

    private Engine engine() {
        return run.engine();
    }

    private RunTerms terms() {
        return run.terms();
    }

    /** The run as a whole is counted by it. */
    private LeaseKeeper first() {
        return lease != null ? lease : Objects.requireNonNull(claim);
    }

    /** All that it keeps, the first one first. */
    private List<LeaseKeeper> all() {
        return claim == null && slot == null ? List.of(first()) : several();
    }

    private List<LeaseKeeper> several() {
        return Stream.of(lease, claim, slot).filter(Objects::nonNull).toList();
    }

    GuardedRun run() {
        return run;
    }

    /** As it was given. Put together anew each time, as it is asked for seldom, and held by many. */
    Grant grant() {
        return new Grant(kept(lease), kept(claim), kept(slot), attempt, unused);
    }

    private static @Nullable Lease kept(@Nullable LeaseKeeper keeper) {
        return keeper == null ? null : keeper.kept();
    }

    LeaseTiming timing() {
        return timing;
    }

    Duration answerTimeout() {
        return engine().answerTimeout();
    }

    boolean trustsLedger() {
        return claim != null && (lease == null || terms().options().whenUnavailable() != WhenUnavailable.FAIL_CLOSED);
    }

    boolean isClaim(LeaseKeeper keeper) {
        return keeper == claim;
    }

    boolean isLease(LeaseKeeper keeper) {
        return keeper == lease;
    }

    /** The run as a whole is counted by its first thing. */
    boolean isFirst(LeaseKeeper keeper) {
        return keeper == first();
    }

    boolean isOwnedBy(OwnerId owner) {
        return all().stream().anyMatch(keeper -> keeper.isOwnedBy(owner));
    }

    /** What of its lock key it holds. */
    Slot slotOf(LockKey key) {
        return all().stream()
                .map(keeper -> keeper.kept().identity())
                .filter(identity -> key.equals(identity.lockKey()) && identity.slot() != null)
                .map(JobIdentity::slot)
                .findFirst()
                .orElse(Slot.WHOLE);
    }

    /** What the list of active runs shows. */
    ActiveRun shown(NanoTime now) {
        Lease shown = grant().shown();
        Thread worker = run.thread();
        Duration left = timing().revokeAt(since()).since(now);
        boolean over = run.life().lossReason() != null || left.isNegative();
        return new ActiveRun(
                terms().job(),
                shown.identity(),
                shown.owner(),
                shown.token(),
                attempt,
                shown.since(),
                worker == null ? "" : worker.getName(),
                timing().ttl(),
                over ? Duration.ZERO : left);
    }

    /** The instant of the last request that proves everything that the run needs. */
    NanoTime since() {
        NanoTime proven = first().since();
        if (lease != null && claim != null && trustsLedger()) {
            proven = later(lease.since(), claim.since());
        }
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
        return now.isBefore(timing().validUntil(since()));
    }

    Duration marginAt(NanoTime now) {
        return timing().validUntil(since()).since(now);
    }

    /** Schedules a check at the end of the validity, and not before: a run that does not start is not renewed. */
    void admitted() {
        engine().watchdog().add(first(), timing().revokeAt(since()));
        dropIfOver();
    }

    /**
     * With ABANDON the ledger must have confirmed that the run starts, because only started runs are left for an operator to decide. If it
     * does not confirm, the run does not start, and is given back; a run that has ended is refused by the caller.
     */
    void begin() {
        RunLedger ledger = engine().ledger();
        Lease claimed = kept(claim);
        boolean told = terms().options().afterCrash() == AfterCrash.ABANDON;
        if (ledger == null || claimed == null || !told || !run.life().isActive()) {
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
        Lease claimed = kept(claim);
        if (ledger == null || claimed == null) {
            throw cannotComplete(run, ledger);
        }
        run.ensureHeld();
        run.life().completesIn();
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
        if (run.life().hasEnded()) {
            drop();
        }
    }

    void stopRenewing() {
        all().forEach(engine().watchdog()::remove);
    }

    /** Stops renewing, and frees the slot; if the store does not learn of that, it is free after its ttl. */
    void drop() {
        stopRenewing();
        Lease kept = kept(slot);
        if (kept != null && SLOT.compareAndSet(this, 0, BACK)) {
            var unused = engine().store().release(kept, Ending.NOT_DONE).exceptionally(unreachable -> false);
        }
    }

    /** Frees the slot, if there is one, with the end of the occurrence. */
    CompletionStage<Boolean> endSlot(Ending ending) {
        Lease kept = kept(slot);
        if (kept == null || slotIsBack == BACK) {
            return CompletableFuture.completedFuture(false);
        }
        return engine().store().release(kept, ending).thenApply(freed -> {
            slotIsBack = BACK;
            return freed;
        });
    }

    /** Stops renewing, and gives nothing back. */
    void letLapse() {
        slotIsBack = BACK;
        drop();
    }

    /** Whether the run has to be notified, as what proves its lease will not do so for much longer. */
    boolean isOver(NanoTime now) {
        return !now.isBefore(timing().revokeAt(since()));
    }

    /** What is to be done instead of a renewal; null if the run goes on. */
    Charge.@Nullable Action insteadOfRenewal(LeaseKeeper keeper, NanoTime now) {
        if (run.life().isAtWork() && !isOver(now) && !isHeldForTooLong(now)) {
            if (keeper.isBounded() && isFirst(keeper)) {
                lookForCancellation();
            }
            return null;
        }
        if (run.life().isActive()) {
            if (isOver(now)) {
                if (run.lapse(LossReason.NOT_RENEWED)) {
                    return Charge.Action.FORGET;
                }
                run.lose(LossReason.NOT_RENEWED, null);
            } else if (!run.life().wasEntered()) {
                // The watchdog also checks what is due soon, and a run that has not started is not renewed.
                return new Charge.Action(false, timing().revokeAt(since()));
            } else if (isHeldForTooLong(now)) {
                run.lose(LossReason.MAX_HOLD, null);
            } else {
                // It started in between.
                return null;
            }
        }
        run.callBack();
        if (run.life().isSettled()) {
            return Charge.Action.FORGET;
        }
        // While it is ending nobody may renew: its release is on the way. A lost run stays known until its code has
        // left, so that shutdown waits for it.
        return new Charge.Action(false, now.plus(timing().ttl()));
    }

    /** Asks whether a later run wants this one to give way. */
    private void lookForCancellation() {
        if (terms().options().onConflict() != OnConflict.CANCEL_OTHER) {
            return;
        }
        String name = ConflictRule.cancelName(terms().request());
        String owner = first().kept().owner().value();
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
            GuardEvent late = new GuardEvent.RenewedLate(terms().job(), grant().shown(), margin);
            run.life().whileActive(() -> engine().notifier().tellLater(late));
        }
    }

    NanoTime notAfterRevocation(NanoTime wanted) {
        NanoTime revokeAt = timing().revokeAt(since());
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
        if (replaced != null || !first().isBounded()) {
            return replaced;
        }
        Duration most = terms().options().maxHold();
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
        String place = RationedSource.place(engine().worker(), first().kept().owner());
        CompletionStage<Boolean> freed = places.giveUp(name, place);
        return time.isZero()
                ? freed
                : freed.thenCompose(
                        was -> places.reserve(new ReservationRequest(name, place, Throttle.MOST_RUNS, time)));
    }
}
