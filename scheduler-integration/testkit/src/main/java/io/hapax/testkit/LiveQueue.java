package io.hapax.testkit;

import io.hapax.testkit.UniqueQueue.Storing;
import java.util.Optional;

/**
 * The queue of a real scheduler whose jobs are unique while they are queued, and that runs them on threads of its own, driven by a
 * {@link LiveQueueHistory}. It tells the history when jobs are stored and when they end. Thread-safe.
 */
public interface LiveQueue {

    /**
     * Puts a job into the queue, on the calling thread.
     *
     * @param work what it is for
     * @param storing what happens; no process crashes
     * @return the id of the job; empty if it was refused because the same work is queued
     * @throws RuntimeException if the caller is notified of a failure
     */
    Optional<String> enqueue(String work, Storing storing);

    /**
     * Asks for a job that was queued before once more, if the scheduler knows that: it ignores what it knows.
     *
     * @param id the id of the job
     */
    void enqueueAgain(String id);

    /**
     * Takes a job away, as a person does, unless it has changed meanwhile.
     *
     * @param id the id of the job
     * @param forGood whether nothing is left of it
     */
    void delete(String id, boolean forGood);

    /**
     * Puts a job that has succeeded into the queue again, as a person does, if the scheduler knows that and it is there.
     *
     * @param id the id of the job
     */
    void requeue(String id);
}
