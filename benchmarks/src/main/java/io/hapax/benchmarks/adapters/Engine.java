package io.hapax.benchmarks.adapters;

/** A scheduler that carries out no-op jobs. Used by one thread. */
interface Engine extends AutoCloseable {

    /** Enqueues jobs; none of them starts. */
    void enqueue(int jobs) throws Exception;

    /** Lets the jobs start, and waits until all have run and their ends are recorded. */
    void run() throws Exception;

    /** Lets go of the threads of the last run. */
    void rest() throws Exception;

    @Override
    void close() throws Exception;
}
