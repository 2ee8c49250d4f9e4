package io.hapax.thread;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
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

    private final long longest;
    private final LongSupplier clock;
    /** Whose turn it is; null if it is free. */
    private final AtomicReference<@Nullable Turn> current = new AtomicReference<>();

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
     * One time that it is done. If that takes too long and another one has started, neither ends nor prolongs what that does.
     */
    public final class Turn {
        private volatile long since;

        private Turn(long since) {
            this.since = since;
        }

        /**
         * Says that it still goes on, from when on it may take the whole time once more. To be called by one thread at a time.
         *
         * @return false if another one has started meanwhile
         */
        public boolean goesOn() {
            since = clock.getAsLong();
            return current.get() == this;
        }

        /** Ends it. */
        public void end() {
            current.compareAndSet(this, null);
        }
    }

    /**
     * Starts. The caller that does so calls {@link Turn#end()}, whatever happens.
     *
     * @return its turn; null if another one is at it
     */
    public @Nullable Turn start() {
        Turn before = current.get();
        if (before != null && isInTime(before)) {
            return null;
        }
        Turn next = new Turn(clock.getAsLong());
        return current.compareAndSet(before, next) ? next : null;
    }

    /**
     * Tells whether it goes on.
     *
     * @return false if the next one may start
     */
    public boolean isGoing() {
        Turn before = current.get();
        return before != null && isInTime(before);
    }

    private boolean isInTime(Turn turn) {
        return clock.getAsLong() - turn.since <= longest;
    }

    /**
     * Asks, unless another one is asking; that ends with the answer.
     *
     * @param question asks
     * @return whether it has asked
     */
    public boolean ask(Supplier<? extends @Nullable CompletionStage<?>> question) {
        Turn turn = start();
        if (turn == null) {
            return false;
        }
        boolean asked = false;
        try {
            // Made before it is asked: without memory for it, nothing has been asked.
            BiConsumer<@Nullable Object, @Nullable Throwable> over = (given, failure) -> turn.end();
            CompletionStage<?> answer = question.get();
            if (answer != null) {
                var unused = answer.whenComplete(over);
                asked = true;
            }
            return asked;
        } finally {
            if (!asked) {
                turn.end();
            }
        }
    }
}
