package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Ends what has waited too long with a {@link LeaseStoreException}. All waits are equally long, so they end in the order in
 * which they started, and one timer does for all: a timer for each would wake its thread at
 * each call of a process that makes one at a time. Thread-safe.
 */
final class AnswerTimeouts {

    private final Duration timeout;
    private final Ticker ticker;
    private final String message;
    private final Executor overdue;
    private final Queue<Wait> waits = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean armed = new AtomicBoolean();

    AnswerTimeouts(Duration timeout, Ticker ticker, String server) {
        this(timeout, ticker, server, RedisThreads.OVERDUE);
    }

    /** Waits end on threads of the executor. */
    AnswerTimeouts(Duration timeout, Ticker ticker, String server, Executor overdue) {
        this.overdue = overdue;
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
            boolean isSet = false;
            try {
                long nanos = Math.max(1_000_000, first.end().since(now).toNanos());
                var unused = RedisThreads.THREADS.after(Duration.ofNanos(nanos), Runnable::run, this::look);
                isSet = true;
            } finally {
                if (!isSet) {
                    // The next wait sets the timer.
                    armed.set(false);
                }
            }
        }
    }

    /** Runs on the timer's thread, so what depends on the answers goes on elsewhere. */
    private void look() {
        try {
            endOverdue(ticker.now());
        } finally {
            armed.set(false);
            arm(ticker.now());
        }
    }

    private void endOverdue(NanoTime now) {
        for (Wait first = waits.peek();
                first != null && (first.answer().isDone() || !now.isBefore(first.end()));
                first = waits.peek()) {
            if (waits.remove(first)) {
                end(first, message);
            }
        }
    }

    private void end(Wait wait, String message) {
        if (!wait.answer().isDone()) {
            overdue.execute(() ->
                    wait.answer().completeExceptionally(new LeaseStoreException(message, new TimeoutException())));
        }
    }

    /** Ends all waits at once. */
    void endAll(String why) {
        for (Wait first = waits.poll(); first != null; first = waits.poll()) {
            end(first, why);
        }
    }

    /** How many waits are kept, of which some may be over. */
    int size() {
        return waits.size();
    }
}
