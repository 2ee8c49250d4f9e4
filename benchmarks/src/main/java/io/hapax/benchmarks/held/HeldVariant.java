package io.hapax.benchmarks.held;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Holds keys in a process of its own, as its standard input says. */
final class HeldVariant {

    private static final int IN_FLIGHT = 64;
    /** Held before the heap is measured for the first time, so that classes and pools do not count. */
    private static final int FIRST = 200;

    private final Holding holding;
    private final String[] keys;
    private final @Nullable Object[] held;
    private final AtomicInteger refused = new AtomicInteger();
    private long heapBefore;

    private HeldVariant(Holding holding, int leases) {
        this.holding = holding;
        this.keys = IntStream.range(0, leases).mapToObj(n -> "held:job-" + n).toArray(String[]::new);
        this.held = new @Nullable Object[leases];
    }

    /** Arguments: variant, address, leases. Lines of standard input: churn n · hold · heap. */
    public static void main(String[] args) throws Exception {
        try (Holding holding = Holding.of(args[0], args[1]);
                BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            HeldVariant variant = new HeldVariant(holding, Integer.parseInt(args[2]));
            System.out.println("ready");
            for (String order = orders.readLine(); order != null; order = orders.readLine()) {
                System.out.println(variant.obey(order.split(" ", 2)));
            }
        } catch (Exception | Error failure) {
            failure.printStackTrace();
            System.exit(1);
        }
        // Clients have threads that would keep the process.
        System.exit(0);
    }

    private String obey(String[] order) throws InterruptedException {
        return switch (order[0]) {
            case "churn" -> churn(Integer.parseInt(order[1]));
            case "hold" -> hold();
            case "heap" -> heap();
            default -> throw new IllegalArgumentException("unknown order " + order[0]);
        };
    }

    /** One caller, one run after the other. */
    private String churn(int runs) throws InterruptedException {
        long begun = System.nanoTime();
        for (int n = 0; n < runs; n++) {
            holding.shortRun("churn:job-" + n % 500);
        }
        return Long.toString((System.nanoTime() - begun) / 1_000_000);
    }

    /** Answers with the time it took in milliseconds, and with the number of refusals. */
    private String hold() throws InterruptedException {
        hold(0, Math.min(FIRST, keys.length));
        heapBefore = usedHeap();
        long begun = System.nanoTime();
        hold(Math.min(FIRST, keys.length), keys.length);
        return (System.nanoTime() - begun) / 1_000_000 + " " + refused.get();
    }

    private void hold(int from, int to) throws InterruptedException {
        Semaphore free = new Semaphore(IN_FLIGHT);
        CompletableFuture<?>[] answers = new CompletableFuture<?>[to - from];
        for (int n = from; n < to; n++) {
            int index = n;
            free.acquire();
            answers[n - from] = taken(keys[n]).whenComplete((hold, failure) -> {
                held[index] = hold;
                free.release();
            });
        }
        CompletableFuture.allOf(answers).join();
    }

    /** Nobody else wants the key, so a refusal is a fault: it is counted, and the key is asked for once more. */
    private CompletableFuture<Object> taken(String key) {
        return holding.take(key).exceptionallyCompose(refusal -> {
            refused.incrementAndGet();
            return holding.take(key);
        });
    }

    /** Answers with bytes per lease beyond the first ones, all threads, and those whose only work is to renew. */
    private String heap() {
        long more = usedHeap() - heapBefore;
        long kept = IntStream.range(0, held.length)
                .filter(n -> Objects.nonNull(held[n]))
                .count();
        if (kept != keys.length) {
            throw new IllegalStateException("holds " + kept + " instead of " + keys.length);
        }
        long watchdogs = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("hapax-watchdog"))
                .count();
        return more / Math.max(1, keys.length - FIRST)
                + " " + ManagementFactory.getThreadMXBean().getThreadCount()
                + " " + watchdogs;
    }

    private static long usedHeap() {
        for (int n = 0; n < 3; n++) {
            System.gc();
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
