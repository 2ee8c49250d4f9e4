package io.hapax.examples.section;

import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.lease.Holder;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Two services that rebuild one search index. They wait for each other, for a while; somebody who wonders can ask who is at it and
 * since when; and if a service is gone for good, a person takes the key away from it, with a reason.
 */
public final class CriticalSection {

    private static final String KEY = "search-index";
    private static final int REBUILDS = 10;

    private CriticalSection() {}

    /**
     * What came of it.
     *
     * @param rebuilds how often the index was rebuilt
     * @param mostAtOnce how many services were at it at once
     * @param gaveUp whether a service that could wait for only 300 ms gave up
     * @param holder who was asked for, and found
     * @param afterForce whether the key was free after it was taken away
     */
    public record Outcome(int rebuilds, int mostAtOnce, boolean gaveUp, String holder, boolean afterForce) {}

    /**
     * Runs the example.
     *
     * @param arguments none
     * @throws Exception if Redis cannot be started
     */
    public static void main(String[] arguments) throws Exception {
        print(System.out, run());
    }

    static Outcome run() throws Exception {
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                JobGuard catalogue = guard(redis.url(), "catalogue-service");
                JobGuard orders = guard(redis.url(), "order-service")) {
            AtomicInteger rebuilds = new AtomicInteger();
            int mostAtOnce = rebuildTogether(catalogue, orders, rebuilds);
            // A service that hangs: it holds the key and does not come back.
            GuardedRun hung = catalogue.admit(RunRequest.lock(KEY)).fold(run -> run, refusal -> {
                throw new IllegalStateException(refusal.toString());
            });
            RunResult<Boolean> waiting =
                    orders.run(RunRequest.lock(KEY).waitAtMost(Duration.ofMillis(300)), run -> true);
            Optional<Holder> holder = orders.admin().holder(hung.identity()).join();
            orders.admin()
                    .forceRelease(hung.identity(), "the operator", "catalogue-service hangs, its host was switched off")
                    .join();
            RunResult<Boolean> free = orders.run(RunRequest.lock(KEY), run -> true);
            hung.close();
            return new Outcome(
                    rebuilds.get(),
                    mostAtOnce,
                    waiting instanceof RunResult.Refused,
                    holder.map(who -> who.worker() + ", since " + who.since()).orElse("nobody"),
                    free instanceof RunResult.Ran);
        }
    }

    private static int rebuildTogether(JobGuard one, JobGuard other, AtomicInteger rebuilds) throws Exception {
        AtomicInteger at = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            CompletableFuture<?>[] services = new CompletableFuture<?>[2];
            JobGuard[] guards = {one, other};
            for (int n = 0; n < 2; n++) {
                JobGuard guard = guards[n];
                services[n] = CompletableFuture.runAsync(() -> rebuildOften(guard, at, most, rebuilds), threads);
            }
            CompletableFuture.allOf(services).get();
        } finally {
            threads.shutdown();
        }
        return most.get();
    }

    private static void rebuildOften(JobGuard guard, AtomicInteger at, AtomicInteger most, AtomicInteger rebuilds) {
        for (int n = 0; n < REBUILDS; n++) {
            try {
                guard.run(RunRequest.lock(KEY).waitAtMost(Duration.ofSeconds(30)), run -> {
                    most.accumulateAndGet(at.incrementAndGet(), Math::max);
                    Thread.sleep(5); // rebuilding
                    at.decrementAndGet();
                    return rebuilds.incrementAndGet();
                });
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private static JobGuard guard(String redisUrl, String service) {
        RedissonLeaseStore store = RedissonLeaseStore.builder()
                .url(redisUrl)
                .namespace("critical-section")
                .firstStart(WallClock.now())
                .build();
        return JobGuard.builder(store).worker(service).closesStore().build();
    }

    private static void print(PrintStream out, Outcome outcome) {
        out.println("Two services rebuild one search index, " + REBUILDS + " times each.");
        out.println("  rebuilds:                            " + outcome.rebuilds());
        out.println("  at it at once, at most:              " + outcome.mostAtOnce());
        out.println();
        out.println("One of them hangs in the middle.");
        out.println("  the other one waits 300 ms:          " + (outcome.gaveUp() ? "and gives up" : "?"));
        out.println("  who holds the key:                   " + outcome.holder());
        out.println("  an operator takes it away:           " + (outcome.afterForce() ? "it is free" : "?"));
        out.println();
        out.printf(
                Locale.ROOT,
                "hapax-example name=critical-section rebuilds=%d most_at_once=%d%n",
                outcome.rebuilds(),
                outcome.mostAtOnce());
    }
}
