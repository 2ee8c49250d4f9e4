package io.hapax;

import io.hapax.thread.GuardThreads;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * Hands asynchronous answers over to callers, whose code may follow and block, or run a whole job: on threads of its own, as those of a
 * store deliver the answers of all, and renewals with them. Thread-safe.
 */
final class Delivery {

    private static final int USUAL = 4;

    private final ExecutorService threads;

    Delivery(GuardThreads threads) {
        this.threads = threads.growingPool("hapax-answers", USUAL);
    }

    /** The same answer for a caller. One that is there already needs no thread: what follows it has the caller's. */
    <T> CompletableFuture<T> of(CompletableFuture<T> answer) {
        return of(answer, null);
    }

    /** @param events what listeners receive before the caller gets the answer, and on the same thread; null if nothing */
    <T> CompletableFuture<T> of(CompletableFuture<T> answer, @Nullable CallersEvents events) {
        if (answer.isDone()) {
            if (events != null) {
                events.deliver();
            }
            return answer;
        }
        CompletableFuture<T> delivered = new CompletableFuture<>();
        var unused = answer.whenComplete((value, failure) -> {
            try {
                threads.execute(() -> complete(events == null ? null : events::deliver, delivered, value, failure));
            } catch (Throwable noMemory) {
                // This thread is perhaps the store's, which no listener may hold.
                complete(events == null ? null : events::leave, delivered, value, failure);
            }
        });
        return delivered;
    }

    private static <T> void complete(
            @Nullable Runnable before, CompletableFuture<T> delivered, @Nullable T value, @Nullable Throwable failure) {
        try {
            if (before != null) {
                before.run();
            }
        } finally {
            boolean unused = failure == null ? delivered.complete(value) : delivered.completeExceptionally(failure);
        }
    }
}
