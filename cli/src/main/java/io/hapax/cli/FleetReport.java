package io.hapax.cli;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.ReportReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a worker with a console tells of itself; other versions of it may tell more, or less. */
@JsonIgnoreProperties(ignoreUnknown = true)
record FleetReport(
        String worker,
        boolean observes,
        int active,
        List<Run> runs,
        List<Waiting> waiting,
        List<Event> events,
        @Nullable Chart chart) {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    FleetReport {
        worker = text(worker);
        runs = list(runs);
        waiting = list(waiting);
        events = list(events);
    }

    /** What workers with a console say of themselves while nobody reads, too. */
    static List<FleetReport> summaries(AdministeredStore store) {
        return CommonOptions.answer(store.board().summaries()).values().stream()
                .map(FleetReport::parse)
                .flatMap(Optional::stream)
                .filter(report -> !report.worker().isEmpty())
                .toList();
    }

    /** The reports of all workers with a console, as far as a reader knows them. */
    static List<FleetReport> of(Map<String, ReportReader.Seen> seen) {
        return seen.values().stream()
                .map(each -> each.lines().isEmpty() ? parse(each.summary()) : told(each))
                .flatMap(Optional::stream)
                .filter(report -> !report.worker().isEmpty())
                .toList();
    }

    /** Empty if it is no report. */
    private static Optional<FleetReport> parse(@Nullable String json) {
        try {
            return json == null ? Optional.empty() : Optional.ofNullable(JSON.readValue(json, FleetReport.class));
        } catch (JsonProcessingException another) {
            return Optional.empty();
        }
    }

    /** Empty if the lines make no report. Which line says what, the console's WorkerLines tell. */
    private static Optional<FleetReport> told(ReportReader.Seen seen) {
        try {
            Map<Long, Long> ends = ends(seen);
            FleetReport worker = JSON.readValue(seen.lines().getOrDefault("w0", "{}"), FleetReport.class);
            List<Run> runs = new ArrayList<>();
            for (Map.Entry<Long, String> line : lines(seen, 'r').entrySet()) {
                RunLine run = JSON.readValue(line.getValue(), RunLine.class);
                long end = ends.getOrDefault(line.getKey(), run.end());
                runs.add(new Run(
                        run.job(), run.lock(), run.run(), run.since(), end == 0 ? 0 : Math.max(1, end - seen.clock())));
            }
            List<Waiting> waiting = new ArrayList<>();
            for (String line : lines(seen, 'q').values()) {
                WaitingLine run = JSON.readValue(line, WaitingLine.class);
                waiting.add(new Waiting(
                        run.job(), run.lock(), run.run(), Math.max(0, seen.clock() - run.from()), run.reason()));
            }
            List<Event> events = new ArrayList<>();
            for (String line : lines(seen, 'v').values()) {
                events.add(JSON.readValue(line, Event.class));
            }
            List<List<Integer>> counts = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
            for (String line : lines(seen, 'c').values()) {
                int[] step = JSON.readValue(line, int[].class);
                for (int n = 0; n < Math.min(step.length, counts.size()); n++) {
                    counts.get(n).add(step[n]);
                }
            }
            return Optional.of(new FleetReport(
                    worker.worker(),
                    worker.observes(),
                    Integer.parseInt(seen.lines().getOrDefault("a0", "0")),
                    runs,
                    waiting,
                    events,
                    new Chart(counts.get(0), counts.get(1), counts.get(2))));
        } catch (JsonProcessingException | RuntimeException another) {
            // Others may have put up anything.
            return Optional.empty();
        }
    }

    private static SortedMap<Long, String> lines(ReportReader.Seen seen, char kind) {
        SortedMap<Long, String> lines = new TreeMap<>();
        seen.lines().forEach((key, line) -> {
            if (key.charAt(0) == kind) {
                lines.put(Long.parseLong(key.substring(1)), line);
            }
        });
        return lines;
    }

    /** When leases end that have been renewed, or 0 if they were lost, which counts whatever was said before. */
    private static Map<Long, Long> ends(ReportReader.Seen seen) {
        Map<Long, Long> ends = new HashMap<>();
        Map<Long, String> lines = lines(seen, 'e');
        lines.forEach((slot, numbers) -> ReportReader.numbers(numbers).forEach(number -> ends.put(number, 100 * slot)));
        ReportReader.numbers(lines.getOrDefault(0L, "")).forEach(number -> ends.put(number, 0L));
        return ends;
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    private record RunLine(String job, String lock, String run, long since, long end) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    private record WaitingLine(String job, String lock, String run, long from, String reason) {}

    private static String text(@Nullable String text) {
        return text == null ? "" : text;
    }

    private static <T> List<T> list(@Nullable List<T> list) {
        return list == null ? List.of() : list.stream().filter(Objects::nonNull).toList();
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Run(String job, String lock, String run, long since, long left) {
        Run {
            job = text(job);
            lock = text(lock);
            run = text(run);
        }
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Waiting(String job, String lock, String run, long waited, String reason) {
        Waiting {
            job = text(job);
            lock = text(lock);
            run = text(run);
            reason = text(reason);
        }
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Event(long at, String what, String job, String keys, String why, String reason) {
        Event {
            what = text(what);
            job = text(job);
            keys = text(keys);
            why = text(why);
            reason = text(reason);
        }

        /** Each replica but one is refused so for each firing. */
        boolean isUsual() {
            return what.equals("refused") && (why.equals("RUNNING") || why.equals("DONE"));
        }
    }

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Chart(List<Integer> runs, List<Integer> refused, List<Integer> lost) {
        Chart {
            runs = list(runs);
            refused = list(refused);
            lost = list(lost);
        }

        static int sum(List<Integer> counts) {
            return counts.stream().mapToInt(Integer::intValue).sum();
        }
    }
}
