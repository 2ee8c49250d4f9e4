package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.ledger.Claim;
import io.hapax.ledger.ClaimRequest;
import io.hapax.ledger.RunLedger;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One try of an attempt: asks the store, then the ledger, under an owner of its own.
 *
 * <p>Whatever they carry out late, of a try that was given up, names an owner that holds nothing any more, so it can end no later
 * grant. What they may have granted without the caller hearing of it is withdrawn, or else lapses.
 */
final class AdmissionTry {

    private final AdmissionAttempt attempt;
    private final Engine engine;
    private final RunTerms terms;
    private final RunOptions options;
    private final LeaseSource source;
    private final LeaseRequest request;
    private final NanoTime askedAt;
    private final @Nullable RunLedger ledger;
    /** What the ledger was asked for, if it was. */
    private volatile @Nullable ClaimRequest wish;

    AdmissionTry(AdmissionAttempt attempt, Engine engine, RunTerms terms, LeaseSource source) {
        this.attempt = attempt;
        this.engine = engine;
        this.terms = terms;
        this.options = terms.options();
        this.source = source;
        this.request = new LeaseRequest(
                terms.identity(), engine.admissions().newOwner(), engine.worker(), options.ttl(), attempt.mayWait());
        this.askedAt = engine.now();
        this.ledger = engine.ledger();
    }

    void ask(LeaseStore store) {
        RunLedger runs = ledger;
        if (runs != null
                && options.whenUnavailable() == WhenUnavailable.LEDGER_ONLY
                && engine.admissions().isStoreAway(askedAt)) {
            claim(runs, null, askedAt, null);
            return;
        }
        if (attempt.observes() && engine.admissions().isStoreAway(askedAt)) {
            // An observed application is not to wait for a store that is away more often than it must.
            attempt.refuse(Refusals.storeAway(terms.timing().renewEvery()));
            return;
        }
        attempt.calling(() -> source.ask(store, request), this::answered);
    }

    private void answered(@Nullable Offer offer, @Nullable Throwable failure) {
        if (offer instanceof Offer.Given given) {
            granted(given);
        } else if (offer instanceof Offer.Throttled throttled) {
            attempt.tryLaterOrRefuse(throttled.refusal(), throttled.refusal().retryAfter());
        } else if (offer instanceof Offer.Denied denied) {
            denied(denied.why());
        } else if (Refusals.unwrapped(failure) instanceof IllegalArgumentException callersMistake) {
            giveBack();
            attempt.fail(callersMistake);
        } else {
            engine.admissions().storeFailed(engine.now());
            withdrawLease();
            storeUnavailable(Refusals.storeSilent(failure, terms.timing().renewEvery()), AdmissionAttempt.LONGEST_POLL);
        }
    }

    private void denied(Acquisition why) {
        if (why instanceof Acquisition.Done done) {
            attempt.refuse(Refusals.over(done.by(), done.outcome()));
        } else if (why instanceof Acquisition.Held held) {
            attempt.tryOrRefuse(Refusals.held(held, options.concurrency()), held.ttlLeft(), held.awaited());
        } else if (why instanceof Acquisition.Quarantined quarantined) {
            storeUnavailable(Refusals.quarantined(quarantined), quarantined.left());
        } else if (why instanceof Acquisition.Paused paused) {
            attempt.tryOrRefuse(Refusals.paused(paused.pause()), paused.pause().left());
        }
    }

    /** The ledger may know better than a store that is away or has lost its memory. */
    private void storeUnavailable(Refusal refusal, Duration worthWaiting) {
        RunLedger runs = ledger;
        // The ledger alone cannot tell how many are running, or have started.
        if (runs == null || options.whenUnavailable() == WhenUnavailable.FAIL_CLOSED || options.needsMoreThanLease()) {
            attempt.tryOrRefuse(refusal, worthWaiting);
        } else {
            claim(runs, null, engine.now(), refusal);
        }
    }

    private void granted(Offer.Given given) {
        RunLedger runs = ledger;
        if (isTooLate(askedAt)) {
            refuseLate();
        } else if (runs == null) {
            attempt.admit(Grant.of(given, null, 1, source), askedAt);
        } else {
            claim(runs, given, askedAt, null);
        }
    }

    /** Claims with a lease of the store or, because of its trouble, without one. */
    private void claim(RunLedger runs, Offer.@Nullable Given given, NanoTime since, @Nullable Refusal storeTrouble) {
        // Tokens have one order: storage may have seen that of the lease, or of one like it without a claim.
        ClaimRequest claimed = given == null
                ? claimRequest(terms.identity())
                : claimRequest(inLedger(given)).withSeen(given.lease().token());
        wish = claimed;
        attempt.calling(() -> runs.claim(claimed), (claim, failure) -> {
            if (claim instanceof Claim.Claimed mine) {
                claimed(given, mine, since);
            } else if (claim instanceof Claim.Done done) {
                afterRelease(given, () -> attempt.refuse(Refusals.over(done.by(), done.outcome())));
            } else if (claim instanceof Claim.Abandoned abandoned) {
                afterRelease(given, () -> attempt.refuse(Refusals.abandoned(abandoned.by())));
            } else if (claim instanceof Claim.Held held) {
                Refusal refusal = Refusals.held(held.holder(), held.sameRun(), held.ttlLeft());
                afterRelease(given, () -> attempt.tryLaterOrRefuse(refusal, held.ttlLeft()));
            } else {
                ledgerUnavailable(withdrawClaim(runs, claimed), given, failure, storeTrouble);
            }
        });
    }

    /** All that the leases are on: the ledger keeps limits as the store does, so that runs without a lease count. */
    private static JobIdentity inLedger(Offer.Given given) {
        JobIdentity identity = given.lease().identity();
        Lease slot = given.slot();
        return slot == null
                ? identity
                : new JobIdentity(
                        slot.identity().lockKey(),
                        identity.runKey(),
                        slot.identity().slot());
    }

    private ClaimRequest claimRequest(JobIdentity claimed) {
        return new ClaimRequest(
                claimed, request.owner(), engine.worker(), options.ttl(), options.afterCrash(), options.retention());
    }

    private void claimed(Offer.@Nullable Given given, Claim.Claimed mine, NanoTime since) {
        if (isTooLate(since)) {
            refuseLate();
        } else {
            attempt.admit(
                    given == null
                            ? Grant.of(mine.lease(), mine.attempt())
                            : Grant.of(given, mine.lease(), mine.attempt(), source),
                    since);
        }
    }

    private void ledgerUnavailable(
            CompletionStage<Void> withdrawal,
            Offer.@Nullable Given given,
            @Nullable Throwable failure,
            @Nullable Refusal storeTrouble) {
        Refusal silent = Refusals.ledgerSilent(failure, terms.timing().renewEvery());
        boolean open = options.whenUnavailable() == WhenUnavailable.FAIL_OPEN;
        if (given != null && open && !engine.admissions().isClosed()) {
            attempt.unguarded(silent);
            attempt.admit(Grant.of(given, null, 1, source), askedAt);
            return;
        }
        Refusal refusal = storeTrouble != null && open ? storeTrouble : silent;
        var unused = withdrawal.whenComplete((done, ignored) ->
                afterRelease(given, () -> attempt.tryLaterOrRefuse(refusal, AdmissionAttempt.LONGEST_POLL)));
    }

    /** Continues when the lease is back, or when the store does not answer: a further try has another owner. */
    private void afterRelease(Offer.@Nullable Given given, Runnable then) {
        if (given == null) {
            then.run();
        } else {
            attempt.calling(() -> source.giveBack(given), (released, unreachable) -> then.run());
        }
    }

    private boolean isTooLate(NanoTime since) {
        return !engine.now().isBefore(terms.timing().revokeAt(since));
    }

    private void refuseLate() {
        giveBack();
        // Who waits goes on, as where the store does not answer.
        attempt.tryLaterOrRefuse(Refusals.tooLate(), Duration.ZERO);
    }

    void giveBack() {
        withdrawLease();
        RunLedger runs = ledger;
        ClaimRequest claimed = wish;
        if (runs != null && claimed != null) {
            var unused = withdrawClaim(runs, claimed);
        }
    }

    private void withdrawLease() {
        try {
            var unused = source.withdraw(request).exceptionally(unreachable -> null);
        } catch (Throwable unreachable) {
            // The lease, if there is one, lapses after its ttl.
        }
    }

    private CompletionStage<Void> withdrawClaim(RunLedger runs, ClaimRequest claimed) {
        return ClaimWithdrawal.unheard(engine, runs, claimed, terms.timing());
    }
}
