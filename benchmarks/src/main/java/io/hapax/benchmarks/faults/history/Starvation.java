package io.hapax.benchmarks.faults.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** When which process had no processor, as its {@link Witness} says. Not thread-safe. */
final class Starvation {

    /** While it has none itself, it learns of everybody late. */
    static final String OBSERVER = "observer";

    private record Gap(long from, long to) {}

    private final Map<String, List<Gap>> ofProcess = new HashMap<>();

    void add(Event event) {
        long length = TimeUnit.MICROSECONDS.toNanos(Long.parseLong(event.field(1)));
        ofProcess
                .computeIfAbsent(event.field(0), name -> new ArrayList<>())
                .add(new Gap(event.nanos() - length, event.nanos()));
    }

    /** For how much of some time a process, or the observer, had no processor, in ns. */
    long within(String process, long from, long to) {
        List<Gap> gaps = Stream.of(process, OBSERVER)
                .flatMap(name -> ofProcess.getOrDefault(name, List.of()).stream())
                .sorted(Comparator.comparingLong(Gap::from))
                .toList();
        long sum = 0;
        long counted = from;
        for (Gap gap : gaps) {
            long begin = Math.max(counted, gap.from);
            long end = Math.min(to, gap.to);
            if (end > begin) {
                sum += end - begin;
                counted = end;
            }
        }
        return sum;
    }
}
