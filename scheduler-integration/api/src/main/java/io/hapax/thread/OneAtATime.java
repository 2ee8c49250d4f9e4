package io.hapax.thread;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Something that one does at a time: whoever comes while it goes on, leaves it to the one who has begun.
 *
 * <p>It ends whatever is thrown. An end that is lost, as where there was no memory for it, is not waited for: after a time others begin
 * anew. Thread-safe.
 */
public final class OneAtATime {

    private static final long FREE = 0;

    private final long longest;
    private final LongSupplier clock;
    /** When it was begun. */
    private final AtomicLong begun = new AtomicLong(FREE);

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
     * Begins. Whoever does so calls {@link #end()}, whatever happens.
     *
     * @return false if another one is at it
     */
    public boolean begin() {
        long before = begun.get();
        long now = now();
        return (before == FREE || now - before > longest) && begun.compareAndSet(before, now);
    }

    /** Says that it still goes on, from when on it may take the whole time once more. Only for whoever has begun. */
    public void goesOn() {
        begun.set(now());
    }

    /** Ends it. */
    public void end() {
        begun.set(FREE);
    }

    /**
     * Tells whether it goes on.
     *
     * @return false if the next one may begin
     */
    public boolean isGoing() {
        long before = begun.get();
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
        // Made before it begins: without memory for it, nothing has begun.
        BiConsumer<@Nullable Object, @Nullable Throwable> over = (answer, failure) -> end();
        if (!begin()) {
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
