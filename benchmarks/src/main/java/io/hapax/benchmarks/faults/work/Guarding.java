package io.hapax.benchmarks.faults.work;

/** One contender: how it keeps runs from happening twice. */
interface Guarding extends AutoCloseable {

    /** Whether a delivery is settled, or ought to come again. */
    enum Answer {
        SETTLED,
        LATER
    }

    /** Runs a delivery of the queue, if it may. */
    Answer attempt(Occurrence occurrence) throws Exception;

    /** Starts the recurring job, and any work that the contender fetches itself. */
    void start() throws Exception;

    /** Ends as a process does that was asked to. */
    @Override
    void close() throws Exception;
}
