package io.hapax.redis;

import io.hapax.thread.GuardThreads;
import io.hapax.thread.OneAtATime;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.redisson.api.RScript.ReturnType;

/**
 * Calls every bucket, so that a bucket whose server lost its memory or was replaced starts its quarantine at once, and not when
 * somebody needs it: at the start, as soon as one bucket has noticed a loss, and from time to time while there is work. The call is a
 * renewal of no leases. Buckets that did not answer are called again for as long as a lease may last. Thread-safe.
 */
final class Sweep {

    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);

    private final Namespace namespace;
    private final Agreement agreement;
    private final Ticker ticker;
    private final Duration longestTtl;
    private final Duration interval;
    private final List<Integer> all;
    /** How often somebody has asked for a sweep. */
    private final AtomicInteger asked = new AtomicInteger();

    /** Between two steps of a sweep are pauses, which become as long as it matters. */
    private final OneAtATime going;

    /** Made beforehand: once it has started there may be no memory for it. */
    private final Consumer<OneAtATime.Turn> first = this::begin;

    private volatile NanoTime next;

    Sweep(Namespace namespace, Agreement agreement, Ticker ticker, Duration longestTtl) {
        this.namespace = namespace;
        this.agreement = agreement;
        this.ticker = ticker;
        this.longestTtl = longestTtl;
        this.interval = longestTtl.dividedBy(3);
        this.going = new OneAtATime(longestTtl.multipliedBy(2));
        this.next = ticker.now().plus(interval);
        this.all = IntStream.range(0, namespace.buckets().size()).boxed().toList();
        namespace.buckets().forEach(bucket -> bucket.onLoss(this::lost));
    }

    private void lost() {
        agreement.doubt();
        start();
    }

    /** Called with every call for leases; a single bucket needs no more than that call, unless it may have other settings. */
    void now() {
        if (!agreement.isSettled() && !going.isGoing()) {
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
        return CompletableFuture.allOf(all.stream().map(this::touch).toArray(CompletableFuture<?>[]::new));
    }

    /** A sweep that is requested while another one runs may be about a bucket that was already called, so another one follows. */
    private void start() {
        asked.incrementAndGet();
        OneAtATime.Turn turn = going.start();
        if (turn != null) {
            step(turn, first);
        }
    }

    private void begin(OneAtATime.Turn turn) {
        new Round(turn, asked.get(), ticker.now().plus(longestTtl)).pass(all, FIRST_PAUSE);
    }

    private void startLater(OneAtATime.Turn turn) {
        boolean planned = false;
        try {
            later(turn, FIRST_PAUSE, first);
            planned = true;
        } finally {
            if (!planned) {
                turn.end();
            }
        }
    }

    /** Whatever is thrown, the next one who asks starts anew; one who has done so sweeps all, and this is over. */
    private void step(OneAtATime.Turn turn, Consumer<OneAtATime.Turn> step) {
        boolean taken = false;
        try {
            if (turn.goesOn()) {
                step.accept(turn);
            }
            taken = true;
        } finally {
            if (!taken) {
                turn.end();
            }
        }
    }

    private void later(OneAtATime.Turn turn, Duration pause, Consumer<OneAtATime.Turn> step) {
        var unused = RedisThreads.THREADS.after(pause, RedisThreads.RETRIES, () -> step(turn, step));
    }

    /** One sweep, repeated for those buckets that did not answer. */
    private final class Round {
        private final OneAtATime.Turn turn;
        /** How many requests there were when it started. */
        private final int seen;
        /** Until when it matters. */
        private final NanoTime end;

        Round(OneAtATime.Turn turn, int seen, NanoTime end) {
            this.turn = turn;
            this.seen = seen;
            this.end = end;
        }

        void pass(List<Integer> buckets, Duration pause) {
            Set<Integer> unheard = ConcurrentHashMap.newKeySet();
            List<CompletableFuture<?>> calls = new ArrayList<>();
            for (int index : buckets) {
                calls.add(GuardThreads.ask(() -> touch(index))
                        .toCompletableFuture()
                        .exceptionally(failure -> {
                            unheard.add(index);
                            return null;
                        }));
            }
            calls.add(GuardThreads.ask(agreement::renew).toCompletableFuture().exceptionally(failure -> null));
            var unused = CompletableFuture.allOf(calls.toArray(CompletableFuture<?>[]::new))
                    .whenComplete((done, failure) -> step(turn, on -> over(List.copyOf(unheard), pause)));
        }

        private void over(List<Integer> unheard, Duration pause) {
            if (namespace.scripts().isClosed()) {
                return;
            }
            if (!unheard.isEmpty() && ticker.now().plus(pause).isBefore(end)) {
                later(turn, pause, on -> pass(unheard, pause.multipliedBy(2)));
                return;
            }
            if (asked.get() != seen) {
                later(turn, FIRST_PAUSE, first);
                return;
            }
            turn.end();
            // Somebody may have asked before that, and left it to this one.
            OneAtATime.Turn next = asked.get() == seen ? null : going.start();
            if (next != null) {
                startLater(next);
            }
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
