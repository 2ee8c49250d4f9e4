package io.hapax;

import io.hapax.JobQueue.Fate;
import io.hapax.lease.LeaseStoreException;
import io.hapax.time.NanoTime;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A place in a queue, from when it was asked for until the store knows whether it stays.
 *
 * <p>Renewed by the watchdog. Whatever is carried out late does no harm: the holder stands for this ask alone, and keeping a
 * place makes none. Thread-safe.
 */
final class PendingPlace extends Charge {

    private static final Logger LOG = LoggerFactory.getLogger(JobGuard.class);
    /** Those of this process, by name and holder. */
    private static final Map<String, PendingPlace> ALL = new ConcurrentHashMap<>();

    private static final int RENEWALS = 3;

    private final QueuedJob job;
    private final JobQueue queue;
    private final @Nullable CallersTransaction transaction;
    /** What it stands or falls with: the jobs that are stored by the same call; else nothing. */
    private final @Nullable Object batch;

    private final Thread caller = Thread.currentThread();
    /** Whether the caller has said what became of the job, or its transaction has. */
    private volatile boolean decided;

    private volatile boolean confirming;
    /** The store may have forgotten it from then on. */
    private volatile NanoTime keptUntil;

    PendingPlace(
            QueuedJob job,
            JobQueue queue,
            @Nullable CallersTransaction transaction,
            @Nullable Object batch,
            NanoTime asked) {
        this.job = job;
        this.queue = queue;
        this.transaction = transaction;
        this.batch = batch;
        this.keptUntil = asked.plus(job.provisional());
    }

    static @Nullable PendingPlace find(String name, String holder) {
        return ALL.get(key(name, holder));
    }

    private static String key(String name, String holder) {
        return name + "\n" + holder;
    }

    void begin() {
        ALL.put(key(job.name(), job.id()), this);
        job.engine().watchdog().add(this, job.engine().now().plus(interval()));
    }

    private Duration interval() {
        return job.provisional().dividedBy(RENEWALS);
    }

    private void end() {
        ALL.remove(key(job.name(), job.id()), this);
        job.engine().watchdog().remove(this);
    }

    boolean isOfBatch(@Nullable Object other) {
        return batch != null && batch == other;
    }

    boolean isIn(@Nullable CallersTransaction other) {
        return transaction != null && transaction.equals(other);
    }

    /** Whether it can end only after the calling thread has gone on. */
    boolean waitsForCaller() {
        return !decided && caller == Thread.currentThread();
    }

    void stored() {
        if (transaction == null) {
            confirm();
            return;
        }
        try {
            transaction.whenEnded(this::transactionEnded);
        } catch (RuntimeException tooLate) {
            job.lookups().execute(this::settle);
        }
    }

    private void transactionEnded(CallersTransaction.Outcome outcome) {
        decided = true;
        if (outcome == CallersTransaction.Outcome.COMMITTED) {
            confirm();
        } else {
            // The queue may have been no part of the transaction. Its connection is not free yet, hence another thread.
            job.lookups().execute(this::settle);
        }
    }

    void failed() {
        decided = true;
        settle(job.fateIn(queue, job.id(), transaction != null));
    }

    private void settle() {
        settle(job.fateIn(queue, job.id(), false));
    }

    private void settle(Fate fate) {
        switch (fate) {
            case MISSING -> giveBack();
            // It ends by itself.
            case UNKNOWN -> end();
            case PRESENT, SUCCEEDED, ENDED -> confirm();
        }
    }

    /** Frees a place whose job is not stored. Blocks for at most the store's answer timeout. */
    void giveBack() {
        end();
        quietly(job.giveUp(job.id()));
    }

    private void confirm() {
        decided = true;
        confirming = true;
        keep();
    }

    private void keep() {
        NanoTime sent = job.engine().now();
        boolean last = confirming;
        CompletionStage<Boolean> kept;
        try {
            kept = last ? job.confirm() : job.keep(job.provisional());
        } catch (RuntimeException refused) {
            end();
            return;
        }
        var unused = kept.whenComplete((had, failure) -> {
            if (failure == null && last) {
                end();
            } else if (failure == null) {
                keptUntil = sent.plus(job.provisional());
            }
        });
    }

    /** A confirmation without an answer is repeated for as long as the place can be there. */
    @Override
    Action act(NanoTime now) {
        // A guard that is shut down is waited for by the code that closes the store.
        if (!now.isBefore(keptUntil) || job.engine().admissions().isClosed()) {
            ALL.remove(key(job.name(), job.id()), this);
            return Action.FORGET;
        }
        job.engine().watchdog().later(this::keep);
        return new Action(false, now.plus(interval()));
    }

    @Override
    Duration ttl() {
        return job.provisional();
    }

    /** A place that is not given up is free when its time is over. */
    static void quietly(CompletionStage<?> answer) {
        try {
            answer.toCompletableFuture().join();
        } catch (CompletionException | LeaseStoreException unheard) {
            LOG.debug("a place in a queue was not given back, and ends by itself", unheard);
        }
    }
}
