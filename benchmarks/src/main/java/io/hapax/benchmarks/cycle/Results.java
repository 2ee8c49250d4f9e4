package io.hapax.benchmarks.cycle;

import io.hapax.benchmarks.harness.Chart;
import io.hapax.benchmarks.harness.Samples;
import io.hapax.benchmarks.harness.Table;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleBiFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** Samples by number of callers and contender. Those that other processes disturbed are left out if any is clean. */
final class Results {

    /** The part of the machine above which other processes disturb. */
    private static final double DISTURBED = 0.12;

    private static final List<Contenders> BLOCKING_CLIENTS = List.of(Contenders.JEDIS, Contenders.LETTUCE);

    private static final List<Contenders> OURS =
            List.of(Contenders.HAPAX, Contenders.HAPAX_ASYNC, Contenders.HAPAX_PORTABLE, Contenders.HAPAX_POSTGRES);

    /** A chart with more lines is not readable. */
    private static final List<Contenders> CHARTED = List.of(
            Contenders.HAPAX,
            Contenders.HAPAX_ASYNC,
            Contenders.SOCKET,
            Contenders.JEDIS,
            Contenders.LETTUCE,
            Contenders.LETTUCE_ASYNC,
            Contenders.JEDIS_SET,
            Contenders.RLOCK,
            Contenders.SHEDLOCK_JDBC);

    private final Map<Integer, Map<Contenders, List<Sample>>> samples = new TreeMap<>();

    void add(Contenders contender, int callers, Sample sample) {
        samples.computeIfAbsent(callers, many -> new TreeMap<>())
                .computeIfAbsent(contender, any -> new ArrayList<>())
                .add(sample);
    }

    private static List<Sample> clean(List<Sample> all) {
        List<Sample> clean =
                all.stream().filter(sample -> sample.foreign() <= DISTURBED).toList();
        return clean.isEmpty() ? all : clean;
    }

    /** A median, or not a number if nothing was measured. */
    double median(Contenders contender, int callers, ToDoubleFunction<Sample> of) {
        List<Sample> all = samples.getOrDefault(callers, Map.of()).getOrDefault(contender, List.of());
        return all.isEmpty() ? Double.NaN : spread(all, of).median();
    }

    private static Samples spread(List<Sample> all, ToDoubleFunction<Sample> of) {
        Samples spread = new Samples();
        clean(all).forEach(sample -> spread.add(of.applyAsDouble(sample)));
        return spread;
    }

    double cpu(Contenders contender, int callers) {
        return median(contender, callers, Sample::micros);
    }

    double throughput(Contenders contender, int callers) {
        return median(contender, callers, Sample::cyclesPerSecond);
    }

    /** CPU beside that of the better of Jedis and Lettuce, both blocking and with the same script. */
    double cpuVersusClients(Contenders contender, int callers) {
        return cpu(contender, callers) / clients(this::cpu, callers).min().orElse(Double.NaN);
    }

    double throughputVersusClients(Contenders contender, int callers) {
        return throughput(contender, callers)
                / clients(this::throughput, callers).max().orElse(Double.NaN);
    }

    private static DoubleStream clients(ToDoubleBiFunction<Contenders, Integer> of, int callers) {
        return BLOCKING_CLIENTS.stream()
                .mapToDouble(client -> of.applyAsDouble(client, callers))
                .filter(value -> !Double.isNaN(value));
    }

    /** Prints what was measured. */
    Table table(Map<Contenders, Double> sent) {
        Table table = new Table(
                "callers",
                "contender",
                "cycles/s",
                "µs CPU a cycle",
                "of it client",
                "p50 µs",
                "p99 µs",
                "p99.9 µs",
                "bytes a cycle",
                "commands (one caller) or statements a cycle",
                "clean");
        samples.forEach((callers, contenders) -> contenders.forEach((contender, all) -> table.row(
                callers,
                contender,
                spread(all, Sample::cyclesPerSecond).text(),
                spread(all, Sample::micros).text(),
                spread(all, Sample::clientMicros).median(),
                spread(all, Sample::p50).median(),
                spread(all, Sample::p99).median(),
                spread(all, Sample::p999).median(),
                spread(all, Sample::bytes).median(),
                sent.containsKey(contender)
                        ? Table.text(sent.get(contender))
                        : contender.usesDatabase()
                                ? Table.text(spread(all, Sample::statements).median())
                                : "",
                all.stream().filter(sample -> sample.foreign() <= DISTURBED).count() + "/" + all.size())));
        return table;
    }

    /** Prints how Hapax stands beside the others. */
    void ratios() {
        Table table = new Table(
                "callers",
                "",
                "CPU / best of Jedis and Lettuce",
                "cycles/s / best of Jedis and Lettuce",
                "CPU / SET NX by the better client",
                "CPU / RLock",
                "cycles/s / RLock",
                "CPU / bare socket",
                "CPU / ShedLock on JDBC",
                "cycles/s / ShedLock on JDBC");
        for (int callers : samples.keySet()) {
            for (Contenders hapax : OURS) {
                if (!Double.isNaN(cpu(hapax, callers))) {
                    double set = Math.min(cpu(Contenders.JEDIS_SET, callers), cpu(Contenders.LETTUCE_SET, callers));
                    table.row(
                            callers,
                            hapax,
                            cpuVersusClients(hapax, callers),
                            throughputVersusClients(hapax, callers),
                            cpu(hapax, callers) / set,
                            cpu(hapax, callers) / cpu(Contenders.RLOCK, callers),
                            throughput(hapax, callers) / throughput(Contenders.RLOCK, callers),
                            cpu(hapax, callers) / cpu(Contenders.SOCKET, callers),
                            cpu(hapax, callers) / cpu(Contenders.SHEDLOCK_JDBC, callers),
                            throughput(hapax, callers) / throughput(Contenders.SHEDLOCK_JDBC, callers));
                }
            }
        }
    }

    void charts(Path folder) throws IOException {
        chart("CPU per acquire and release, client and server, µs", Sample::micros)
                .write(folder.resolve("cycle-cpu.svg"));
        chart("Acquires and releases per second", Sample::cyclesPerSecond)
                .write(folder.resolve("cycle-throughput.svg"));
    }

    private Chart chart(String title, ToDoubleFunction<Sample> of) {
        Chart chart = new Chart(title, "callers at once");
        for (Contenders contender : CHARTED) {
            Map<Integer, Double> points = new HashMap<>();
            samples.keySet().forEach(callers -> points.put(callers, median(contender, callers, of)));
            chart.line(contender.toString(), points);
        }
        return chart;
    }
}
