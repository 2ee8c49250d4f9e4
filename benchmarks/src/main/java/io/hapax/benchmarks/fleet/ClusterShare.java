package io.hapax.benchmarks.fleet;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.benchmarks.ProcessCpu;
import io.hapax.benchmarks.harness.Arguments;
import io.hapax.benchmarks.harness.Table;
import io.hapax.redis.RedissonLeaseStore;
import io.hapax.testkit.EmbeddedCluster;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.WallClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What a run costs on a Redis Cluster of three masters beside one server, in turns, and which part of the requests each master gets.
 * CPU is that of the servers and of this process together.
 */
public final class ClusterShare {

    private static final int CALLERS = 8;

    private ClusterShare() {}

    /**
     * Measures.
     *
     * @param args {@code --quick}, {@code --csv=file}, {@code --rounds=5}, {@code --runs=20000}
     * @throws Exception if it cannot be measured
     */
    public static void main(String[] args) throws Exception {
        Arguments arguments = Arguments.of(args).only("quick", "csv", "rounds", "runs");
        int rounds = arguments.number("rounds", arguments.quick() ? 2 : 5, 1, 100);
        int runs = arguments.number("runs", arguments.quick() ? 4_000 : 20_000, 100, 10_000_000);
        Table table = new Table(
                "round", "one server: µs CPU a run", "Cluster: µs CPU a run", "ratio", "least share", "largest share");
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
        try (EmbeddedRedis redis = EmbeddedRedis.start();
                EmbeddedCluster cluster = EmbeddedCluster.start();
                JobGuard single = guard(RedissonLeaseStore.builder().url(redis.url()));
                JobGuard spread = guard(
                        RedissonLeaseStore.builder().yaml(yaml(cluster.urls().get(0))))) {
            List<EmbeddedRedis> masters = cluster.masters();
            double unused = micros(callers, single, List.of(redis), "warm-up", runs)
                    + micros(callers, spread, masters, "warm-up", runs);
            List<Double> ratios = new ArrayList<>();
            for (int round = 1; round <= rounds; round++) {
                double one = micros(callers, single, List.of(redis), "round-" + round, runs);
                List<Long> before = requests(masters);
                double three = micros(callers, spread, masters, "round-" + round, runs);
                List<Double> shares = shares(before, requests(masters));
                ratios.add(three / one);
                table.row(round, one, three, three / one, Collections.min(shares), Collections.max(shares));
            }
            Collections.sort(ratios);
            System.out.println("hapax-cluster ratio=" + Table.text(ratios.get(rounds / 2)));
        } finally {
            callers.shutdownNow();
        }
        if (arguments.csv().isPresent()) {
            table.write(arguments.csv().get());
        }
    }

    private static Path yaml(String url) throws IOException {
        Path file = Files.createTempFile("cluster", ".yaml");
        file.toFile().deleteOnExit();
        return Files.writeString(file, "clusterServersConfig:\n  nodeAddresses: ['" + url + "']\n");
    }

    private static JobGuard guard(RedissonLeaseStore.Builder store) {
        return JobGuard.builder(store.namespace("share")
                        .answerTimeout(Duration.ofSeconds(5))
                        .firstStart(WallClock.now())
                        .build())
                .withoutLogging()
                .closesStore()
                .build();
    }

    /** The CPU of a run, in microseconds; each run has a key of its own. */
    private static double micros(
            ExecutorService callers, JobGuard guard, List<EmbeddedRedis> servers, String name, int runs)
            throws Exception {
        double before = cpu(servers);
        List<Callable<Boolean>> all = new ArrayList<>();
        for (int caller = 0; caller < CALLERS; caller++) {
            int first = caller;
            all.add(() -> {
                for (int n = first; n < runs; n += CALLERS) {
                    Admission admission = guard.admit(RunRequest.lock(name + "/" + n));
                    try (GuardedRun run = ((Admission.Admitted) admission).run()) {
                        var unused = run.complete();
                    }
                }
                return true;
            });
        }
        for (Future<Boolean> caller : callers.invokeAll(all)) {
            boolean unused = caller.get();
        }
        return (cpu(servers) - before) * 1e6 / runs;
    }

    private static double cpu(List<EmbeddedRedis> servers) {
        return ProcessCpu.ofThisProcess()
                - ProcessCpu.ofCompiler(ProcessHandle.current().pid())
                + servers.stream()
                        .mapToDouble(server -> ProcessCpu.ofTree(server.pid()))
                        .sum();
    }

    private static List<Long> requests(List<EmbeddedRedis> servers) {
        return servers.stream()
                .map(server -> Replicas.Use.of(server).requests())
                .toList();
    }

    private static List<Double> shares(List<Long> before, List<Long> after) {
        List<Long> each = new ArrayList<>();
        for (int n = 0; n < before.size(); n++) {
            each.add(after.get(n) - before.get(n));
        }
        double all = each.stream().mapToLong(Long::longValue).sum();
        return each.stream().map(count -> count / all).toList();
    }
}
