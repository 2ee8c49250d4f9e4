package io.hapax.console;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import io.hapax.ActiveRun;
import io.hapax.WaitingRun;
import io.hapax.lease.Holder;
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
 * @param observes whether its guard refuses nothing unless a job says otherwise
 * @param active how many runs are running
 * @param runs those runs, at most {@link #MOST_RUNS}; empty while nobody reads
 * @param waiting runs that wait for their keys
 * @param events the newest first
 * @param chart what happened in the last hour
 * @param jobs what it remembers of each job
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record Report(
        String worker,
        String instance,
        long number,
        String settings,
        boolean observes,
        int active,
        List<Run> runs,
        List<Waiting> waiting,
        List<Event> events,
        Chart chart,
        List<Job> jobs) {

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
        jobs = list(jobs);
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

    /** Who was in the way of a run, and since when. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Held(String worker, String run, String owner, String token, long since) {
        Held {
            worker = text(worker);
            run = text(run);
            owner = text(owner);
            token = text(token);
        }

        static @Nullable Held of(@Nullable Holder holder) {
            return holder == null
                    ? null
                    : new Held(
                            holder.worker(),
                            holder.run(),
                            holder.owner().value(),
                            holder.token().toString(),
                            holder.since().toEpochMilli());
        }
    }

    /**
     * What a worker remembers of a job.
     *
     * @param job its name
     * @param success when it last completed here, or as another worker has reported; 0 if nobody knows
     * @param next for when its scheduler has planned its next run, as far as it has said, the first of several; 0 if it has not
     * @param series which of the job's schedules that is; empty if there is but one
     * @param total counts its occurrences since the worker was started
     * @param past the last of them, the newest first; empty if this report does not tell
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Job(String job, long success, long next, String series, int total, List<Occurrence> past) {
        Job {
            job = text(job);
            series = text(series);
            past = list(past);
        }
    }

    /**
     * An occurrence that ended, or did not take place; times in milliseconds.
     *
     * @param at when it started, or was refused
     * @param took how long it held its lease
     * @param what {@code ran}, {@code failed}, {@code unconfirmed}, {@code ended}, {@code lost}, {@code skipped},
     *     {@code again} (refused, and to be tried again) or {@code unguarded}
     * @param why the verdict or the reason of the loss
     * @param run its run key
     * @param owner the run
     * @param token its fencing token
     * @param count how many were refused one after the other for the same reason
     * @param reason a sentence, where nobody is in the way
     * @param held who was in the way
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Occurrence(
            long at,
            long took,
            String what,
            String why,
            String run,
            String owner,
            String token,
            int count,
            String reason,
            @Nullable Held held) {
        Occurrence {
            what = text(what);
            why = text(why);
            run = text(run);
            owner = text(owner);
            token = text(token);
            reason = text(reason);
        }

        Occurrence lasting(long millis) {
            return new Occurrence(at, millis, what, why, run, owner, token, count, reason, held);
        }

        /** Whether nothing but the time tells it from another refusal. */
        boolean isAsRefusedAs(Occurrence other) {
            return what.equals(other.what)
                    && why.equals(other.why)
                    && reason.equals(other.reason)
                    && owner.isEmpty()
                    && Objects.equals(held, other.held)
                    && (!what.equals("again") || run.equals(other.run));
        }

        /** This refusal, counted once more: the last of them is shown. */
        Occurrence onceMore(Occurrence newest) {
            return new Occurrence(newest.at, 0, what, why, newest.run, owner, token, count + 1, reason, held);
        }
    }

    /** Something that operators may ask about. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Event(
            long at,
            String what,
            String job,
            String keys,
            String why,
            String reason,
            String holder,
            @Nullable Held held) {
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
