package io.hapax.benchmarks.cycle;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A way to take a lock that nobody else wants, and to give it back. Thread-safe. */
interface Contender extends AutoCloseable {

    /** Takes the lock of this name and gives it back; fails if it was not free. */
    void cycle(String key) throws Exception;

    /** Does so without blocking; by default a contender cannot. */
    default CompletionStage<?> cycleAsync(String key) {
        return CompletableFuture.failedFuture(new UnsupportedOperationException(getClass() + " only blocks"));
    }

    @Override
    void close();
}
