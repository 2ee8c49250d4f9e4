package io.hapax.thread;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Something that one caller does at a time: others that come while it goes on leave it to the one that has started.
 *
 * <p>It ends whatever is thrown. An end that is lost, as where there was no memory for it, is not waited for: after a time others start
 * anew. Thread-safe.
 */
public final class OneAtATime {

    private static final long FREE = 0;

    private final long longest;
    private final LongSupplier clock;
    /** When it was started. */
    private final AtomicLong since = new AtomicLong(FREE);

    /**
     * Creates something that nobody does yet.
     *
     * @param longest how long it may take; what takes longer may be done twice at once
     */
    public OneAtATime(Duration longest) {
        this(longest, System::nanoTime);
    }

    OneAtATime(Duration longest, LongSupplier clock) {
        this.longest = longest.toNanos();
        this.clock = clock;
    }

    /**
     * Starts. The caller that does so calls {@link #end()}, whatever happens.
     *
     * @return false if another one is at it
     */
    public boolean start() {
        long before = since.get();
        long now = now();
        return (before == FREE || now - before > longest) && since.compareAndSet(before, now);
    }

    /** Says that it still goes on, from when on it may take the whole time once more. Only for the one that has started. */
    public void goesOn() {
        since.set(now());
    }

    /** Ends it. */
    public void end() {
        since.set(FREE);
    }

    /**
     * Tells whether it goes on.
     *
     * @return false if the next one may start
     */
    public boolean isGoing() {
        long before = since.get();
        return before != FREE && now() - before <= longest;
    }

    /** Never the number that stands for nobody. */
    private long now() {
        return clock.getAsLong() | 1;
    }

    /**
     * Asks, unless another one is asking; that ends with the answer.
     *
     * @param question asks
     * @return whether it has asked
     */
    public boolean ask(Supplier<? extends @Nullable CompletionStage<?>> question) {
        // Made before it starts: without memory for it, nothing has started.
        BiConsumer<@Nullable Object, @Nullable Throwable> over = (answer, failure) -> end();
        if (!start()) {
            return false;
        }
        boolean asked = false;
        try {
            CompletionStage<?> answer = question.get();
            if (answer != null) {
                var unused = answer.whenComplete(over);
                asked = true;
            }
            return asked;
        } finally {
            if (!asked) {
                end();
            }
        }
    }
}
