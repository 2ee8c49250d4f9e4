package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Ends what has waited too long with a {@link LeaseStoreException}. All waits are equally long, so they end in the order in
 * which they began, and one timer does for all: {@link CompletableFuture#orTimeout} would wake the JDK's timer thread at
 * each call of a process that makes one at a time. Thread-safe.
 */
final class AnswerTimeouts {

    private final Duration timeout;
    private final Ticker ticker;
    private final String message;
    private final Queue<Wait> waits = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean armed = new AtomicBoolean();

    AnswerTimeouts(Duration timeout, Ticker ticker, String server) {
        this.timeout = timeout;
        this.ticker = ticker;
        this.message = "Redis at " + server + " gave no answer within " + timeout.toMillis() + " ms";
    }

    private record Wait(CompletableFuture<?> answer, NanoTime end) {}

    /** Lets an answer fail unless it is there in time. */
    void watch(CompletableFuture<?> answer) {
        NanoTime now = ticker.now();
        Wait first = waits.peek();
        // Answers come about as they were asked for, so little is kept that is over.
        while (first != null && first.answer().isDone() && waits.remove(first)) {
            first = waits.peek();
        }
        waits.add(new Wait(answer, now.plus(timeout)));
        arm(now);
    }

    private void arm(NanoTime now) {
        Wait first = waits.peek();
        if (first != null && armed.compareAndSet(false, true)) {
            long nanos = Math.max(1_000_000, first.end().since(now).toNanos());
            CompletableFuture.delayedExecutor(nanos, TimeUnit.NANOSECONDS, Runnable::run)
                    .execute(this::look);
        }
    }

    /** Runs on the JDK's timer thread, which must not be held up: what depends on the answers goes on elsewhere. */
    private void look() {
        NanoTime now = ticker.now();
        for (Wait first = waits.peek();
                first != null && (first.answer().isDone() || !now.isBefore(first.end()));
                first = waits.peek()) {
            waits.remove(first);
            CompletableFuture<?> answer = first.answer();
            if (!answer.isDone()) {
                CompletableFuture<?> unused = CompletableFuture.runAsync(
                        () -> answer.completeExceptionally(new LeaseStoreException(message, new TimeoutException())));
            }
        }
        armed.set(false);
        arm(now);
    }

    /** How many waits are kept, of which some may be over. */
    int size() {
        return waits.size();
    }
}
