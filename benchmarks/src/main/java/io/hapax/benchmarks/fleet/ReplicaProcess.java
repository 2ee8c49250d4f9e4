package io.hapax.benchmarks.fleet;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.WallClock;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Some replicas in one process, each a guard with connections of its own. */
final class ReplicaProcess {

    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final List<CountingStore> stores = new ArrayList<>();
    private final List<JobGuard> guards = new ArrayList<>();
    private final ExecutorService callers = Executors.newCachedThreadPool();

    private ReplicaProcess(String url, String name, int replicas) {
        for (int n = 0; n < replicas; n++) {
            CountingStore store = new CountingStore(RedissonLeaseStore.builder()
                    .namespace("fleet")
                    .url(url)
                    .answerTimeout(Duration.ofSeconds(5))
                    .firstStart(WallClock.now())
                    .build());
            stores.add(store);
            guards.add(JobGuard.builder(store)
                    .worker(name + "-" + n)
                    .withoutLogging()
                    .build());
        }
    }

    /**
     * Arguments: address, name, replicas. Lines of standard input: {@code firing KEY NANOS}, {@code wait KEY COUNT}; each is answered
     * by how many ran and how often leases were asked for meanwhile.
     */
    public static void main(String[] args) throws Exception {
        try (BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            ReplicaProcess process = new ReplicaProcess(args[0], args[1], Integer.parseInt(args[2]));
            System.out.println("ready");
            for (String order = orders.readLine(); order != null; order = orders.readLine()) {
                System.out.println(process.obey(order.split(" ", -1)));
            }
        } catch (Exception | Error failure) {
            failure.printStackTrace();
            System.exit(1);
        }
        // Clients have threads that would keep the process.
        System.exit(0);
    }

    private String obey(String[] order) throws Exception {
        long askedBefore = asked();
        int ran = switch (order[0]) {
            case "firing" -> firing(order[1], Long.parseLong(order[2]));
            case "wait" -> waiting(order[1], Integer.parseInt(order[2]));
            default -> throw new IllegalArgumentException("no order '" + order[0] + "'");
        };
        return ran + " " + (asked() - askedBefore);
    }

    private long asked() {
        return stores.stream().mapToLong(CountingStore::asked).sum();
    }

    /** All replicas at one instant, as their timers do. */
    private int firing(String key, long at) throws Exception {
        return all(guards.stream()
                .map(guard -> (Callable<Boolean>) () -> {
                    for (long left = at - System.nanoTime(); left > 0; left = at - System.nanoTime()) {
                        LockSupport.parkNanos(left);
                    }
                    return runs(guard, RunRequest.occurrence(key));
                })
                .toList());
    }

    /** Each gets the key once, one after the other. */
    private int waiting(String key, int count) throws Exception {
        List<Callable<Boolean>> all = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            JobGuard guard = guards.get(n % guards.size());
            all.add(() -> runs(guard, RunRequest.lock(key).waitAtMost(PATIENCE)));
        }
        return all(all);
    }

    private static boolean runs(JobGuard guard, RunRequest request) throws InterruptedException {
        if (!(guard.admit(request) instanceof Admission.Admitted admitted)) {
            return false;
        }
        try (GuardedRun run = admitted.run()) {
            var unused = run.complete();
            return true;
        }
    }

    private int all(List<Callable<Boolean>> calls) throws Exception {
        int ran = 0;
        for (Future<Boolean> answer : callers.invokeAll(calls, 10, TimeUnit.MINUTES)) {
            ran += answer.get() ? 1 : 0;
        }
        return ran;
    }
}
