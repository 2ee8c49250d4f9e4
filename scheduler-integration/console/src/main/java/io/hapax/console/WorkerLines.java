package io.hapax.console;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.ActiveRun;
import io.hapax.WaitingRun;
import io.hapax.lease.OwnerId;
import io.hapax.ops.ReportWriter;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * What a worker is at, in lines that stay as they are for as long as nothing happens, so that a report has only what is new. What changes
 * by itself, as what is left of a lease, is said as an instant of the worker's clock. Used by one thread.
 *
 * <p>The first letter of a key says what a line is: {@code w} the worker; {@code a} how many runs are running; {@code r} a run;
 * {@code e} when leases end that have been renewed, in tenths of a second, and which ones; {@code q} a run that waits;
 * {@code v} an event; {@code c} counts of a step of time; {@code j} a job; {@code p} an occurrence, with the number of its job
 * before it.
 */
final class WorkerLines {

    /** The same end, computed at another time. */
    private static final long SAME_MILLIS = 300;

    static final long SLOT_MILLIS = 100;

    private final Supplier<List<ActiveRun>> active;
    private final Supplier<List<WaitingRun>> waiting;
    private final RunHistory history;
    private final JobHistory jobs;
    private final JsonMapper json = JsonMapper.builder().build();
    private final String worker;

    private final Map<OwnerId, Run> runs = new HashMap<>();
    private final NavigableMap<Long, Ends> ends = new TreeMap<>();
    private Map<Waiter, Wait> waits = new HashMap<>();
    private IdentityHashMap<Report.Event, Line> events = new IdentityHashMap<>();
    private IdentityHashMap<Report.Occurrence, Line> past = new IdentityHashMap<>();
    private final Map<String, Long> jobNumbers = new HashMap<>();
    private long numbers;

    WorkerLines(
            Head head,
            Supplier<List<ActiveRun>> active,
            Supplier<List<WaitingRun>> waiting,
            RunHistory history,
            JobHistory jobs) {
        this.active = active;
        this.waiting = waiting;
        this.history = history;
        this.jobs = jobs;
        this.worker = text(head);
    }

    /** Who reports. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Head(String worker, String instance, String settings, boolean observes) {}

    /** A run, and when its lease ends unless it is renewed; 0 if it is lost. Another line says so once it has been renewed. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record RunLine(
            String owner,
            String token,
            String job,
            String lock,
            String run,
            int attempt,
            long since,
            String thread,
            long ttl,
            long end) {

        Report.Run at(long clock, long until) {
            return new Report.Run(
                    owner,
                    token,
                    job,
                    lock,
                    run,
                    attempt,
                    since,
                    thread,
                    ttl,
                    until == 0 ? 0 : Math.max(1, until - clock));
        }
    }

    /** A run that waits, and since when. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record WaitingLine(String job, String lock, String run, long from, String reason) {
        Report.Waiting at(long clock) {
            return new Report.Waiting(job, lock, run, Math.max(0, clock - from), reason);
        }
    }

    private record Line(String key, String text) {}

    private static final class Run {
        private final long number;
        private String thread;
        private String text;
        private long end;
        /** Where its end is said; below 0 if in its own line. */
        private long slot = -1;

        Run(long number, String thread, String text, long end) {
            this.number = number;
            this.thread = thread;
            this.text = text;
            this.end = end;
        }
    }

    /** A run that was renewed again since stands in a later line, too, which counts. */
    private static final class Ends {
        private final TreeSet<Long> told = new TreeSet<>();
        private int still;
        private String text = "";

        void add(long run) {
            told.add(run);
            text = ReportWriter.numbers(told);
        }

        void remove(long run) {
            if (told.remove(run)) {
                text = ReportWriter.numbers(told);
            }
        }
    }

    /** Runs that wait for the same thing differ by which one came first. */
    private record Waiter(String job, String keys, int place) {}

    private record Wait(long number, long from) {}

    void tell(ReportWriter.Lines out, long clock) {
        out.line("w0", worker);
        List<ActiveRun> all = active.get();
        out.line("a0", Integer.toString(all.size()));
        tellRuns(out, all, clock);
        tellWaiting(out, clock);
        events = lines("v", history.events(), events, event -> text(event));
        events.values().forEach(line -> out.line(line.key(), line.text()));
        tellChart(out, history.chart());
        tellJobs(out, jobs.told(true));
    }

    private void tellRuns(ReportWriter.Lines out, List<ActiveRun> all, long clock) {
        List<ActiveRun> shown = all.stream()
                .sorted(Comparator.comparing(ActiveRun::since))
                .limit(Report.MOST_RUNS)
                .toList();
        Map<OwnerId, ActiveRun> present = new HashMap<>();
        shown.forEach(run -> present.put(run.owner(), run));
        for (Iterator<Map.Entry<OwnerId, Run>> known = runs.entrySet().iterator(); known.hasNext(); ) {
            Map.Entry<OwnerId, Run> each = known.next();
            if (!present.containsKey(each.getKey())) {
                leaveSlot(each.getValue());
                known.remove();
            }
        }
        for (ActiveRun active : shown) {
            long end = active.left().isZero() ? 0 : clock + active.left().toMillis();
            Run run = runs.get(active.owner());
            if (run == null) {
                run = new Run(numbers++, active.thread(), text(line(active, end)), end);
                runs.put(active.owner(), run);
            } else {
                if (!run.thread.equals(active.thread())) {
                    run.thread = active.thread();
                    run.text = text(line(active, run.end));
                }
                move(run, end);
            }
            out.line("r" + run.number, run.text);
        }
        ends.forEach((slot, each) -> out.line("e" + slot, each.text));
    }

    private static RunLine line(ActiveRun active, long end) {
        Report.Run run = Report.Run.of(active);
        return new RunLine(
                run.owner(),
                run.token(),
                run.job(),
                run.lock(),
                run.run(),
                run.attempt(),
                run.since(),
                run.thread(),
                run.ttl(),
                end);
    }

    private void move(Run run, long end) {
        if ((end == 0) == (run.end == 0) && Math.abs(end - run.end) < SAME_MILLIS) {
            return;
        }
        leaveSlot(run);
        run.slot = end / SLOT_MILLIS;
        run.end = run.slot * SLOT_MILLIS;
        Ends slot = ends.computeIfAbsent(run.slot, first -> new Ends());
        slot.still++;
        slot.add(run.number);
        // What is later would count.
        ends.tailMap(run.slot, false).values().forEach(later -> later.remove(run.number));
    }

    private void leaveSlot(Run run) {
        Ends slot = ends.get(run.slot);
        if (slot == null) {
            return;
        }
        slot.still--;
        if (slot.still == 0) {
            ends.remove(run.slot);
        } else if (run.slot == 0) {
            // A lost lease comes last, so nobody else may stand there.
            slot.remove(run.number);
        }
    }

    private void tellWaiting(ReportWriter.Lines out, long clock) {
        Map<Waiter, Wait> still = new HashMap<>();
        List<WaitingRun> longestFirst = waiting.get().stream()
                .sorted(Comparator.comparing(WaitingRun::waited).reversed())
                .limit(Report.MOST_WAITING)
                .toList();
        Map<String, Integer> places = new HashMap<>();
        for (WaitingRun run : longestFirst) {
            String keys = run.identity().toString();
            Waiter waiter = new Waiter(run.job(), keys, places.merge(run.job() + "\n" + keys, 1, Integer::sum));
            long from = clock - run.waited().toMillis();
            Wait known = waits.get(waiter);
            Wait now = known == null
                    ? new Wait(numbers++, from)
                    : Math.abs(known.from - from) < SAME_MILLIS ? known : new Wait(known.number, from);
            still.put(waiter, now);
            Report.Waiting told = Report.Waiting.of(run);
            out.line(
                    "q" + now.number,
                    text(new WaitingLine(told.job(), told.lock(), told.run(), now.from, told.reason())));
        }
        waits = still;
    }

    private interface Text<T> {
        String of(T each);
    }

    /** The lines of what is there, each as it was; of what is new, made now. */
    private <T> IdentityHashMap<T, Line> lines(
            String kind, List<T> present, IdentityHashMap<T, Line> before, Text<T> text) {
        IdentityHashMap<T, Line> lines = new IdentityHashMap<>();
        for (T each : present) {
            Line known = before.get(each);
            lines.put(each, known == null ? new Line(kind + numbers++, text.of(each)) : known);
        }
        return lines;
    }

    private void tellChart(ReportWriter.Lines out, Report.Chart chart) {
        for (int n = 0; n < chart.runs().size(); n++) {
            int[] counts = {
                chart.runs().get(n), chart.refused().get(n), chart.lost().get(n)
            };
            if (counts[0] + counts[1] + counts[2] > 0) {
                out.line("c" + (chart.from() / chart.step() + n), text(counts));
            }
        }
    }

    private void tellJobs(ReportWriter.Lines out, List<Report.Job> told) {
        jobNumbers.keySet().retainAll(told.stream().map(Report.Job::job).toList());
        IdentityHashMap<Report.Occurrence, Long> jobOf = new IdentityHashMap<>();
        for (Report.Job job : told) {
            long number = jobNumbers.computeIfAbsent(job.job(), first -> numbers++);
            out.line(
                    "j" + number,
                    text(new Report.Job(job.job(), job.success(), job.next(), job.series(), job.total(), List.of())));
            job.past().forEach(each -> jobOf.put(each, number));
        }
        // What does not fit into one change is what is old.
        List<Report.Occurrence> newestFirst = told.stream()
                .flatMap(job -> job.past().stream())
                .sorted(Comparator.comparingLong(Report.Occurrence::at).reversed())
                .toList();
        past = lines("p", newestFirst, past, each -> jobOf.get(each) + " " + text(each));
        newestFirst.stream()
                .flatMap(each -> Stream.ofNullable(past.get(each)))
                .forEach(line -> out.line(line.key(), line.text()));
    }

    private String text(Object value) {
        try {
            return json.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a line of the report cannot be written", e);
        }
    }
}
