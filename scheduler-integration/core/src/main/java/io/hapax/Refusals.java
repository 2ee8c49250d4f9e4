package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Holder;
import io.hapax.lease.KeyPause;
import io.hapax.lease.OccurrenceOutcome;
import io.hapax.lease.Slot;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** What store and ledger have answered, as a readable refusal. */
final class Refusals {

    private static final Duration LOOK_AGAIN_AFTER = Duration.ofMinutes(1);

    private Refusals() {}

    static Refusal over(Holder by, OccurrenceOutcome outcome) {
        return outcome == OccurrenceOutcome.DONE
                ? completed(by)
                : new Refusal(
                        Verdict.DONE, by, Duration.ZERO, "noted as failed by " + by + ", and is not tried again", null);
    }

    static Refusal completed(Holder by) {
        return new Refusal(Verdict.DONE, by, Duration.ZERO, "completed by " + by, null);
    }

    static Refusal abandoned(Holder by) {
        return new Refusal(
                Verdict.ABANDONED,
                by,
                Duration.ZERO,
                "the run of " + by
                        + " crashed, and the job has afterCrash=ABANDON: find out what it did, then resolve the"
                        + " occurrence as done or to be run again",
                null);
    }

    static Refusal held(Holder holder, boolean sameRun, Duration ttlLeft) {
        return held(holder, sameRun, ttlLeft, "");
    }

    /** Names both limits if they differ, as nobody can see in one place which worker states another one. */
    static Refusal held(Acquisition.Held held, int limit) {
        Slot slot = held.slot();
        return held(
                held.holder(),
                held.sameRun(),
                held.ttlLeft(),
                slot == null || slot.limit() == limit
                        ? ""
                        : " under a limit of " + slot.limit() + ", and this caller states " + limit
                                + " (setting concurrency): the smaller one is kept");
    }

    private static Refusal held(Holder holder, boolean sameRun, Duration ttlLeft, String more) {
        Verdict verdict = sameRun ? Verdict.RUNNING : Verdict.OVERLAP;
        String what = sameRun ? "this occurrence is run by " : "the key is held by ";
        return new Refusal(verdict, holder, ttlLeft, what + holder + more, null);
    }

    static Refusal quarantined(Acquisition.Quarantined quarantined) {
        return new Refusal(Verdict.UNAVAILABLE, null, quarantined.left(), quarantined.reason(), null);
    }

    static Refusal paused(KeyPause pause) {
        // Somebody may resume it at any time.
        Duration retryAfter = pause.left().compareTo(LOOK_AGAIN_AFTER) < 0 ? pause.left() : LOOK_AGAIN_AFTER;
        String since = "the key is paused since " + pause.since() + " by " + pause.why();
        return new Refusal(Verdict.PAUSED, null, retryAfter, since, null);
    }

    static Refusal storeSilent(@Nullable Throwable failure, Duration retryAfter) {
        return new Refusal(Verdict.UNAVAILABLE, null, retryAfter, "the lease store did not answer", unwrapped(failure));
    }

    static Refusal storeAway(Duration retryAfter) {
        return new Refusal(Verdict.UNAVAILABLE, null, retryAfter, "the lease store did not answer a moment ago", null);
    }

    static Refusal ledgerSilent(@Nullable Throwable failure, Duration retryAfter) {
        return new Refusal(Verdict.UNAVAILABLE, null, retryAfter, "the run ledger did not answer", unwrapped(failure));
    }

    static Refusal closed(Duration retryAfter) {
        return new Refusal(Verdict.UNAVAILABLE, null, retryAfter, "this guard is shut down", null);
    }

    static Refusal tooLate() {
        return new Refusal(
                Verdict.UNAVAILABLE, null, Duration.ZERO, "granted too late: the lease has nearly expired", null);
    }

    static Refusal ownRunInTheWay(Refusal refusal, GuardedRun own, int limit, int awaited) {
        String others = awaited >= limit
                ? ""
                : ", and another run, which nobody overtakes, waits for it under a limit of " + awaited;
        String reason = "this thread itself holds it in the " + own + others + ", so waiting for it would never end";
        // Its cause distinguishes it for code that would ask again, as a lock that waits at all costs.
        return new Refusal(
                refusal.verdict(), refusal.holder(), refusal.retryAfter(), reason, new IllegalStateException(reason));
    }

    static Refusal waitedHolding(Refusal refusal, RunOptions options, String holding) {
        return new Refusal(
                refusal.verdict(),
                refusal.holder(),
                refusal.retryAfter(),
                refusal.reason() + "; waitTimeout=" + DurationText.write(options.waitTimeout())
                        + " is over, and this transaction holds " + holding
                        + " meanwhile: if the holder waits for that, neither gets on. Take keys in the same order everywhere",
                refusal.cause());
    }

    static @Nullable Throwable unwrapped(@Nullable Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
