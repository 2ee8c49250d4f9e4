package io.hapax;

import io.hapax.JobQueue.Fate;
import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Reservation;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to put a job into a queue. Used by one thread.
 *
 * <p>Nobody is refused because of a job that may never be stored, or their work would be lost with it. So a caller that meets a
 * place of which that is not known waits until it is, for as long as a place lives that nobody renews; and if it is not
 * known even then, the job is queued without a place.
 */
final class QueueAttempt {

    private static final Duration POLL = Duration.ofMillis(50);
    /** A store that answers at once must not make this spin. */
    private static final Duration SPIN = Duration.ofMillis(1);

    private static final Duration MARGIN = Duration.ofSeconds(1);
    private static final int MOST_FREED = 10;

    /** What follows from another one's place. */
    private enum Next {
        /** The same work is queued. */
        REFUSE,
        /** Its job is gone: it is freed. */
        FREE,
        /** It is not known whether its job will be stored. */
        WAIT,
        /** The same, and the calling thread would wait for itself. */
        GO_WITHOUT
    }

    private final QueuedJob job;
    private final JobQueue queue;
    private final Engine engine;
    private final @Nullable CallersTransaction transaction;
    private final @Nullable Object batch;
    private int freed;

    QueueAttempt(QueuedJob job, JobQueue queue, @Nullable CallersTransaction transaction, @Nullable Object batch) {
        this.job = job;
        this.queue = queue;
        this.engine = job.engine();
        this.transaction = transaction;
        this.batch = batch;
    }

    QueueEntry make() {
        NanoTime end = engine.now().plus(job.provisional()).plus(MARGIN);
        while (true) {
            NanoTime asked = engine.now();
            Reservation answer;
            try {
                answer = job.reserve().toCompletableFuture().join();
            } catch (CompletionException | LeaseStoreException unreachable) {
                Throwable cause = unreachable instanceof CompletionException ? unreachable.getCause() : unreachable;
                tellUnguarded(
                        Verdict.UNAVAILABLE,
                        "the lease store did not answer whether the same work is queued" + " already, so it is queued",
                        cause);
                return entered(asked);
            }
            if (!(answer instanceof Reservation.Full full)) {
                return entered(asked);
            }
            switch (next(full)) {
                case REFUSE -> {
                    return refused(full);
                }
                case FREE -> PendingPlace.quietly(job.giveUp(full.first()));
                case WAIT -> {
                    if (job.observes() || !asked.isBefore(end) || !pause()) {
                        return withoutPlace(full);
                    }
                }
                case GO_WITHOUT -> {
                    return withoutPlace(full);
                }
            }
        }
    }

    /** A late answer may have made a place all the same, so it is confirmed or given back like any other. */
    private QueueEntry entered(NanoTime asked) {
        PendingPlace place = new PendingPlace(job, queue, transaction, batch, asked);
        place.begin();
        return QueueEntry.at(place);
    }

    private Next next(Reservation.Full full) {
        if (freed >= MOST_FREED) {
            return Next.REFUSE;
        }
        PendingPlace other = PendingPlace.find(job.name(), full.first());
        if (other != null && other.isOfBatch(batch)) {
            return Next.REFUSE;
        }
        if (other != null && other.isIn(transaction)) {
            // It sees what was written in it, and what was undone to a savepoint.
            return queue(full.first(), false) == Fate.MISSING ? free() : Next.REFUSE;
        }
        boolean confirmed = job.isConfirmed(full);
        if (confirmed && job.mode() == LockMode.UNTIL_EXPIRED) {
            return Next.REFUSE;
        }
        Next next = next(queue(full.first(), transaction != null), confirmed);
        return next == Next.WAIT && other != null && other.waitsForCaller() ? Next.GO_WITHOUT : next;
    }

    private Next next(Fate fate, boolean confirmed) {
        return switch (fate) {
            case PRESENT -> Next.REFUSE;
            case SUCCEEDED -> job.mode().frees(LockMode.Stage.SUCCEEDED) ? free() : Next.REFUSE;
            case ENDED -> job.mode().frees(LockMode.Stage.ENDED) ? free() : Next.REFUSE;
            case MISSING -> confirmed ? free() : Next.WAIT;
            case UNKNOWN -> confirmed ? Next.REFUSE : Next.WAIT;
        };
    }

    private Next free() {
        freed++;
        return Next.FREE;
    }

    private Fate queue(String id, boolean elsewhere) {
        return job.fateIn(queue, id, elsewhere);
    }

    /** Returns false if the thread is to wait no longer. */
    private boolean pause() {
        NanoTime before = engine.now();
        try {
            engine.store().nextChance(job.fate(), POLL).toCompletableFuture().get();
            if (engine.now().since(before).compareTo(SPIN) < 0) {
                Pause.of(POLL, before, engine.watchdog()).get();
            }
            return true;
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException never) {
            return false;
        }
    }

    private QueueEntry refused(Reservation.Full full) {
        Refusal refusal = new Refusal(
                Verdict.QUEUED,
                null,
                full.left(),
                "the same work is queued or running as " + full.first() + " (mode " + job.mode() + ")",
                null);
        if (job.observes()) {
            engine.notifier().tell(new GuardEvent.WouldRefuse(job.job(), job.identity(), refusal, false));
            return QueueEntry.withoutPlace();
        }
        engine.notifier().tell(new GuardEvent.Refused(job.job(), job.identity(), refusal, Duration.ZERO, false));
        return QueueEntry.refused(refusal);
    }

    private QueueEntry withoutPlace(Reservation.Full full) {
        tellUnguarded(
                Verdict.QUEUED,
                "whether the same work is queued as " + full.first()
                        + " is not known before its transaction has ended, so it is queued",
                null);
        return QueueEntry.withoutPlace();
    }

    private void tellUnguarded(Verdict verdict, String reason, @Nullable Throwable cause) {
        Refusal refusal = new Refusal(verdict, null, Duration.ZERO, reason, cause);
        engine.notifier().tell(new GuardEvent.Unguarded(job.job(), job.identity(), refusal));
    }
}
