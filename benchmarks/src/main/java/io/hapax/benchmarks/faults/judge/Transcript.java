package io.hapax.benchmarks.faults.judge;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A whole file, sorted by what it tells of. */
final class Transcript {

    /** A time in which a worker's process stood still; what is not over yet lasts for ever. */
    record Pause(Line from, @Nullable Line until) {

        long nanos() {
            return until == null ? Long.MAX_VALUE : until.nanos();
        }
    }

    private final Map<String, Run> runs = new LinkedHashMap<>();
    private final Map<String, List<Pause>> pauses = new HashMap<>();
    private final Map<String, Line> due = new LinkedHashMap<>();
    private final List<Line> faults = new ArrayList<>();
    private final List<Line> healed = new ArrayList<>();
    private final List<Line> left = new ArrayList<>();
    private final List<Line> starved = new ArrayList<>();
    private final Leases leases = new Leases();
    private @Nullable Line over;
    private int lines;

    static Transcript of(List<String> texts) {
        Transcript transcript = new Transcript();
        for (String text : texts) {
            transcript.read(Line.read(++transcript.lines, text));
        }
        return transcript;
    }

    private void read(Line line) {
        switch (line.type()) {
            case "BEGIN" -> runs.put(line.word(0), new Run(line));
            case "STEP", "TOLD", "EFFECT", "END", "LIMIT" -> {
                Run run = runs.get(line.word(0));
                if (run == null) {
                    throw new IllegalArgumentException(
                            "line " + line.number() + " is about a run that never started: " + line.word(0));
                }
                run.add(line);
            }
            case "STOP" -> stopped(line);
            case "CONTINUE" -> goesOn(line);
            case "KILL" -> {
                goesOn(line);
                runs.values().stream()
                        .filter(run -> run.begin.source().equals(line.word(0)) && run.end == null && run.killed == null)
                        .forEach(run -> run.killed = line);
            }
            case "LEASE", "FREED", "SERVER" -> leases.read(line);
            case "DUE" -> due.putIfAbsent(line.word(1), line);
            case "FAULT" -> faults.add(line);
            case "HEALED" -> healed.add(line);
            case "LEFT" -> left.add(line);
            case "STARVED" -> starved.add(line);
            case "OVER" -> over = line;
            case "UP", "STRUCK", "MENDED", "PLAN", "WAITS" -> {}
            default -> throw new IllegalArgumentException("line " + line.number() + " is of no known type: " + line);
        }
    }

    private void stopped(Line line) {
        List<Pause> all = pauses.computeIfAbsent(line.word(0), name -> new ArrayList<>());
        if (all.isEmpty() || all.get(all.size() - 1).until() != null) {
            all.add(new Pause(line, null));
        }
    }

    private void goesOn(Line line) {
        List<Pause> all = pauses.getOrDefault(line.word(0), List.of());
        if (!all.isEmpty() && all.get(all.size() - 1).until() == null) {
            all.set(all.size() - 1, new Pause(all.get(all.size() - 1).from(), line));
        }
    }

    Collection<Run> runs() {
        return runs.values();
    }

    Collection<Line> due() {
        return due.values();
    }

    List<Line> left() {
        return left;
    }

    List<Line> faults() {
        return faults;
    }

    Leases leases() {
        return leases;
    }

    @Nullable
    Line over() {
        return over;
    }

    int lines() {
        return lines;
    }

    /** The pauses of a worker that share some time with what lies between. */
    Stream<Pause> pauses(String worker, long from, long to) {
        return pauses.getOrDefault(worker, List.of()).stream()
                .filter(pause -> pause.from().nanos() < to && pause.nanos() > from);
    }

    /** How many ns between two times the witness of a process, or that of the observer, waited for a processor. */
    long waited(String process, long from, long to) {
        NavigableMap<Long, Integer> waiting = new TreeMap<>();
        for (Line line : starved) {
            long begin = Math.max(from, line.nanos() - TimeUnit.MICROSECONDS.toNanos(Long.parseLong(line.word(1))));
            long end = Math.min(to, line.nanos());
            if ((line.word(0).equals(process) || line.word(0).equals("observer")) && begin < end) {
                waiting.merge(begin, 1, Integer::sum);
                waiting.merge(end, -1, Integer::sum);
            }
        }
        long sum = 0;
        int now = 0;
        long since = from;
        for (Map.Entry<Long, Integer> change : waiting.entrySet()) {
            sum += now > 0 ? change.getKey() - since : 0;
            since = change.getKey();
            now += change.getValue();
        }
        return sum;
    }

    /** When the cause of a fault was gone, before the next fault started; null if never. */
    @Nullable
    Line healed(Line fault) {
        int next = faults.indexOf(fault) + 1;
        int end = next < faults.size() ? faults.get(next).number() : Integer.MAX_VALUE;
        return healed.stream()
                .filter(line -> line.number() > fault.number()
                        && line.number() < end
                        && line.word(0).equals(fault.word(0)))
                .findFirst()
                .orElse(null);
    }

    /** The number of the last fault that had started at some time, 0 before the first. */
    int window(long nanos) {
        int begun = 0;
        while (begun < faults.size() && faults.get(begun).nanos() <= nanos) {
            begun++;
        }
        return begun;
    }
}
