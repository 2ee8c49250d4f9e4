package io.hapax.console;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import io.hapax.ActiveRun;
import io.hapax.WaitingRun;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What one worker is at, as it is put up for the others. Unknown fields are ignored, so that workers of different versions
 * understand each other.
 *
 * @param worker its name
 * @param instance tells processes of the same name apart
 * @param number grows with each report of an instance
 * @param settings on which all workers have to agree
 * @param active how many runs are running
 * @param runs those runs, at most {@link #MOST_RUNS}; empty while nobody reads
 * @param waiting runs that wait for their keys
 * @param events the newest first
 * @param chart what happened in the last hour
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record Report(
        String worker,
        String instance,
        long number,
        String settings,
        int active,
        List<Run> runs,
        List<Waiting> waiting,
        List<Event> events,
        Chart chart) {

    /** What another version does not tell is empty; a report without a name is none. */
    Report {
        if (worker == null || worker.isEmpty()) {
            throw new IllegalArgumentException("a report needs the name of its worker");
        }
        instance = text(instance);
        settings = text(settings);
        runs = list(runs);
        waiting = list(waiting);
        events = list(events);
        chart = chart == null ? new Chart(0, 0, List.of(), List.of(), List.of()) : chart;
    }

    private static String text(@Nullable String text) {
        return text == null ? "" : text;
    }

    private static <T> List<T> list(@Nullable List<T> list) {
        return list == null ? List.of() : list.stream().filter(Objects::nonNull).toList();
    }

    static final int MOST_RUNS = 1000;
    static final int MOST_WAITING = 200;

    /** An active run; times in milliseconds. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Run(
            String owner,
            String token,
            String job,
            String lock,
            String run,
            int attempt,
            long since,
            String thread,
            long ttl,
            long left) {
        Run {
            owner = text(owner);
            token = text(token);
            job = text(job);
            lock = text(lock);
            run = text(run);
            thread = text(thread);
        }

        static Run of(ActiveRun run) {
            return new Run(
                    run.owner().value(),
                    run.token().toString(),
                    run.job(),
                    run.identity().lockKey() == null ? "" : run.identity().leaseName(),
                    run.identity().run().map(RunKey::value).orElse(""),
                    run.attempt(),
                    run.since().toEpochMilli(),
                    run.thread(),
                    run.ttl().toMillis(),
                    run.left().toMillis());
        }
    }

    /** A run that waits for its key. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Waiting(String job, String lock, String run, long waited, String reason) {
        Waiting {
            job = text(job);
            lock = text(lock);
            run = text(run);
            reason = text(reason);
        }

        static Waiting of(WaitingRun run) {
            return new Waiting(
                    run.job(),
                    run.identity().lock().map(LockKey::value).orElse(""),
                    run.identity().run().map(RunKey::value).orElse(""),
                    run.waited().toMillis(),
                    run.reason());
        }
    }

    /** Something that operators may ask about. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Event(long at, String what, String job, String keys, String why, String reason, String holder) {
        Event {
            what = text(what);
            job = text(job);
            keys = text(keys);
            why = text(why);
            reason = text(reason);
            holder = text(holder);
        }

        /** Each replica but one gets it for each firing. */
        boolean isUsual() {
            return what.equals("refused") && (why.equals("RUNNING") || why.equals("DONE"));
        }
    }

    /**
     * Counts a step of time.
     *
     * @param step how long a step is, in seconds
     * @param from when the first step starts, in seconds of the epoch
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Chart(int step, long from, List<Integer> runs, List<Integer> refused, List<Integer> lost) {
        Chart {
            runs = list(runs);
            refused = list(refused);
            lost = list(lost);
        }
    }
}
