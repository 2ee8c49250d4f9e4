package io.hapax.redis;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.redisson.api.RTopic;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes whoever waits for a key when a release was published. One subscription a process, opened by the first waiter;
 * messages may be lost, so every wait also ends by itself. Thread-safe.
 */
final class WakeUps {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    private final RTopic topic;
    private final AtomicBoolean subscribed = new AtomicBoolean();
    private final ConcurrentHashMap<String, List<CompletableFuture<Void>>> waiting = new ConcurrentHashMap<>();

    WakeUps(RedissonClient redisson, String channel) {
        this.topic = redisson.getTopic(channel, StringCodec.INSTANCE);
    }

    CompletableFuture<Void> await(String leaseKey, Duration atMost) {
        subscribe();
        CompletableFuture<Void> wait = new CompletableFuture<>();
        waiting.compute(leaseKey, (key, others) -> {
            List<CompletableFuture<Void>> all = others == null ? new CopyOnWriteArrayList<>() : others;
            all.add(wait);
            return all;
        });
        var unused = wait.whenComplete((ended, cancelled) -> forget(leaseKey, wait));
        return wait.completeOnTimeout(null, Math.max(1, atMost.toMillis()), TimeUnit.MILLISECONDS);
    }

    int waiters() {
        return waiting.values().stream().mapToInt(List::size).sum();
    }

    void close() {
        waiting.values().forEach(all -> all.forEach(wait -> wait.complete(null)));
    }

    private void forget(String leaseKey, CompletableFuture<Void> wait) {
        waiting.computeIfPresent(leaseKey, (key, all) -> {
            all.removeIf(other -> other == wait);
            return all.isEmpty() ? null : all;
        });
    }

    private void subscribe() {
        if (!subscribed.compareAndSet(false, true)) {
            return;
        }
        var unused = topic.addListenerAsync(String.class, (channel, leaseKey) -> wake(leaseKey))
                .whenComplete((id, failure) -> {
                    if (failure != null) {
                        subscribed.set(false);
                        LOG.debug("no wake-ups for now, waiting runs poll: {}", failure.toString());
                    }
                });
    }

    private void wake(String leaseKey) {
        List<CompletableFuture<Void>> all = waiting.get(leaseKey);
        if (all != null) {
            all.forEach(wait -> wait.complete(null));
        }
    }
}
