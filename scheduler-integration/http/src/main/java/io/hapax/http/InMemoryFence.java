package io.hapax.http;

import io.hapax.lease.FencingToken;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;

/** In the memory of one process. What is too old is looked for every so many requests, so that keys do not pile up. */
final class InMemoryFence implements Fence {

    private static final int SWEEP_EVERY = 1_000;

    private final ConcurrentMap<String, Seen> seen = new ConcurrentHashMap<>();
    private final AtomicInteger raised = new AtomicInteger();
    private final Duration retention;
    private final Ticker ticker;

    private record Seen(FencingToken token, NanoTime at) {}

    InMemoryFence(Duration retention, Ticker ticker) {
        this.retention = retention;
        this.ticker = ticker;
    }

    @Override
    public FencingToken raise(String key, FencingToken token) {
        NanoTime now = ticker.now();
        if (raised.incrementAndGet() % SWEEP_EVERY == 0) {
            seen.values().removeIf(each -> isOver(each, now));
        }
        return seen.merge(key, new Seen(token, now), (before, next) -> {
                    boolean higher = isOver(before, now) || before.token().compareTo(token) < 0;
                    return higher ? next : new Seen(before.token(), now);
                })
                .token();
    }

    private boolean isOver(Seen each, NanoTime now) {
        return now.since(each.at()).compareTo(retention) >= 0;
    }

    /** For tests. */
    int size() {
        return seen.size();
    }
}
