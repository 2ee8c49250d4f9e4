package io.hapax.testkit;

import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Calls code of a test on a thread of its own, which it may block for as long as it likes. On two cores the common pool of
 * {@link CompletableFuture} has one thread, for which all others would wait.
 */
public final class OwnThread {

    private OwnThread() {}

    /**
     * Calls code on a thread that ends with it.
     *
     * @param code is called once; what it throws fails the answer
     * @param <T> of the answer
     * @return the answer
     */
    public static <T extends @Nullable Object> CompletableFuture<T> supply(Supplier<T> code) {
        return CompletableFuture.supplyAsync(code, OwnThread::start);
    }

    /**
     * Runs code on a thread that ends with it.
     *
     * @param code is run once; what it throws fails the answer
     * @return the answer
     */
    public static CompletableFuture<Void> run(Runnable code) {
        return CompletableFuture.runAsync(code, OwnThread::start);
    }

    private static void start(Runnable code) {
        Thread thread = new Thread(code, "own-thread");
        thread.setDaemon(true);
        thread.start();
    }
}
