package io.hapax.redis;

import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sends something to servers of a quorum again and again, until they confirm it or it no longer matters. Thread-safe.
 *
 * <p>While a server is unreachable, only a limited number of messages is kept for it: no promise depends on them, and each takes
 * memory and calls.
 */
final class UntilHeard {

    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final int MOST = 512;

    private final QuorumLeaseStore.Wire wire;
    private final Ticker ticker;
    private final AtomicInteger open = new AtomicInteger();

    UntilHeard(QuorumLeaseStore.Wire wire, Ticker ticker) {
        this.wire = wire;
        this.ticker = ticker;
    }

    /**
     * Tells a server something.
     *
     * @param atMost for how long it matters
     * @return completes when it has been tried once
     */
    CompletableFuture<Void> tell(
            RedissonLeaseStore server, Duration atMost, Function<Completions, CompletionStage<Boolean>> what) {
        return new Telling(server, ticker.now().plus(atMost), what).attempt(FIRST_PAUSE);
    }

    /** How many are not confirmed. */
    int open() {
        return open.get();
    }

    private final class Telling {
        private final RedissonLeaseStore server;
        private final NanoTime end;
        private final Function<Completions, CompletionStage<Boolean>> what;
        private boolean counted;

        Telling(RedissonLeaseStore server, NanoTime end, Function<Completions, CompletionStage<Boolean>> what) {
            this.server = server;
            this.end = end;
            this.what = what;
        }

        /** One attempt at a time, each started by the end of the one before. */
        CompletableFuture<Void> attempt(Duration pause) {
            boolean sent = false;
            try {
                CompletionStage<Boolean> answer =
                        GuardThreads.ask(() -> wire.send(server, one -> what.apply(one.completions())));
                CompletableFuture<Void> over = answer.<Void>handle((heard, failure) -> {
                            ended(failure, pause);
                            return null;
                        })
                        .toCompletableFuture();
                sent = true;
                return over;
            } finally {
                if (!sent) {
                    forget();
                }
            }
        }

        private void ended(@Nullable Throwable failure, Duration pause) {
            boolean goesOn = false;
            try {
                goesOn = failure != null && again(pause);
            } finally {
                // Also where there is no memory for another attempt: it must not take a place from others.
                if (!goesOn) {
                    forget();
                }
            }
        }

        private boolean again(Duration pause) {
            if (server.completions().isClosed() || !ticker.now().plus(pause).isBefore(end) || !isKept()) {
                return false;
            }
            var unused = RedisThreads.THREADS.after(pause, RedisThreads.RETRIES, () -> {
                var ignored = attempt(pause.multipliedBy(2));
            });
            return true;
        }

        private boolean isKept() {
            if (!counted) {
                counted = open.incrementAndGet() <= MOST;
                if (!counted) {
                    open.decrementAndGet();
                }
            }
            return counted;
        }

        private void forget() {
            if (counted) {
                counted = false;
                open.decrementAndGet();
            }
        }
    }
}
