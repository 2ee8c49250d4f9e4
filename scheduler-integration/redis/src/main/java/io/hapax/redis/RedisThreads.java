package io.hapax.redis;

import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The threads of this module. */
final class RedisThreads {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; the store goes on", what, failure));

    /** Callers continue here when their answer does not come in time; it outlives stores that are closed. */
    static final ExecutorService OVERDUE = THREADS.growingPool("hapax-redis-overdue", 16);

    /** Retries continue here after their pause. */
    static final ExecutorService RETRIES = THREADS.growingPool("hapax-redis-retries", 4);

    /** Who waited goes on there where the thread that frees the key is a caller's own. */
    static final ExecutorService WAKE_UPS = THREADS.growingPool("hapax-redis-wake-ups", 4);

    /** Clients that may be dead are looked at there. */
    static final ExecutorService CLIENTS = THREADS.growingPool("hapax-redis-clients", 1);

    private RedisThreads() {}

    /** Ends a wait that is not over in time. */
    static <T> CompletableFuture<T> endingAfter(Duration time, CompletableFuture<T> wait, Runnable end) {
        Runnable cancel = THREADS.after(time, OVERDUE, end);
        var unused = wait.whenComplete((value, failure) -> cancel.run());
        return wait;
    }

    /** Lets a wait fail with a {@link TimeoutException} that is not over in time. */
    static <T> CompletableFuture<T> failingAfter(Duration time, CompletableFuture<T> wait) {
        Runnable cancel = THREADS.overdue(time, OVERDUE, () -> wait.completeExceptionally(new TimeoutException()));
        var unused = wait.whenComplete((value, failure) -> cancel.run());
        return wait;
    }
}
