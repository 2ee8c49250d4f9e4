package io.hapax.benchmarks.faults.history;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/** When which worker stood still. Not thread-safe. */
final class Pauses {

    private record Pause(long from, long to) {}

    private final Map<String, List<Pause>> ofWorker = new HashMap<>();
    private final Map<String, Long> open = new HashMap<>();

    void add(Event event) {
        String worker = event.field(0);
        switch (event.type()) {
            case STOP -> open.putIfAbsent(worker, event.nanos());
            case CONTINUE, KILL -> {
                Long from = open.remove(worker);
                if (from != null) {
                    of(worker).add(new Pause(from, event.nanos()));
                }
            }
            default -> throw new IllegalArgumentException("not of a process: " + event);
        }
    }

    /** The end of the last pause that covers some of the time; of one that nobody has seen ending, the end of the time. */
    OptionalLong thawedWithin(String worker, long from, long to) {
        if (open.getOrDefault(worker, Long.MAX_VALUE) < to) {
            return OptionalLong.of(to);
        }
        return of(worker).stream()
                .filter(pause -> pause.from < to && pause.to > from)
                .mapToLong(Pause::to)
                .max();
    }

    /** The start of the first pause that covers some of the time. */
    OptionalLong frozenWithin(String worker, long from, long to) {
        LongStream closed = of(worker).stream()
                .filter(pause -> pause.from < to && pause.to > from)
                .mapToLong(Pause::from);
        long stillOpen = open.getOrDefault(worker, Long.MAX_VALUE);
        return LongStream.concat(closed, LongStream.of(stillOpen).filter(begin -> begin < to))
                .min();
    }

    private List<Pause> of(String worker) {
        return ofWorker.computeIfAbsent(worker, name -> new ArrayList<>());
    }
}
