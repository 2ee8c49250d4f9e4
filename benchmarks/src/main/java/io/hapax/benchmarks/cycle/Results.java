package io.hapax.benchmarks.cycle;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/** Samples by number of callers and contender. Medians leave out samples that other processes disturbed, if any is clean. */
final class Results {

    /** The part of the machine above which other processes disturb. */
    private static final double DISTURBED = 0.12;

    private final Map<Integer, Map<Contenders, List<Sample>>> samples = new TreeMap<>();

    void add(Contenders contender, int callers, Sample sample) {
        samples.computeIfAbsent(callers, many -> new TreeMap<>())
                .computeIfAbsent(contender, any -> new ArrayList<>())
                .add(sample);
    }

    private List<Sample> clean(Contenders contender, int callers) {
        List<Sample> all = samples.getOrDefault(callers, Map.of()).getOrDefault(contender, List.of());
        List<Sample> clean =
                all.stream().filter(sample -> sample.foreign() <= DISTURBED).toList();
        return clean.isEmpty() ? all : clean;
    }

    boolean has(Contenders contender, int callers) {
        return !clean(contender, callers).isEmpty();
    }

    double median(Contenders contender, int callers, ToDoubleFunction<Sample> of) {
        double[] sorted =
                clean(contender, callers).stream().mapToDouble(of).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
    }

    private String spread(Contenders contender, int callers, ToDoubleFunction<Sample> of) {
        double[] sorted =
                clean(contender, callers).stream().mapToDouble(of).sorted().toArray();
        return String.format(
                Locale.ROOT, "%.0f (%.0f–%.0f)", sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
    }

    String markdown() {
        StringBuilder table = new StringBuilder("""
                | callers | | cycles/s | µs CPU a cycle | client + server | p50 µs | p99 µs | bytes | clean |
                | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
                """);
        samples.forEach((callers, contenders) -> contenders.forEach((contender, all) -> table.append(String.format(
                Locale.ROOT,
                "| %d | %s | %s | %s | %.0f + %.0f | %.0f | %.0f | %.0f | %d/%d |%n",
                callers,
                contender,
                spread(contender, callers, Sample::cyclesPerSecond),
                spread(contender, callers, Sample::micros),
                median(contender, callers, Sample::clientMicros),
                median(contender, callers, Sample::serverMicros),
                median(contender, callers, Sample::p50),
                median(contender, callers, Sample::p99),
                median(contender, callers, Sample::bytes),
                all.stream().filter(sample -> sample.foreign() <= DISTURBED).count(),
                all.size()))));
        return table.toString();
    }

    static double lowest(double... values) {
        return Arrays.stream(values).filter(value -> !Double.isNaN(value)).min().orElse(Double.NaN);
    }
}
