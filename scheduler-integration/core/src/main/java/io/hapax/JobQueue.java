package io.hapax;

/**
 * The queue of a scheduler, as {@link QueuedJob} sees it: a caller that is refused because of another job asks first what has become
 * of that. Implementations are thread-safe.
 */
@FunctionalInterface
public interface JobQueue {

    /** What has become of a job. */
    enum Fate {
        /** It is queued or running. */
        PRESENT,
        /** It has succeeded. */
        SUCCEEDED,
        /** It has failed for the last time, was skipped or deleted. */
        ENDED,
        /** It is not stored: not yet, or not any more. */
        MISSING,
        /** Nobody can tell, or not here. */
        UNKNOWN
    }

    /**
     * Tells what has become of a job. May block; what it throws means {@link Fate#UNKNOWN}.
     *
     * @param id the id with which its {@link QueuedJob} was made
     * @return what has become of it
     */
    Fate fateOf(String id);
}
