package io.hapax.cli;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.ops.AdministeredStore;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
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

    /** Those of all workers with a console, which are to know for so long that somebody reads. */
    static List<FleetReport> of(AdministeredStore store, Duration readingFor) {
        return CommonOptions.answer(store.board().reports(readingFor)).values().stream()
                .map(FleetReport::parse)
                .flatMap(Optional::stream)
                .filter(report -> !report.worker().isEmpty())
                .toList();
    }

    /** Empty if it is no report. */
    private static Optional<FleetReport> parse(String json) {
        try {
            return Optional.ofNullable(JSON.readValue(json, FleetReport.class));
        } catch (JsonProcessingException another) {
            return Optional.empty();
        }
    }

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
