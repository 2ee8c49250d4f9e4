package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.Holder;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.RunKey;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * What happens to a refused run: the one place where that is decided.
 *
 * <p>What is over is skipped. What is not known to be over is never dropped if it is the only copy. Only a lock key that is
 * held, or has its fill of runs, is a conflict, for which the job's policy holds.
 */
final class ConflictRule {

    /** Longer than adapters pause between two tries, so that a waiting run keeps its place. */
    static final Duration WAITING = Duration.ofMinutes(2);

    private static final int MOST_CANCELLED = 1_000;
    private static final int TTLS = 3;

    private final Engine engine;
    private final RunRequest request;
    private final RunOptions options;

    ConflictRule(Engine engine, RunTerms terms) {
        this.engine = engine;
        this.request = terms.request();
        this.options = terms.options();
    }

    /** Whether the store has to be asked who else waits. */
    boolean needsQuestion(Refusal refusal) {
        return refusal.verdict() == Verdict.OVERLAP && options.onConflict().isAboutOthers();
    }

    /** Decides where no question is needed, or none is answered: rather try again than lose work. */
    AfterRefusal decide(Refusal refusal) {
        return switch (refusal.verdict()) {
            case DONE, QUEUED -> AfterRefusal.SKIP;
            // A person has to decide, and so has to see the only copy.
            case ABANDONED ->
                request.isOnlyCopy() || options.onConflict() == OnConflict.FAIL ? AfterRefusal.FAIL : AfterRefusal.SKIP;
            // It is running elsewhere: no conflict, but it may die before it is over.
            case RUNNING -> mustNotBeLeft() ? AfterRefusal.TRY_AGAIN : AfterRefusal.SKIP;
            case OVERLAP, THROTTLED -> ofConflict(refusal);
            case PAUSED, UNAVAILABLE -> ofSilence(refusal);
        };
    }

    private boolean mustNotBeLeft() {
        return request.isOnlyCopy()
                || options.onConflict() == OnConflict.RESCHEDULE
                || (options.onConflict() == OnConflict.AUTO && request.isFarFromNext(options.ttl()));
    }

    private AfterRefusal ofConflict(Refusal refusal) {
        if (needsQuestion(refusal)) {
            return request.isAgain() || options.onConflict() == OnConflict.CANCEL_OTHER
                    ? AfterRefusal.TRY_AGAIN
                    : AfterRefusal.SKIP;
        }
        return switch (options.onConflict()) {
            case SKIP -> AfterRefusal.SKIP;
            case RESCHEDULE -> AfterRefusal.TRY_AGAIN;
            case FAIL -> AfterRefusal.FAIL;
            case WAIT -> waitedInVain(refusal);
            case AUTO, ALLOW, BUFFER_ONE, CANCEL_OTHER ->
                request.comesAgain() && !waitsItsTurn(refusal) ? AfterRefusal.SKIP : AfterRefusal.TRY_AGAIN;
        };
    }

    /** What comes again makes way for others, as on one node, but does not queue up behind itself. */
    private boolean waitsItsTurn(Refusal refusal) {
        return refusal.verdict() == Verdict.OVERLAP && request.isOfOtherSeries(refusal.holder());
    }

    private AfterRefusal ofSilence(Refusal refusal) {
        return switch (options.onConflict()) {
            case RESCHEDULE -> AfterRefusal.TRY_AGAIN;
            case WAIT -> waitedInVain(refusal);
            case FAIL -> request.isOnlyCopy() ? AfterRefusal.TRY_AGAIN : AfterRefusal.FAIL;
            default -> mustNotBeLost(refusal) ? AfterRefusal.TRY_AGAIN : AfterRefusal.SKIP;
        };
    }

    private AfterRefusal waitedInVain(Refusal refusal) {
        if (!request.mayWait()) {
            return AfterRefusal.WAIT;
        }
        return mustNotBeLost(refusal) ? AfterRefusal.TRY_AGAIN : AfterRefusal.SKIP;
    }

    private boolean mustNotBeLost(Refusal refusal) {
        if (request.isOnlyCopy()) {
            return true;
        }
        boolean silent = refusal.verdict() == Verdict.UNAVAILABLE;
        // A run that waits for its turn stays in the line.
        return request.isAgain()
                ? !(silent && request.isNextDue())
                : silent && request.isFarFromNext(patience(refusal));
    }

    /** For how long what comes again is not missed while nobody can tell. */
    private Duration patience(Refusal refusal) {
        // In the first moments of a namespace nothing is wrong, only nothing is granted yet, and it is known until
        // when.
        boolean endIsKnown = refusal.cause() == null && !refusal.retryAfter().isZero();
        return endIsKnown ? refusal.retryAfter() : options.ttl();
    }

    /** Settles by who else waits. */
    CompletionStage<AfterRefusal> ask(Refusal refusal) {
        return options.onConflict() == OnConflict.BUFFER_ONE ? queueUp() : cancel(refusal.holder());
    }

    /** Lets go of the place in the queue of one. */
    void admitted() {
        if (options.onConflict() == OnConflict.BUFFER_ONE) {
            var unused = reservations().giveUp(nextName(), waiter()).exceptionally(unreachable -> false);
        }
    }

    private CompletionStage<AfterRefusal> queueUp() {
        return reservations()
                .reserve(new ReservationRequest(nextName(), waiter(), 1, WAITING))
                .thenApply(place -> place instanceof Reservation.Made ? AfterRefusal.TRY_AGAIN : AfterRefusal.SKIP);
    }

    private CompletionStage<AfterRefusal> cancel(@Nullable Holder holder) {
        if (holder == null) {
            return CompletableFuture.completedFuture(AfterRefusal.TRY_AGAIN);
        }
        String owner = holder.owner().value();
        if (request.isAgain()) {
            return reservations()
                    .holders(cancelName(request))
                    .thenApply(cancelled -> cancelled.contains(owner) ? AfterRefusal.TRY_AGAIN : AfterRefusal.SKIP);
        }
        Duration time = options.ttl().multipliedBy(TTLS);
        return reservations()
                .reserve(new ReservationRequest(cancelName(request), owner, MOST_CANCELLED, time))
                .thenApply(noted -> AfterRefusal.TRY_AGAIN);
    }

    private Reservations reservations() {
        return RationedSource.reservations(engine.store());
    }

    private String nextName() {
        return "next:" + request.identity().leaseName();
    }

    static String cancelName(RunRequest request) {
        return "cancel:" + request.identity().leaseName();
    }

    /** The same in each try of one occurrence. */
    private String waiter() {
        RunKey run = request.identity().runKey();
        return run == null ? RationedSource.readable(engine.worker()) : run.value();
    }
}
