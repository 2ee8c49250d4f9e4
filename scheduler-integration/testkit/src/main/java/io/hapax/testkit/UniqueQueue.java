package io.hapax.testkit;

import java.util.List;
import java.util.Optional;

/**
 * A scheduler's queue whose jobs are unique while they are queued, driven by a {@link QueueHistory}: in memory, on the history's
 * clock, without threads of its own. It tells the history when jobs are stored and when they end.
 */
public interface UniqueQueue extends AutoCloseable {

    /** What happens when a job is stored. */
    enum Storing {
        /** It is stored. */
        WORKS,
        /** It is not, and the caller gets the failure. */
        FAILS,
        /** It is, but the caller gets a failure. */
        FAILS_LATE,
        /** The process ends before the job is stored. */
        CRASHES_BEFORE,
        /** The process ends when the job is stored. */
        CRASHES_AFTER,
        /** It is stored in a transaction that commits. */
        COMMITS,
        /** It is stored in a transaction that rolls back. */
        ROLLS_BACK
    }

    /** What happens to a job that is running. */
    enum Work {
        /** It succeeds. */
        SUCCEEDS,
        /** It fails; perhaps it is retried. */
        FAILS,
        /** It loses its lease without taking notice. */
        LOSES_LEASE,
        /** Its process ends. */
        CRASHES
    }

    /**
     * Puts a job into the queue, on the calling thread.
     *
     * @param process where
     * @param work what it is for
     * @param storing what happens
     * @return the id of the job; empty if it was refused because the same work is queued
     * @throws RuntimeException if the caller gets a failure
     */
    Optional<String> enqueue(int process, String work, Storing storing);

    /**
     * Asks for a job that was queued before once more, if the scheduler knows that: it ignores what it knows.
     *
     * @param process where
     * @param id the id of the job
     */
    void enqueueAgain(int process, String id);

    /**
     * Lists the jobs that could be run now.
     *
     * @return their ids
     */
    List<String> due();

    /**
     * Runs a job, on the calling thread.
     *
     * @param process where
     * @param id the id of the job
     * @param work what happens to it
     */
    void run(int process, String id, Work work);

    /**
     * Runs something of which only a limited number may be active at once, on the calling thread. It is not queued, and is dropped if
     * others block it.
     *
     * @param process where
     * @param limit how many, as this run states; others may state another limit
     * @param body what it does
     */
    void runLimited(int process, int limit, Runnable body);

    /**
     * Takes a queued job away, as a person does.
     *
     * @param id the id of the job
     * @param forGood whether nothing is left of it
     */
    void delete(String id, boolean forGood);

    /**
     * Puts a job that has succeeded into the queue again, as a person does, if the scheduler knows that.
     *
     * @param id the id of the job
     * @return whether it is queued now
     */
    boolean requeue(String id);

    /**
     * Renews what processes that are alive hold.
     */
    void renew();

    @Override
    void close();
}
