package io.hapax.redis;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Runs what may have to connect first. A lazy Redisson client connects on the thread of its first caller; this lends
 * it a thread until the server has answered once, so that no caller is held up. Thread-safe.
 */
final class FirstConnection implements Executor {

    private final ThreadPoolExecutor thread =
            new ThreadPoolExecutor(0, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), FirstConnection::daemon);
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
            // Whoever asked is told by the answer timeout.
        }
    }

    void made() {
        made = true;
    }

    void close() {
        thread.shutdownNow();
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "hapax-redis-connect");
        thread.setDaemon(true);
        return thread;
    }
}
