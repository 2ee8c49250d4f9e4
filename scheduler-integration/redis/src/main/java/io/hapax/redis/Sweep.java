package io.hapax.redis;

import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.redisson.api.RScript.ReturnType;

/**
 * Speaks to every bucket, so that one whose server lost its memory or was replaced begins its quarantine then, and not
 * when somebody needs it: at the start, as soon as one bucket has noticed, and now and then while there is work. A
 * renewal of nothing does it. Thread-safe.
 */
final class Sweep {

    private final Namespace namespace;
    private final Agreement agreement;
    private final Ticker ticker;
    private final Duration interval;
    private final AtomicBoolean running = new AtomicBoolean();
    private volatile NanoTime next;

    Sweep(Namespace namespace, Agreement agreement, Ticker ticker, Duration longestTtl) {
        this.namespace = namespace;
        this.agreement = agreement;
        this.ticker = ticker;
        this.interval = longestTtl.dividedBy(3);
        this.next = ticker.now().plus(interval);
        namespace.buckets().forEach(bucket -> bucket.onLoss(this::lost));
    }

    private void lost() {
        agreement.doubt();
        start();
    }

    /** Called with every call for leases; a single bucket needs no more than that call, unless it may have other settings. */
    void now() {
        if (!agreement.isSettled()) {
            start();
        }
        if (namespace.buckets().size() == 1) {
            return;
        }
        NanoTime now = ticker.now();
        if (!now.isBefore(next)) {
            next = now.plus(interval);
            start();
        }
    }

    /** Touches all buckets; completes when all have answered, and fails if one does not. */
    CompletableFuture<Void> touchAll() {
        CompletableFuture<?>[] calls = IntStream.range(0, namespace.buckets().size())
                .mapToObj(this::touch)
                .toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(calls);
    }

    /** What the buckets learn meanwhile starts no other one. */
    private void start() {
        if (running.compareAndSet(false, true)) {
            var unused = GuardThreads.ask(() -> CompletableFuture.allOf(touchAll(), agreement.renew()))
                    .whenComplete((done, failure) -> running.set(false));
        }
    }

    private CompletableFuture<Void> touch(int index) {
        Bucket bucket = namespace.buckets().get(index);
        CompletableFuture<List<Object>> answer = namespace
                .scripts()
                .call(
                        Script.RENEW,
                        ReturnType.LIST,
                        List.of(namespace.keyspace().meta(index)),
                        bucket.epoch(),
                        namespace.quarantine().whenNew(),
                        namespace.quarantine().whenLost(),
                        "");
        return answer.thenAccept(list -> bucket.saw((String) list.get(0)));
    }
}
