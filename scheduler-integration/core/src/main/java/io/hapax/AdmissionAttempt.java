package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Holder;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.OwnerId;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.RunLedger;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks the store for a lease, and then the ledger for a claim, again and again if the run may wait, until there is an
 * answer.
 *
 * <p>Each try is another owner's: whatever store and ledger carry out late, of a try that was given up, names an owner that
 * holds nothing any more, so it can end no later grant. What they may have granted without the caller hearing of it is withdrawn,
 * or else lapses.
 */
final class AdmissionAttempt {

    private static final Duration LONGEST_POLL = Duration.ofSeconds(1);
    private static final Duration SHORTEST_POLL = Duration.ofMillis(20);

    private final JobGuard guard;
    private final RunRequest request;
    private final RunOptions options;
    private final LeaseTiming timing;
    private final LeaseSource source;
    private final @Nullable GuardedRun waiter;
    private volatile OwnerId owner = OwnerId.random();
    private volatile boolean asked;
    private final NanoTime startedAt;
    private final CompletableFuture<Admission> answer = new CompletableFuture<>();
    private volatile boolean withdrawn;
    private volatile @Nullable CompletionStage<Void> pause;
    private volatile String reason = "";

    /**
     * @param waiter the innermost run of the thread that will wait for the answer; null if none waits, or it has no run
     */
    AdmissionAttempt(
            JobGuard guard, RunRequest request, RunOptions options, LeaseTiming timing, @Nullable GuardedRun waiter) {
        this.waiter = waiter;
        this.guard = guard;
        this.request = request;
        this.options = options;
        this.timing = timing;
        this.source = options.concurrency() > 1 || options.isPaced()
                ? new RationedSource(guard.store(), request, options, guard.worker())
                : new LeaseSource.Plain(guard.store(), request.identity());
        this.startedAt = guard.now();
    }

    /**
     * Starts.
     *
     * @param first the store to be asked first: one that blocks, if the calling thread will wait for the answer
     */
    CompletableFuture<Admission> start(LeaseStore first) {
        if (guard.isClosed()) {
            refuse(new Refusal(Verdict.UNAVAILABLE, null, timing.renewEvery(), "this guard is shut down", null));
        } else {
            ask(first);
        }
        return answer;
    }

    /** Gives up waiting; a lease that is granted all the same is given back. */
    void withdraw() {
        withdrawn = true;
        guard.waitsNoMore(this);
        CompletionStage<Void> waiting = pause;
        if (waiting != null) {
            waiting.toCompletableFuture().cancel(false);
        }
        if (answer.isDone() && !answer.isCompletedExceptionally()) {
            if (answer.join() instanceof Admission.Admitted admitted) {
                admitted.run().giveBack();
            }
        } else {
            giveBack();
        }
    }

    private void ask(LeaseStore store) {
        if (asked) {
            owner = OwnerId.random();
        }
        asked = true;
        NanoTime askedAt = guard.now();
        RunLedger ledger = guard.ledger();
        if (ledger != null && options.whenUnavailable() == WhenUnavailable.LEDGER_ONLY && guard.storeIsAway()) {
            claim(ledger, null, askedAt, null);
            return;
        }
        calling(
                () -> source.acquire(store, leaseRequest()),
                (acquisition, failure) -> answered(acquisition, failure, askedAt));
    }

    private LeaseRequest leaseRequest() {
        return new LeaseRequest(request.identity(), owner, guard.worker(), options.ttl(), !left().isZero());
    }

    private ClaimRequest claimRequest() {
        return new ClaimRequest(
                source.claimed(), owner, guard.worker(), options.ttl(), options.afterCrash(), options.retention());
    }

    /** Tokens have one order: storage may have seen that of the lease, or of one like it without a claim. */
    private ClaimRequest claimRequest(@Nullable Lease lease) {
        return lease == null ? claimRequest() : claimRequest().withSeen(lease.token());
    }

    /** Calls a port; an answer that cannot be digested ends the attempt instead of leaving the caller waiting. */
    private <T> void calling(
            Supplier<? extends CompletionStage<? extends T>> call, BiConsumer<@Nullable T, @Nullable Throwable> then) {
        CompletionStage<? extends T> stage;
        try {
            stage = call.get();
        } catch (IllegalArgumentException callersMistake) {
            answer.completeExceptionally(callersMistake);
            return;
        } catch (Throwable e) {
            stage = CompletableFuture.failedFuture(e);
        }
        var unused = stage.whenComplete((value, failure) -> {
            try {
                then.accept(value, failure);
            } catch (Throwable bug) {
                answer.completeExceptionally(bug);
                giveBack();
            }
        });
    }

    private void answered(@Nullable Acquisition acquisition, @Nullable Throwable failure, NanoTime askedAt) {
        Refusal refusal = source.refusal();
        if (acquisition != null && refusal != null) {
            retryLaterOrRefuse(refusal, refusal.retryAfter());
        } else if (acquisition == null && unwrapped(failure) instanceof IllegalArgumentException callersMistake) {
            giveBack();
            answer.completeExceptionally(callersMistake);
        } else if (acquisition == null) {
            guard.storeFailed();
            withdrawLease();
            storeUnavailable(
                    new Refusal(
                            Verdict.UNAVAILABLE,
                            null,
                            timing.renewEvery(),
                            "the lease store did not answer",
                            unwrapped(failure)),
                    LONGEST_POLL);
        } else if (acquisition instanceof Acquisition.Granted granted) {
            granted(granted.lease(), askedAt);
        } else if (acquisition instanceof Acquisition.Done done) {
            refuse(completed(done.by()));
        } else if (acquisition instanceof Acquisition.Held held) {
            retryOrRefuse(heldBy(held.holder(), held.sameRun(), held.ttlLeft()), held.ttlLeft());
        } else if (acquisition instanceof Acquisition.Quarantined quarantined) {
            storeUnavailable(
                    new Refusal(Verdict.UNAVAILABLE, null, quarantined.left(), quarantined.reason(), null),
                    quarantined.left());
        }
    }

    private static @Nullable Throwable unwrapped(@Nullable Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    private static Refusal heldBy(Holder holder, boolean sameRun, Duration ttlLeft) {
        Verdict verdict = sameRun ? Verdict.RUNNING : Verdict.OVERLAP;
        String what = sameRun ? "this occurrence is run by " : "the key is held by ";
        return new Refusal(verdict, holder, ttlLeft, what + holder, null);
    }

    /** The ledger may know better than a store that is away or has lost its memory. */
    private void storeUnavailable(Refusal refusal, Duration worthWaiting) {
        RunLedger ledger = guard.ledger();
        // The ledger alone cannot tell how many are at work, or have begun.
        if (ledger == null
                || options.whenUnavailable() == WhenUnavailable.FAIL_CLOSED
                || options.needsMoreThanLease()) {
            retryOrRefuse(refusal, worthWaiting);
        } else {
            claim(ledger, null, guard.now(), refusal);
        }
    }

    private void granted(Lease lease, NanoTime askedAt) {
        RunLedger ledger = guard.ledger();
        if (isTooLate(askedAt)) {
            refuseLate();
        } else if (ledger == null) {
            admit(new Grant(lease, null, source.permit(), 1, source::unused), askedAt);
        } else {
            claim(ledger, lease, askedAt, null);
        }
    }

    /** Claims with a lease of the store or, because of its trouble, without one. */
    private void claim(RunLedger ledger, @Nullable Lease lease, NanoTime askedAt, @Nullable Refusal storeTrouble) {
        calling(
                () -> ledger.claim(claimRequest(lease)),
                (claim, failure) -> claimed(ledger, lease, claim, failure, askedAt, storeTrouble));
    }

    private void claimed(
            RunLedger ledger,
            @Nullable Lease lease,
            @Nullable Claim claim,
            @Nullable Throwable failure,
            NanoTime askedAt,
            @Nullable Refusal storeTrouble) {
        if (claim instanceof Claim.Claimed mine) {
            if (isTooLate(askedAt)) {
                refuseLate();
            } else {
                admit(new Grant(lease, mine.lease(), source.permit(), mine.attempt(), source::unused), askedAt);
            }
        } else if (claim instanceof Claim.Done done) {
            afterRelease(lease, () -> refuse(completed(done.by())));
        } else if (claim instanceof Claim.Abandoned abandoned) {
            afterRelease(lease, () -> refuse(abandoned(abandoned.by())));
        } else if (claim instanceof Claim.Held held) {
            Refusal refusal = heldBy(held.holder(), held.sameRun(), held.ttlLeft());
            afterRelease(lease, () -> retryLaterOrRefuse(refusal, held.ttlLeft()));
        } else {
            ledgerUnavailable(ledger, lease, failure, askedAt, storeTrouble);
        }
    }

    private static Refusal completed(Holder by) {
        return new Refusal(Verdict.DONE, by, Duration.ZERO, "completed by " + by, null);
    }

    private static Refusal abandoned(Holder by) {
        return new Refusal(
                Verdict.ABANDONED,
                by,
                Duration.ZERO,
                "the run of " + by + " broke off, and the job says ABANDON: find out what it has done, then resolve the"
                        + " occurrence as done or to be run again",
                null);
    }

    private void ledgerUnavailable(
            RunLedger ledger,
            @Nullable Lease lease,
            @Nullable Throwable failure,
            NanoTime askedAt,
            @Nullable Refusal storeTrouble) {
        CompletionStage<Void> withdrawal = withdrawClaim(ledger);
        if (lease != null && options.whenUnavailable() == WhenUnavailable.FAIL_OPEN && !guard.isClosed()) {
            guard.notifier().tell(new GuardEvent.Unguarded(request.job(), request.identity(), ledgerRefusal(failure)));
            admit(new Grant(lease, null, source.permit(), 1, source::unused), askedAt);
            return;
        }
        Refusal refusal = storeTrouble != null && options.whenUnavailable() == WhenUnavailable.FAIL_OPEN
                ? storeTrouble
                : ledgerRefusal(failure);
        var unused = withdrawal.whenComplete(
                (done, ignored) -> afterRelease(lease, () -> retryLaterOrRefuse(refusal, LONGEST_POLL)));
    }

    private Refusal ledgerRefusal(@Nullable Throwable failure) {
        return new Refusal(
                Verdict.UNAVAILABLE, null, timing.renewEvery(), "the run ledger did not answer", unwrapped(failure));
    }

    /** Goes on when the lease is back: a release that is carried out late would take away a further try's grant. */
    private void afterRelease(@Nullable Lease lease, Runnable then) {
        if (lease == null) {
            then.run();
            return;
        }
        calling(() -> source.release(lease), (released, unreachable) -> then.run());
    }

    private boolean isTooLate(NanoTime askedAt) {
        return !guard.now().isBefore(timing.revokeAt(askedAt));
    }

    private void refuseLate() {
        giveBack();
        refuse(new Refusal(
                Verdict.UNAVAILABLE,
                null,
                Duration.ZERO,
                "the lease store answered so late that the lease is no longer worth anything",
                null));
    }

    private void admit(Grant grant, NanoTime askedAt) {
        GuardedRun run = new GuardedRun(guard, request, options, grant, askedAt);
        if (options.overlap().isTriedAgain()) {
            guard.notifier().quietly("giving up a place", () -> new OverlapRule(guard, request, options).admitted());
        }
        // Told first: nobody must see the end of a run before its beginning.
        if (withdrawn) {
            giveBack();
        } else {
            run.admitted();
            guard.notifier().tell(new GuardEvent.Acquired(request.job(), grant.shown(), waited(), grant.attempt()));
            if (!answer.complete(new Admission.Admitted(run)) || withdrawn) {
                run.giveBack();
            }
        }
    }

    /** As soon as the store sees a chance. */
    private void retryOrRefuse(Refusal refusal, Duration worthWaiting) {
        retryOrRefuse(refusal, worthWaiting, source::nextChance);
    }

    /** Not as soon as the store sees a chance: what it sees is this attempt, and others like it, giving the lease back. */
    private void retryLaterOrRefuse(Refusal refusal, Duration worthWaiting) {
        retryOrRefuse(refusal, worthWaiting, poll -> Pause.of(poll, guard.now(), guard.watchdog()));
    }

    private void retryOrRefuse(
            Refusal refusal, Duration worthWaiting, Function<Duration, CompletionStage<Void>> waiting) {
        Duration left = left();
        if (left.isZero() || withdrawn || guard.isClosed()) {
            refuse(refusal);
            return;
        }
        GuardedRun own = ownRunInTheWay(refusal);
        if (own != null) {
            refuse(new Refusal(
                    refusal.verdict(),
                    refusal.holder(),
                    refusal.retryAfter(),
                    "this thread itself holds it in the " + own + ", so waiting for it would never end",
                    null));
            return;
        }
        Duration poll = shorter(left, shorter(LONGEST_POLL, longer(worthWaiting, SHORTEST_POLL)));
        CompletionStage<Void> chance = waiting.apply(poll);
        // A store that sees a chance at once, again and again, must not make this spin.
        CompletionStage<Void> next = chance.toCompletableFuture().isDone()
                ? Pause.of(shorter(left, SHORTEST_POLL), guard.now(), guard.watchdog())
                : chance;
        pause = next;
        reason = refusal.reason();
        guard.waits(this, answer);
        var unused = next.whenComplete((ignored, cancelled) -> {
            if (withdrawn) {
                guard.waitsNoMore(this);
                giveBack();
            } else {
                ask(guard.store());
            }
        });
    }

    /** The run of the waiting thread that would have to end first; null if there is none. */
    private @Nullable GuardedRun ownRunInTheWay(Refusal refusal) {
        Holder holder = refusal.holder();
        LockKey lock = request.identity().lockKey();
        GuardedRun inTheWay = null;
        int slots = 0;
        for (GuardedRun run = waiter; run != null; run = run.outer()) {
            if (holder != null && run.isOwnedBy(holder.owner())) {
                inTheWay = run;
            }
            if (lock != null && lock.equals(run.identity().lockKey())) {
                slots++;
            }
        }
        // Where several may hold the key, somebody else's slot may become free.
        boolean forAll = refusal.verdict() == Verdict.RUNNING || slots >= options.concurrency();
        return forAll ? inTheWay : null;
    }

    private void refuse(Refusal refusal) {
        boolean open = refusal.verdict() == Verdict.UNAVAILABLE
                && options.whenUnavailable() == WhenUnavailable.FAIL_OPEN
                && !guard.isClosed();
        if (open) {
            guard.notifier().tell(new GuardEvent.Unguarded(request.job(), request.identity(), refusal));
            answer.complete(new Admission.Admitted(new GuardedRun(guard, request, options, null, startedAt)));
        } else {
            conclude(refusal);
        }
    }

    /** What a refusal leads to may need another question to the store. */
    private void conclude(Refusal refusal) {
        if (refusal.verdict() != Verdict.OVERLAP || !options.overlap().isTriedAgain()) {
            tellRefused(refusal, OverlapRule.policy(options));
            return;
        }
        calling(
                () -> new OverlapRule(guard, request, options).after(refusal),
                (policy, failure) ->
                        tellRefused(refusal, policy == null ? OverlapRule.withoutAnswer(options, request) : policy));
    }

    private void tellRefused(Refusal refusal, OnConflict policy) {
        guard.notifier()
                .tell(new GuardEvent.Refused(
                        request.job(), request.identity(), refusal, waited(), request.isPlanned()));
        answer.complete(new Admission.Refused(refusal, policy));
    }

    private void withdrawLease() {
        try {
            var unused = source.withdraw(leaseRequest()).exceptionally(unreachable -> null);
        } catch (Throwable unreachable) {
            // The lease, if there is one, lapses after its ttl.
        }
    }

    private void giveBack() {
        withdrawLease();
        RunLedger ledger = guard.ledger();
        if (ledger != null) {
            var unused = withdrawClaim(ledger);
        }
    }

    private CompletionStage<Void> withdrawClaim(RunLedger ledger) {
        return ClaimWithdrawal.of(guard, ledger, claimRequest(), timing);
    }

    private Duration left() {
        if (options.onConflict() != OnConflict.WAIT) {
            return Duration.ZERO;
        }
        Duration left = options.waitTimeout().minus(waited());
        return left.isNegative() ? Duration.ZERO : left;
    }

    WaitingRun shown() {
        return new WaitingRun(request.job(), request.identity(), waited(), reason);
    }

    private Duration waited() {
        return guard.now().since(startedAt);
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    private static Duration longer(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? b : a;
    }
}
