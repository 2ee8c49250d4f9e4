package io.hapax;

import io.hapax.JobQueue.Fate;
import io.hapax.event.GuardEvent;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.LockKey;
import io.hapax.lease.Reservation;
import io.hapax.lease.ReservationRequest;
import io.hapax.lease.Reservations;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A job that is kept unique while it is queued, by its {@link LockMode}. Adapters create one where a job is put into a queue,
 * and again where it is taken out; the job's own id makes both the same.
 *
 * <p>It is a filter in front of the guard, not the guard: if the store cannot tell, the job is queued, which is reported as
 * {@link GuardEvent.Unguarded}, and the lease and the run key decide when it starts. Immutable and thread-safe.
 */
public final class QueuedJob {

    /** How long a place lives of which it is not known whether its job is stored, unless it is renewed. */
    static final Duration PROVISIONAL = Duration.ofSeconds(10);

    private static final int MOST_MARKS = 10_000;

    private final JobGuard guard;
    private final String job;
    private final LockKey key;
    private final String id;
    private final LockMode mode;
    private final boolean observes;
    private final Duration uniqueFor;
    private final Reservations reservations;

    /**
     * Describes a job that is queued, or that is taken from the queue.
     *
     * @param guard whose store keeps the place
     * @param job the job's name, for display
     * @param key what must be in the queue once
     * @param id the id of this job, the same in each of its attempts, and never that of another job; the rules of a
     *     {@link LockKey} apply, but for up to 1024 bytes
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
        this.observes = options.observe();
        this.uniqueFor = options.uniqueFor();
        this.reservations = RationedSource.reservations(guard.engine().store());
    }

    /**
     * Takes a place in the queue. Blocks for at most the store's answer timeout; and while somebody else is about to store the
     * same work, until it is known whether they did, for a second longer than such a place lives: at most eleven.
     *
     * @param queue where the job is about to be stored
     * @return why the job must not be queued, or the place
     */
    public QueueEntry enter(JobQueue queue) {
        return new QueueAttempt(this, queue, guard.transaction(), null).make();
    }

    /**
     * Takes a place in the queue as {@link #enter(JobQueue)} does, for one of several jobs that are stored by one call: the
     * others of it are not waited for.
     *
     * @param queue where the jobs are about to be stored
     * @param batch stands for that call
     * @return why the job must not be queued, or the place
     */
    public QueueEntry enter(JobQueue queue, Object batch) {
        return new QueueAttempt(this, queue, guard.transaction(), batch).make();
    }

    /** Says that the job starts, and that its run has been admitted. */
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
            // In two steps: one that is made late, when the job has ended, ends within seconds.
            ignoring(reserve()
                    .thenCompose(answer ->
                            answer instanceof Reservation.Made ? confirm() : CompletableFuture.completedFuture(false)));
        }
    }

    /** Says that the job has failed for the last time, was skipped or deleted. */
    public void ended() {
        at(LockMode.Stage.ENDED);
    }

    private void at(LockMode.Stage stage) {
        if (mode.frees(stage)) {
            ignoring(giveUp(id));
        }
    }

    /** A place that is not given up is free when its time is over. */
    private static void ignoring(CompletionStage<?> answer) {
        var unused = answer.exceptionally(unreachable -> null);
    }

    /** Asks for a place that lives for seconds. */
    CompletionStage<Reservation> reserve() {
        return reservations.reserve(new ReservationRequest(name(), id, 1, provisional()));
    }

    CompletionStage<Boolean> keep(Duration time) {
        return reservations.keep(name(), id, time);
    }

    /** Keeps the place of a job that is stored, for as long as it may have one. */
    CompletionStage<Boolean> confirm() {
        CompletionStage<Boolean> kept = keep(uniqueFor);
        return isMarked()
                ? kept.thenCombine(
                        reservations.reserve(new ReservationRequest(markName(), id, MOST_MARKS, uniqueFor)),
                        (had, marked) -> had)
                : kept;
    }

    /**
     * Whether a place is that of a job which is stored, and not one that may still end by itself within seconds. Blocks for at
     * most the store's answer timeout.
     */
    boolean isConfirmed(Reservation.Full place) {
        // Its holder may have other settings than this caller.
        if (place.left().compareTo(PROVISIONAL) > 0) {
            return true;
        }
        try {
            return reservations.holders(markName()).toCompletableFuture().join().contains(place.first());
        } catch (CompletionException | LeaseStoreException untold) {
            return false;
        }
    }

    /**
     * Whether a confirmed place has a mark beside it: its length does not tell. One that ends whatever happens to its job counts to
     * its last moment. A mark without its place means nothing, so it does not matter which of them is known first.
     */
    private boolean isMarked() {
        return mode == LockMode.UNTIL_EXPIRED || uniqueFor.compareTo(PROVISIONAL) <= 0;
    }

    CompletionStage<Boolean> giveUp(String holder) {
        if (isMarked()) {
            ignoring(reservations.giveUp(markName(), holder));
        }
        return reservations.giveUp(name(), holder);
    }

    /**
     * Asks a queue about a job.
     *
     * @param elsewhere whether to ask on another thread, as the calling one is in a transaction, which may show what was before
     */
    Fate fateIn(JobQueue queue, String of, boolean elsewhere) {
        try {
            return elsewhere ? fateElsewhere(queue, of) : queue.fateOf(of);
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
            return Fate.UNKNOWN;
        } catch (ExecutionException | TimeoutException | RuntimeException untold) {
            return Fate.UNKNOWN;
        }
    }

    private Fate fateElsewhere(JobQueue queue, String of)
            throws InterruptedException, ExecutionException, TimeoutException {
        CompletableFuture<Fate> question = CompletableFuture.supplyAsync(() -> queue.fateOf(of), lookups());
        try {
            return question.get(engine().answerTimeout().toMillis(), TimeUnit.MILLISECONDS);
        } finally {
            // One that still waits behind others, as the queue hangs, is not asked any more: nobody wants to know.
            boolean unused = question.cancel(false);
        }
    }

    /** A queue may block for as long as it likes, so nobody else uses these threads. */
    Executor lookups() {
        return guard.lookups();
    }

    Duration provisional() {
        return uniqueFor.compareTo(PROVISIONAL) < 0 ? uniqueFor : PROVISIONAL;
    }

    Engine engine() {
        return guard.engine();
    }

    String job() {
        return job;
    }

    String id() {
        return id;
    }

    /** Whether the job is queued whatever the answer is. */
    boolean observes() {
        return observes;
    }

    LockMode mode() {
        return mode;
    }

    String name() {
        return "queued:" + key.value();
    }

    private String markName() {
        return "stored:" + key.value();
    }

    /**
     * As what the fate of a place is waited for. Among those who wait for the key, it would take the wake-up of a run. A digest,
     * since a key may be as long as a run key, and so that it is nobody's run key.
     */
    JobIdentity fate() {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(name().getBytes(StandardCharsets.UTF_8));
            return new JobIdentity(null, new RunKey("queued~" + HexFormat.of().formatHex(digest)));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every JRE has SHA-256", impossible);
        }
    }

    JobIdentity identity() {
        return new JobIdentity(key, null);
    }
}
