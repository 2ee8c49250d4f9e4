package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.Acquisition;
import io.hapax.lease.Holder;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.OwnerId;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Asks the store for a lease, again and again if the run may wait, until there is an answer.
 *
 * <p>One owner for all tries: a grant whose answer was lost is found again by the next one. Whatever the store may have
 * granted without the caller hearing of it is given back.
 */
final class AdmissionAttempt {

    private static final Duration LONGEST_POLL = Duration.ofSeconds(1);
    private static final Duration SHORTEST_POLL = Duration.ofMillis(20);

    private final JobGuard guard;
    private final RunRequest request;
    private final RunOptions options;
    private final LeaseTiming timing;
    private final OwnerId owner = OwnerId.random();
    private final NanoTime startedAt;
    private final CompletableFuture<Admission> answer = new CompletableFuture<>();
    private volatile boolean withdrawn;
    private volatile @Nullable CompletionStage<Void> pause;

    AdmissionAttempt(JobGuard guard, RunRequest request, RunOptions options, LeaseTiming timing) {
        this.guard = guard;
        this.request = request;
        this.options = options;
        this.timing = timing;
        this.startedAt = guard.now();
    }

    CompletableFuture<Admission> start() {
        if (guard.isClosed()) {
            refuse(new Refusal(Verdict.UNAVAILABLE, null, timing.renewEvery(), "this guard is shut down", null));
        } else {
            ask();
        }
        return answer;
    }

    /** Gives up waiting; a lease that is granted all the same is given back. */
    void withdraw() {
        withdrawn = true;
        CompletionStage<Void> waiting = pause;
        if (waiting != null) {
            waiting.toCompletableFuture().cancel(false);
        }
        if (answer.isDone() && !answer.isCompletedExceptionally()) {
            if (answer.join() instanceof Admission.Admitted admitted) {
                admitted.run().close();
            }
        } else {
            giveBack();
        }
    }

    private void ask() {
        NanoTime askedAt = guard.now();
        CompletionStage<Acquisition> stage;
        try {
            stage = guard.store().acquire(leaseRequest());
        } catch (IllegalArgumentException callersMistake) {
            answer.completeExceptionally(callersMistake);
            return;
        } catch (RuntimeException e) {
            stage = CompletableFuture.failedFuture(e);
        }
        var unused = stage.whenComplete((acquisition, failure) -> {
            try {
                answered(acquisition, failure, askedAt);
            } catch (RuntimeException bug) {
                giveBack();
                answer.completeExceptionally(bug);
            }
        });
    }

    private LeaseRequest leaseRequest() {
        return new LeaseRequest(request.identity(), owner, guard.worker(), options.ttl(), !left().isZero());
    }

    private void answered(@Nullable Acquisition acquisition, @Nullable Throwable failure, NanoTime askedAt) {
        if (acquisition == null) {
            Throwable cause =
                    failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
            retryOrRefuse(
                    new Refusal(
                            Verdict.UNAVAILABLE, null, timing.renewEvery(), "the lease store did not answer", cause),
                    LONGEST_POLL);
        } else if (acquisition instanceof Acquisition.Granted granted) {
            granted(granted.lease(), askedAt);
        } else if (acquisition instanceof Acquisition.Done done) {
            refuse(new Refusal(Verdict.DONE, done.by(), Duration.ZERO, "completed by " + done.by(), null));
        } else if (acquisition instanceof Acquisition.Held held) {
            retryOrRefuse(refusal(held), held.ttlLeft());
        } else if (acquisition instanceof Acquisition.Quarantined quarantined) {
            retryOrRefuse(
                    new Refusal(Verdict.UNAVAILABLE, null, quarantined.left(), quarantined.reason(), null),
                    quarantined.left());
        }
    }

    private static Refusal refusal(Acquisition.Held held) {
        Holder holder = held.holder();
        Verdict verdict = held.sameRun() ? Verdict.RUNNING : Verdict.OVERLAP;
        String what = held.sameRun() ? "this occurrence is run by " : "the key is held by ";
        return new Refusal(verdict, holder, held.ttlLeft(), what + holder, null);
    }

    private void granted(Lease lease, NanoTime askedAt) {
        if (!guard.now().isBefore(timing.revokeAt(askedAt))) {
            giveBack();
            refuse(new Refusal(
                    Verdict.UNAVAILABLE,
                    null,
                    Duration.ZERO,
                    "the lease store answered so late that the lease is no longer worth anything",
                    null));
            return;
        }
        GuardedRun run = new GuardedRun(guard, request, options, lease, askedAt);
        // Told first: nobody must see the end of a run before its beginning.
        if (withdrawn) {
            giveBack();
        } else {
            guard.notifier().tell(new GuardEvent.Acquired(request.job(), lease, waited()));
            if (!answer.complete(new Admission.Admitted(run)) || withdrawn) {
                run.close();
            }
        }
    }

    private void retryOrRefuse(Refusal refusal, Duration worthWaiting) {
        Duration left = left();
        if (left.isZero() || withdrawn || guard.isClosed()) {
            refuse(refusal);
            return;
        }
        Duration poll = shorter(left, shorter(LONGEST_POLL, longer(worthWaiting, SHORTEST_POLL)));
        CompletionStage<Void> next = guard.store().nextChance(request.identity(), poll);
        pause = next;
        var unused = next.whenComplete((ignored, cancelled) -> {
            if (withdrawn) {
                giveBack();
            } else {
                ask();
            }
        });
    }

    private void refuse(Refusal refusal) {
        if (refusal.cause() != null) {
            // Only now: a withdrawal that is carried out late would take away what a further try was granted.
            giveBack();
        }
        boolean open = refusal.verdict() == Verdict.UNAVAILABLE
                && options.whenUnavailable() == WhenUnavailable.FAIL_OPEN
                && !guard.isClosed();
        if (open) {
            guard.notifier().tell(new GuardEvent.Unguarded(request.job(), request.identity(), refusal));
            answer.complete(new Admission.Admitted(new GuardedRun(guard, request, options, null, startedAt)));
        } else {
            guard.notifier().tell(new GuardEvent.Refused(request.job(), request.identity(), refusal, waited()));
            answer.complete(new Admission.Refused(refusal));
        }
    }

    private void giveBack() {
        try {
            var unused = guard.store().withdraw(leaseRequest()).exceptionally(unreachable -> null);
        } catch (RuntimeException unreachable) {
            // The lease, if there is one, lapses after its ttl.
        }
    }

    private Duration left() {
        if (options.onConflict() != OnConflict.WAIT) {
            return Duration.ZERO;
        }
        Duration left = options.waitTimeout().minus(waited());
        return left.isNegative() ? Duration.ZERO : left;
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
