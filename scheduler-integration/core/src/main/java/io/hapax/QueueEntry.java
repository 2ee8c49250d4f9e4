package io.hapax;

import io.hapax.event.Refusal;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The answer to {@link QueuedJob#enter}. If it is no refusal, the job has a place for seconds, which is renewed until the caller
 * says whether the job was stored: then it stays, or is given back. If the process ends before that, the place ends
 * by itself within seconds.
 */
public final class QueueEntry {

    private final @Nullable Refusal refusal;
    private final @Nullable PendingPlace place;

    private QueueEntry(@Nullable Refusal refusal, @Nullable PendingPlace place) {
        this.refusal = refusal;
        this.place = place;
    }

    static QueueEntry refused(Refusal refusal) {
        return new QueueEntry(refusal, null);
    }

    static QueueEntry at(PendingPlace place) {
        return new QueueEntry(null, place);
    }

    /** Nobody can tell whether the same work is queued, so it is queued. */
    static QueueEntry withoutPlace() {
        return new QueueEntry(null, null);
    }

    /**
     * Tells why the job must not be queued.
     *
     * @return the refusal; empty if it may be queued
     */
    public Optional<Refusal> refusal() {
        return Optional.ofNullable(refusal);
    }

    /** Says that the scheduler has stored the job, in the caller's transaction if there is one. Does not block. */
    public void stored() {
        if (place != null) {
            place.stored();
        }
    }

    /** Says that storing the job failed. Blocks until it is known whether it is stored all the same. */
    public void failed() {
        if (place != null) {
            place.failed();
        }
    }
}
