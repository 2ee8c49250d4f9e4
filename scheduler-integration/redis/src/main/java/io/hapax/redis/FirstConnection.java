package io.hapax.redis;

import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;

/**
 * Runs what may have to connect first. A lazy Redisson client connects on the thread of its first caller; this lends
 * it a thread until the server has answered once, so that no caller is held up. Thread-safe.
 */
final class FirstConnection implements Executor {

    private final ExecutorService thread = RedisThreads.THREADS.pool("hapax-redis-connect", 1);
    private volatile boolean made;

    FirstConnection(boolean lazy) {
        this.made = !lazy;
    }

    @Override
    public void execute(Runnable call) {
        if (made) {
            call.run();
            return;
        }
        try {
            thread.execute(call);
        } catch (RejectedExecutionException closed) {
            // The caller learns it from the answer timeout.
        }
    }

    void made() {
        made = true;
    }

    void close() {
        thread.shutdownNow();
    }
}
