package io.hapax.redis;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A question that one asks and others join, until it is answered. One whose answer is lost, as where there was no memory for it, is not
 * joined for longer than a time. Guarded by the lock of its owner.
 */
final class Joined<T> {

    private final long longest;
    private @Nullable CompletableFuture<T> going;
    private long since;

    /** @param longest in which any answer has come, or failed, if ever */
    Joined(Duration longest) {
        this.longest = longest.toNanos();
    }

    /** What is being asked; null if nothing is. */
    @Nullable
    CompletableFuture<T> present() {
        CompletableFuture<T> present = going;
        return present == null || present.isDone() || System.nanoTime() - since > longest ? null : present;
    }

    /** Has others join a question that was just asked. */
    CompletableFuture<T> asked(CompletableFuture<T> question) {
        since = System.nanoTime();
        going = question;
        return question;
    }
}
