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
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Ends what has waited too long with a {@link LeaseStoreException}. All waits are equally long, so they end in the order in
 * which they started, and one timer does for all: a timer for each would wake its thread at
 * each call of a process that makes one at a time. Thread-safe.
 */
final class AnswerTimeouts {

    private static final Duration SHORTEST = Duration.ofMillis(1);
    private static final Duration LATE = Duration.ofSeconds(1);
    /** An alarm that rings so late shows that this process stood still: answers that have arrived are yet to be read. */
    private static final Duration STALL = Duration.ofMillis(50);
    /** So long they have for it. */
    private static final Duration GRACE = Duration.ofMillis(100);

    private final Duration timeout;
    private final Ticker ticker;
    private final String message;
    private final Executor overdue;
    private final Alarms alarms;
    private final Queue<Wait> waits = new ConcurrentLinkedQueue<>();
    /** By when the alarm that is set has rung, or never will; null if none is set. */
    private final AtomicReference<@Nullable NanoTime> lostAt = new AtomicReference<>();
    /** Whether the last alarm rang late. */
    private volatile boolean stalled;

    /** Calls a task after a time. */
    interface Alarms {
        void after(Duration delay, Runnable task);
    }

    AnswerTimeouts(Duration timeout, Ticker ticker, String server) {
        this(timeout, ticker, server, RedisThreads.OVERDUE);
    }

    /** Waits end on threads of the executor. */
    AnswerTimeouts(Duration timeout, Ticker ticker, String server, Executor overdue) {
        this(timeout, ticker, server, overdue, (delay, task) -> {
            var unused = RedisThreads.THREADS.after(delay, Runnable::run, task);
        });
    }

    AnswerTimeouts(Duration timeout, Ticker ticker, String server, Executor overdue, Alarms alarms) {
        this.alarms = alarms;
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
        arm(now, SHORTEST);
    }

    /** An alarm that should have rung long ago was lost, as where there is no memory, and is set anew. */
    private void arm(NanoTime now, Duration least) {
        Wait first = waits.peek();
        NanoTime lost = lostAt.get();
        if (first == null || (lost != null && now.isBefore(lost))) {
            return;
        }
        Duration left = first.end().since(now);
        Duration delay = left.compareTo(least) < 0 ? least : left;
        NanoTime next = now.plus(delay).plus(timeout).plus(LATE);
        if (lostAt.compareAndSet(lost, next)) {
            boolean isSet = false;
            try {
                alarms.after(delay, this::look);
                isSet = true;
            } finally {
                if (!isSet) {
                    // The next wait sets the alarm.
                    lostAt.compareAndSet(next, null);
                }
            }
        }
    }

    /** Runs on the timer's thread, so what depends on the answers goes on elsewhere. */
    private void look() {
        Duration least = SHORTEST;
        try {
            NanoTime now = ticker.now();
            Wait first = waits.peek();
            stalled = !stalled && first != null && first.end().plus(STALL).isBefore(now);
            if (stalled) {
                least = GRACE;
            } else {
                endOverdue(now);
            }
        } finally {
            lostAt.set(null);
            arm(ticker.now(), least);
        }
    }

    private void endOverdue(NanoTime now) {
        for (Wait first = waits.peek();
                first != null && (first.answer().isDone() || !now.isBefore(first.end()));
                first = waits.peek()) {
            // Before it is forgotten: there may be no memory for it.
            end(first, message);
            boolean unused = waits.remove(first);
        }
    }

    /** How long answers are waited for. */
    Duration timeout() {
        return timeout;
    }

    /** Ends a wait whose time is over on this thread. */
    void fail(CompletableFuture<?> answer) {
        answer.completeExceptionally(new LeaseStoreException(message, new TimeoutException()));
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
