package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.VisibleText;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A job that is kept unique while it is queued, by its {@link LockMode}. Adapters create one where a job is put into a queue,
 * and again where it is taken out; the job's own id makes both the same.
 *
 * <p>It is a filter in front of the guard, not the guard: if the store cannot tell, the job is queued, which is told as
 * {@link GuardEvent.Unguarded}, and the lease and the run key decide when it begins. Immutable and thread-safe.
 */
public final class QueuedJob {

    private final JobGuard guard;
    private final String job;
    private final LockKey key;
    private final String id;
    private final LockMode mode;
    private final Duration uniqueFor;
    private final Reservations reservations;

    /**
     * Describes a job that is queued, or that is taken from the queue.
     *
     * @param guard whose store keeps the place
     * @param job the job's name, for people
     * @param key what must be in the queue once
     * @param id the id of this job, the same in each of its attempts; the rules of a {@link LockKey} apply
     * @param options say how; their mode is not {@link LockMode#WHILE_EXECUTING}
     * @throws IllegalArgumentException if the mode has nothing to do with queues, or the store has no reservations
     */
    public QueuedJob(JobGuard guard, String job, LockKey key, String id, RunOptions options) {
        if (!options.mode().isQueued()) {
            throw new IllegalArgumentException("mode=" + options.mode() + " keeps nothing unique in a queue: " + job);
        }
        this.guard = guard;
        this.job = VisibleText.of(job);
        this.key = Objects.requireNonNull(guard.kept(new JobIdentity(key, null)).lockKey());
        this.id = id;
        this.mode = options.mode();
        this.uniqueFor = options.uniqueFor();
        this.reservations = RationedSource.reservations(guard.engine().store());
    }

    /**
     * Takes the place in the queue. Blocks for at most the store's answer timeout.
     *
     * @return why the job must not be queued; empty if it may
     */
    public Optional<Refusal> enter() {
        Reservation answer;
        try {
            answer = reservations
                    .reserve(new ReservationRequest(name(), id, 1, uniqueFor))
                    .toCompletableFuture()
                    .join();
        } catch (CompletionException | LeaseStoreException unreachable) {
            Throwable cause = unreachable instanceof CompletionException ? unreachable.getCause() : unreachable;
            guard.engine().notifier().tell(new GuardEvent.Unguarded(job, identity(), unavailable(cause)));
            return Optional.empty();
        }
        if (answer instanceof Reservation.Full full) {
            Refusal refusal = new Refusal(
                    Verdict.QUEUED,
                    null,
                    full.left(),
                    "the same work is queued or at work as " + full.first() + " (mode " + mode + ")",
                    null);
            guard.engine().notifier().tell(new GuardEvent.Refused(job, identity(), refusal, Duration.ZERO, false));
            return Optional.of(refusal);
        }
        return Optional.empty();
    }

    private static Refusal unavailable(@Nullable Throwable cause) {
        return new Refusal(
                Verdict.UNAVAILABLE,
                null,
                Duration.ZERO,
                "the lease store did not answer whether the same work is queued already, so it is queued",
                cause);
    }

    /** Says that the job begins, and that its run has been admitted. */
    public void begun() {
        at(LockMode.Stage.BEGUN);
    }

    /** Says that the job has succeeded. */
    public void succeeded() {
        at(LockMode.Stage.SUCCEEDED);
    }

    /** Says that the job has not succeeded and is queued again: its place is kept, and its time counts anew. */
    public void retried() {
        at(LockMode.Stage.RETRIED);
        if (mode == LockMode.UNTIL_EXECUTED) {
            ignoring(reservations.reserve(new ReservationRequest(name(), id, 1, uniqueFor)));
        }
    }

    /** Says that the job has failed for the last time, was skipped or deleted. */
    public void ended() {
        at(LockMode.Stage.ENDED);
    }

    private void at(LockMode.Stage stage) {
        if (mode.frees(stage)) {
            ignoring(reservations.giveUp(name(), id));
        }
    }

    /** A place that is not given up is free when its time is over. */
    private static void ignoring(CompletionStage<?> answer) {
        var unused = answer.exceptionally(unreachable -> null);
    }

    private String name() {
        return "queued:" + key.value();
    }

    private JobIdentity identity() {
        return new JobIdentity(key, null);
    }
}
