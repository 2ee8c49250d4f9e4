package io.hapax.redis;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * For how long this worker counts as one that may have leases of its longest ttl: from when it last compared settings, or rather from
 * before it asked. Others reckon with it for longer. Thread-safe.
 */
final class Term {

    static final Duration USUAL = Duration.ofMinutes(10);

    /** Who has noted something, for operators. */
    static final String WHO = "process " + ProcessHandle.current().pid() + host() + ", version " + version();

    /** Several looks have to fail until a worker counts no more. */
    private static final int LOOKS = 4;

    private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);

    private final Duration length;
    private final @Nullable Duration pause;
    private final Ticker ticker;
    private volatile @Nullable NanoTime end;
    private volatile Runnable cancel = () -> {};
    private volatile boolean closed;

    /** With the pause between two looks, if it is not to follow from the rest. */
    Term(Duration length, @Nullable Duration pause, Ticker ticker) {
        this.length = length;
        this.pause = pause;
        this.ticker = ticker;
    }

    private static String host() {
        String known = System.getenv("HOSTNAME");
        return known == null || known.isBlank() ? "" : " on " + known;
    }

    private static String version() {
        String known = Term.class.getPackage().getImplementationVersion();
        return known == null ? "unknown" : known;
    }

    NanoTime now() {
        return ticker.now();
    }

    String millis() {
        return Long.toString(length.toMillis());
    }

    /** Starts anew, from when others were asked. */
    void from(NanoTime asked) {
        NanoTime later = asked.plus(length);
        NanoTime before = end;
        if (before == null || before.isBefore(later)) {
            end = later;
        }
    }

    /** Not before it has started. */
    boolean isOver() {
        NanoTime known = end;
        return known != null && !ticker.now().isBefore(known);
    }

    /**
     * Lets something be done again and again, so often that this worker learns of a longer ttl of others before the wait is over
     * with which that is introduced.
     */
    void repeat(Duration longestTtl, BooleanSupplier isOver, Supplier<CompletableFuture<Void>> look) {
        Duration most = length.dividedBy(LOOKS);
        Duration wanted = longestTtl.compareTo(most) < 0 ? longestTtl : most;
        Duration fitting = wanted.compareTo(SHORTEST_PAUSE) < 0 ? SHORTEST_PAUSE : wanted;
        cancel = RedisThreads.THREADS.after(pause == null ? fitting : pause, RedisThreads.RETRIES, () -> {
            if (closed || isOver.getAsBoolean()) {
                return;
            }
            var unused = look.get().whenComplete((done, failure) -> repeat(longestTtl, isOver, look));
        });
        if (closed) {
            cancel.run();
        }
    }

    void close() {
        closed = true;
        cancel.run();
    }
}
