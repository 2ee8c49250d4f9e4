package io.hapax.benchmarks.fleet;

import io.hapax.benchmarks.ProcessCpu;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.ChildJvm;
import io.hapax.benchmarks.harness.Table;
import io.hapax.testkit.EmbeddedRedis;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * What a fleet asks of Redis: a job that is due each second on all replicas, of which one runs it, and a thousand runs that wait for
 * one key. Replicas are guards with connections of their own, in up to four processes. Requests are the scripts that Redis
 * was sent; what it counts does not depend on how fast the machine is.
 */
public final class Replicas {

    private static final int MOST_PROCESSES = 4;
    private static final long LEAD_NANOS = 300_000_000L;

    private final Arguments arguments;
    private final Table table = new Table(
            "replicas",
            "requests per firing and replica",
            "requests per hand-over",
            "wake-ups per hand-over",
            "µs Redis CPU per request, firings",
            "µs Redis CPU per request, hand-overs");

    private Replicas(Arguments arguments) {
        this.arguments = arguments;
    }

    /**
     * Measures.
     *
     * @param args {@code --quick}, {@code --csv=file}, {@code --replicas=1,10,100}, {@code --firings=30}, {@code --waiters=1000}
     * @throws Exception if it cannot be measured
     */
    public static void main(String[] args) throws Exception {
        Replicas fleet = new Replicas(Arguments.of(args).only("quick", "csv", "replicas", "firings", "waiters"));
        for (int replicas : fleet.arguments.numbers("replicas", List.of(1, 10, 100))) {
            fleet.measure(replicas);
        }
        if (fleet.arguments.csv().isPresent()) {
            fleet.table.write(fleet.arguments.csv().get());
        }
    }

    private void measure(int replicas) throws IOException, InterruptedException {
        List<ChildJvm> processes = new ArrayList<>();
        try (EmbeddedRedis redis = EmbeddedRedis.start()) {
            int count = Math.min(MOST_PROCESSES, replicas);
            for (int n = 0; n < count; n++) {
                processes.add(ChildJvm.start(
                        ReplicaProcess.class,
                        List.of("-Xms256m", "-Xmx512m"),
                        redis.url(),
                        "process-" + n,
                        Integer.toString(share(replicas, count, n))));
            }
            measure(redis, processes, replicas);
        } finally {
            processes.forEach(ChildJvm::close);
        }
    }

    private static int share(int all, int count, int n) {
        return all / count + (n < all % count ? 1 : 0);
    }

    private void measure(EmbeddedRedis redis, List<ChildJvm> processes, int replicas)
            throws IOException, InterruptedException {
        int firings = arguments.number("firings", arguments.quick() ? 5 : 30, 1, 3600);
        int waiters = arguments.number("waiters", arguments.quick() ? 100 : 1000, 1, 10_000);
        // Scripts are loaded, connections made and code compiled by then.
        var unused = fire(processes, "warm-up", 3);
        Use before = Use.of(redis);
        Asked fired = fire(processes, "cron", firings);
        Use firing = Use.of(redis).since(before);
        require(fired.ran == firings, "each firing has to run once, of " + firings + " ran " + fired.ran);
        var unusedToo = wait(processes, "warm-up", 20);
        Use between = Use.of(redis);
        Asked waited = wait(processes, "busy", waiters);
        Use handing = Use.of(redis).since(between);
        require(waited.ran == waiters, "each waiter has to get the key, of " + waiters + " did " + waited.ran);
        table.row(
                replicas,
                firing.requests / (double) (firings * replicas),
                handing.requests / (double) waiters,
                (waited.asked - waiters) / (double) waiters,
                1e6 * firing.cpu / firing.requests,
                1e6 * handing.cpu / handing.requests);
    }

    private static Asked fire(List<ChildJvm> processes, String job, int firings)
            throws IOException, InterruptedException {
        Asked all = new Asked(0, 0);
        for (int n = 0; n < firings; n++) {
            String order = "firing " + job + "@" + n + " " + (System.nanoTime() + LEAD_NANOS);
            all = all.and(ask(processes, process -> order));
            Thread.sleep(1000 - LEAD_NANOS / 1_000_000);
        }
        return all;
    }

    private static Asked wait(List<ChildJvm> processes, String key, int waiters) throws IOException {
        return ask(processes, n -> "wait " + key + " " + share(waiters, processes.size(), n));
    }

    /** Tells all before it waits for any of them. */
    private static Asked ask(List<ChildJvm> processes, IntFunction<String> order) throws IOException {
        for (int n = 0; n < processes.size(); n++) {
            processes.get(n).tell(order.apply(n));
        }
        Asked all = new Asked(0, 0);
        for (ChildJvm process : processes) {
            String[] answer = process.read().split(" ", -1);
            all = all.and(new Asked(Integer.parseInt(answer[0]), Long.parseLong(answer[1])));
        }
        return all;
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }

    /** How many ran, and how often leases were asked for. */
    private record Asked(int ran, long asked) {
        Asked and(Asked more) {
            return new Asked(ran + more.ran, asked + more.asked);
        }
    }

    /** What Redis was asked, and how much CPU it has used, in seconds. */
    record Use(long requests, double cpu) {

        static Use of(EmbeddedRedis redis) {
            Map<String, Long> calls = redis.commandStats();
            return new Use(
                    calls.getOrDefault("evalsha", 0L) + calls.getOrDefault("eval", 0L), ProcessCpu.ofTree(redis.pid()));
        }

        Use since(Use before) {
            return new Use(requests - before.requests, cpu - before.cpu);
        }
    }
}
