package io.hapax.redis;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RTopic;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes whoever waits for a key, or for one of its slots, when a release of any of them was published. One subscription a process, opened by the first waiter;
 * messages may be lost, so every wait also ends by itself. Thread-safe.
 */
final class WakeUps {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private final RTopic topic;
    private final FirstConnection connection;
    private final Consumer<String> missed;
    private final AtomicBoolean subscribed = new AtomicBoolean();
    private final ConcurrentHashMap<String, List<CompletableFuture<Void>>> waiting = new ConcurrentHashMap<>();
    private volatile @Nullable Integer listener;
    private volatile boolean closed;

    /**
     * Creates the wake-ups of one store.
     *
     * @param missed is told the keys that were waited for before the subscription stood: a release of them may have
     *     gone unheard; answers by {@link #wake} if the key is free
     */
    WakeUps(RedissonClient redisson, FirstConnection connection, String channel, Consumer<String> missed) {
        this.topic = redisson.getTopic(channel, StringCodec.INSTANCE);
        this.connection = connection;
        this.missed = missed;
    }

    CompletableFuture<Void> await(String leaseKey, Duration atMost) {
        CompletableFuture<Void> wait = new CompletableFuture<>();
        waiting.compute(leaseKey, (key, others) -> {
            List<CompletableFuture<Void>> all = others == null ? new CopyOnWriteArrayList<>() : others;
            all.add(wait);
            return all;
        });
        var unused = wait.whenComplete((ended, cancelled) -> forget(leaseKey, wait));
        if (closed) {
            wait.complete(null);
            return wait;
        }
        if (subscribed.compareAndSet(false, true)) {
            try {
                connection.execute(this::subscribe);
            } catch (Throwable noThread) {
                failed(noThread);
            }
        }
        return RedisThreads.endingAfter(atMost, wait, () -> wait.complete(null));
    }

    int waiters() {
        return waiting.values().stream().mapToInt(List::size).sum();
    }

    void wake(String leaseKey) {
        List<CompletableFuture<Void>> all = waiting.get(leaseKey);
        if (all != null) {
            all.forEach(wait -> wait.complete(null));
        }
    }

    /** Ends all waiting, and the subscription if the client outlives the store. */
    void close(boolean clientLives) {
        closed = true;
        Integer own = listener;
        if (clientLives && own != null) {
            unsubscribe(own);
        }
        waiting.keySet().forEach(this::wake);
    }

    private void forget(String leaseKey, CompletableFuture<Void> wait) {
        waiting.computeIfPresent(leaseKey, (key, all) -> {
            all.removeIf(other -> other == wait);
            return all.isEmpty() ? null : all;
        });
    }

    private void subscribe() {
        try {
            var unused = topic.addListenerAsync(String.class, (channel, leaseKey) -> wake(leaseKey))
                    .whenComplete((id, failure) -> {
                        if (failure == null) {
                            stands(id);
                        } else {
                            failed(failure);
                        }
                    });
        } catch (Throwable unreachable) {
            failed(unreachable);
        }
    }

    private void stands(Integer id) {
        listener = id;
        if (closed) {
            unsubscribe(id);
        } else {
            waiting.keySet().forEach(key -> RedisThreads.THREADS.call("looking at a key", () -> missed.accept(key)));
        }
    }

    private void unsubscribe(Integer id) {
        try {
            var unused = topic.removeListenerAsync(id).exceptionally(unreachable -> null);
        } catch (Throwable unreachable) {
            LOG.debug("could not unsubscribe: {}", unreachable.toString());
        }
    }

    private void failed(Throwable failure) {
        subscribed.set(false);
        LOG.debug("no wake-ups for now, waiting runs poll: {}", failure.toString());
    }
}
