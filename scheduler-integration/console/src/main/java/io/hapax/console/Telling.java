package io.hapax.console;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.ops.ReportReader;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;

/** The report that the lines of a worker make, see {@link WorkerLines}; each line is read once. Used by one thread at a time. */
final class Telling {

    private final JsonMapper json;
    private final Map<String, Line> known = new HashMap<>();

    Telling(JsonMapper json) {
        this.json = json;
    }

    private record Line(String text, Object value) {}

    /** An occurrence, and the number of its job. */
    private record Past(long job, Report.Occurrence occurrence) {}

    /** Runs whose leases end at the same time. */
    private record Ends(List<Long> runs) {}

    /** What lines of other kinds are for, other versions know. */
    private static final Object UNKNOWN = new Object();

    /**
     * Puts the report together; fails, with whatever exception, if it is none: others may have put up anything.
     *
     * @param number of the report
     */
    Report report(ReportReader.Seen seen, long number) throws JsonProcessingException {
        known.keySet().retainAll(seen.lines().keySet());
        for (Map.Entry<String, String> line : seen.lines().entrySet()) {
            Line before = known.get(line.getKey());
            if (before == null || !before.text.equals(line.getValue())) {
                known.put(line.getKey(), new Line(line.getValue(), value(line.getKey(), line.getValue())));
            }
        }
        WorkerLines.Head head = of("w", WorkerLines.Head.class).values().stream()
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("these lines do not say of which worker they are"));
        List<Report.Run> runs = runs(seen.clock());
        return new Report(
                head.worker(),
                head.instance(),
                number,
                head.settings(),
                head.observes(),
                of("a", Integer.class).values().stream().findFirst().orElse(runs.size()),
                runs,
                of("q", WorkerLines.WaitingLine.class).values().stream()
                        .map(waiting -> waiting.at(seen.clock()))
                        .toList(),
                of("v", Report.Event.class).values().stream()
                        .sorted(Comparator.comparingLong(Report.Event::at).reversed())
                        .toList(),
                chart(),
                jobs());
    }

    private Object value(String key, String text) throws JsonProcessingException {
        return switch (key.charAt(0)) {
            case 'w' -> read(text, WorkerLines.Head.class);
            case 'a' -> Integer.valueOf(text);
            case 'r' -> read(text, WorkerLines.RunLine.class);
            case 'e' -> new Ends(ReportReader.numbers(text));
            case 'q' -> read(text, WorkerLines.WaitingLine.class);
            case 'v' -> read(text, Report.Event.class);
            case 'c' -> read(text, int[].class);
            case 'j' -> read(text, Report.Job.class);
            case 'p' -> {
                int space = text.indexOf(' ');
                yield new Past(
                        Long.parseLong(text.substring(0, space)),
                        read(text.substring(space + 1), Report.Occurrence.class));
            }
            default -> UNKNOWN;
        };
    }

    private <T> T read(String text, Class<T> type) throws JsonProcessingException {
        return Objects.requireNonNull(json.readValue(text, type), text);
    }

    /** The lines of a kind, by their numbers. */
    private <T> NavigableMap<Long, T> of(String kind, Class<T> type) {
        NavigableMap<Long, T> all = new TreeMap<>();
        known.forEach((key, line) -> {
            if (key.startsWith(kind)) {
                all.put(Long.parseLong(key.substring(1)), type.cast(line.value));
            }
        });
        return all;
    }

    private List<Report.Run> runs(long clock) {
        Map<Long, Long> renewed = new HashMap<>();
        Map<Long, Ends> ends = of("e", Ends.class);
        ends.forEach((slot, each) -> each.runs.forEach(number -> renewed.put(number, WorkerLines.SLOT_MILLIS * slot)));
        // A run that has lost its lease has lost it, whatever was said before.
        ends.getOrDefault(0L, new Ends(List.of())).runs.forEach(number -> renewed.put(number, 0L));
        List<Report.Run> runs = new ArrayList<>();
        of("r", WorkerLines.RunLine.class)
                .forEach((number, run) -> runs.add(run.at(clock, renewed.getOrDefault(number, run.end()))));
        return runs;
    }

    private Report.Chart chart() {
        NavigableMap<Long, int[]> steps = of("c", int[].class);
        if (steps.isEmpty()) {
            return new Report.Chart(RunHistory.STEP_SECONDS, 0, List.of(), List.of(), List.of());
        }
        List<List<Integer>> counts = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        long from = Math.max(steps.firstKey(), steps.lastKey() - RunHistory.STEPS + 1);
        for (long step = from; step <= steps.lastKey(); step++) {
            int[] told = steps.getOrDefault(step, new int[3]);
            for (int n = 0; n < counts.size(); n++) {
                counts.get(n).add(n < told.length ? told[n] : 0);
            }
        }
        return new Report.Chart(
                RunHistory.STEP_SECONDS, from * RunHistory.STEP_SECONDS, counts.get(0), counts.get(1), counts.get(2));
    }

    private List<Report.Job> jobs() {
        Map<Long, List<Report.Occurrence>> past = new HashMap<>();
        of("p", Past.class)
                .values()
                .forEach(each -> past.computeIfAbsent(each.job, first -> new ArrayList<>())
                        .add(each.occurrence));
        List<Report.Job> jobs = new ArrayList<>();
        of("j", Report.Job.class).forEach((number, job) -> {
            List<Report.Occurrence> newestFirst = past.getOrDefault(number, new ArrayList<>());
            newestFirst.sort(Comparator.comparingLong(Report.Occurrence::at).reversed());
            jobs.add(new Report.Job(job.job(), job.success(), job.next(), job.series(), job.total(), newestFirst));
        });
        return jobs;
    }
}
