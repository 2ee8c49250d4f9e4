package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.lease.Holder;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.RunKey;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** What follows from an overlap if the job's policy is more than to skip or to try again: who may wait, who has to go. */
final class OverlapRule {

    /** Longer than adapters pause between two tries, so that whoever waits keeps its place. */
    static final Duration WAITING = Duration.ofMinutes(2);

    private static final int MOST_CANCELLED = 1_000;
    private static final int TTLS = 3;

    private final Engine engine;
    private final RunRequest request;
    private final RunOptions options;

    OverlapRule(Engine engine, RunTerms terms) {
        this.engine = engine;
        this.request = terms.request();
        this.options = terms.options();
    }

    /** The policy where no question is needed. */
    static OnConflict policy(RunOptions options) {
        return options.overlap() == OverlapPolicy.SKIP ? OnConflict.SKIP : options.onConflict();
    }

    /** The store does not say who waits: rather try again than lose work. */
    OnConflict withoutAnswer() {
        return request.isAgain() || options.overlap() == OverlapPolicy.CANCEL_OTHER
                ? OnConflict.RESCHEDULE
                : OnConflict.SKIP;
    }

    /** Settles what becomes of the refused run. */
    CompletionStage<OnConflict> after(Refusal refusal) {
        return options.overlap() == OverlapPolicy.BUFFER_ONE ? queueUp() : cancel(refusal.holder());
    }

    /** Lets go of the place in the queue of one. */
    void admitted() {
        if (options.overlap() == OverlapPolicy.BUFFER_ONE) {
            var unused = reservations().giveUp(nextName(), waiter()).exceptionally(unreachable -> false);
        }
    }

    private CompletionStage<OnConflict> queueUp() {
        return reservations()
                .reserve(new ReservationRequest(nextName(), waiter(), 1, WAITING))
                .thenApply(place -> place instanceof Reservation.Made ? OnConflict.RESCHEDULE : OnConflict.SKIP);
    }

    private CompletionStage<OnConflict> cancel(@Nullable Holder holder) {
        if (holder == null) {
            return CompletableFuture.completedFuture(OnConflict.RESCHEDULE);
        }
        String owner = holder.owner().value();
        if (request.isAgain()) {
            return reservations()
                    .holders(cancelName(request))
                    .thenApply(cancelled -> cancelled.contains(owner) ? OnConflict.RESCHEDULE : OnConflict.SKIP);
        }
        Duration time = options.ttl().multipliedBy(TTLS);
        return reservations()
                .reserve(new ReservationRequest(cancelName(request), owner, MOST_CANCELLED, time))
                .thenApply(noted -> OnConflict.RESCHEDULE);
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
