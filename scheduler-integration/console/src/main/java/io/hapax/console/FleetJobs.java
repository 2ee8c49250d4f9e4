package io.hapax.console;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Puts together what workers remember of each job. Reports tell it in parts. Used by one thread at a time. */
final class FleetJobs {

    static final int MOST_SHOWN = 100;

    private static final int MOST_JOBS = 1000;
    private static final int STRIP = 30;
    /** So many times the usual interval without a success is an alarm, or so many times what a planned run has ever taken. */
    private static final int LATE = 3;

    private static final long SHORTEST_ALARM = 60_000;

    private final Map<String, Told> toldByWorker = new HashMap<>();
    private final Map<String, Merged> mergedByJob = new TreeMap<>();

    /** What an instance of a worker has reported so far. */
    private record Told(String instance, Map<String, Report.Job> jobs) {}

    /** Something that one worker remembers. */
    record Remembered(String worker, Report.Occurrence occurrence, int tries) {}

    /** A job in the fleet, put together anew only if something is new. */
    private record Merged(
            long total,
            long success,
            long planned,
            List<Remembered> past,
            long every,
            long pause,
            long took,
            long longest,
            String strip) {

        static final Merged NOTHING = new Merged(0, 0, 0, List.of(), 0, 0, 0, 0, "");

        /** When it should have succeeded at the latest; 0 if nobody can tell. */
        long latest() {
            if (planned > 0) {
                // Without a run to go by, half of the time that was planned.
                long spare = longest == 0 ? (planned - success) / 2 : LATE * longest;
                return planned + Math.max(SHORTEST_ALARM, spare);
            }
            return every == 0 ? 0 : success + Math.max(Math.max(SHORTEST_ALARM, LATE * every), pause);
        }

        long next() {
            return planned > 0 ? planned : every > 0 ? success + every : 0;
        }
    }

    /** Takes what reports tell; workers that do not report any more are kept as they were, as long as they are named. */
    void take(List<Report> reports, Set<String> remembered) {
        toldByWorker.keySet().retainAll(remembered);
        for (Report report : reports) {
            Told told = toldByWorker.get(report.worker());
            Map<String, Report.Job> jobs = new LinkedHashMap<>();
            for (Report.Job job : report.jobs()) {
                Report.Job before =
                        told == null || !told.instance.equals(report.instance()) ? null : told.jobs.get(job.job());
                jobs.put(
                        job.job(),
                        job.past().isEmpty() && before != null
                                ? new Report.Job(
                                        job.job(),
                                        job.success(),
                                        job.next(),
                                        job.series(),
                                        before.total(),
                                        before.past())
                                : job);
            }
            toldByWorker.put(report.worker(), new Told(report.instance(), jobs));
        }
        merge();
    }

    private void merge() {
        Map<String, Long> totals = new HashMap<>();
        toldByWorker.forEach((worker, told) -> told.jobs
                .values()
                .forEach(job -> totals.merge(
                        job.job(),
                        31L * job.total() + job.past().size() + told.instance.hashCode() + job.success() + job.next(),
                        (a, b) -> a + b)));
        mergedByJob.keySet().retainAll(totals.keySet());
        totals.forEach((job, total) -> {
            Merged before = mergedByJob.get(job);
            boolean isNew = before == null && mergedByJob.size() < MOST_JOBS;
            if (isNew || (before != null && before.total != total)) {
                mergedByJob.put(job, merged(job, total));
            }
        });
    }

    private Merged merged(String job, long total) {
        List<Remembered> all = new ArrayList<>();
        long success = 0;
        for (Map.Entry<String, Told> worker : toldByWorker.entrySet()) {
            Report.Job told = worker.getValue().jobs.get(job);
            if (told != null) {
                success = Math.max(success, told.success());
                told.past().forEach(each -> all.add(new Remembered(worker.getKey(), each, 0)));
            }
        }
        all.sort(Comparator.comparingLong((Remembered each) -> each.occurrence.at())
                .reversed());
        List<Remembered> past = folded(all).stream().limit(MOST_SHOWN).toList();
        List<Report.Occurrence> ran = past.stream()
                .map(Remembered::occurrence)
                .filter(each -> each.what().equals("ran"))
                .toList();
        List<Long> ends =
                ran.stream().map(each -> each.at() + each.took()).sorted().toList();
        List<Long> lengths = ran.stream().map(Report.Occurrence::took).sorted().toList();
        long pause = IntStream.range(1, ends.size())
                .mapToLong(n -> ends.get(n) - ends.get(n - 1))
                .max()
                .orElse(0);
        long took = lengths.isEmpty() ? 0 : lengths.get(lengths.size() - 1);
        long usual = Math.max(1, Rhythm.median(lengths));
        return new Merged(total, success, next(job, success), past, Rhythm.of(ran), pause, usual, took, strip(past));
    }

    /**
     * The first run after the last success that is planned in any of its series. Of one series, the worker counts on which the job last
     * succeeded: the schedule may have changed since it ran on others.
     */
    private long next(String job, long success) {
        Map<String, Report.Job> bySeries = new HashMap<>();
        for (Told worker : toldByWorker.values()) {
            Report.Job told = worker.jobs.get(job);
            if (told != null && told.next() > success) {
                bySeries.merge(told.series(), told, FleetJobs::later);
            }
        }
        return bySeries.values().stream().mapToLong(Report.Job::next).min().orElse(0);
    }

    private static Report.Job later(Report.Job a, Report.Job b) {
        return a.success() == b.success() ? (a.next() > b.next() ? a : b) : a.success() > b.success() ? a : b;
    }

    private static String strip(List<Remembered> past) {
        StringBuilder strip = past.stream()
                .limit(STRIP)
                .map(each -> switch (each.occurrence.what()) {
                    case "ran" -> "r";
                    case "failed" -> "f";
                    case "lost" -> "l";
                    case "skipped" -> "s";
                    case "again" -> "a";
                    default -> "u";
                })
                .collect(Collectors.collectingAndThen(Collectors.joining(), StringBuilder::new));
        return strip.reverse().toString();
    }

    /**
     * One line an occurrence: that it was refused before it ran is said with its run; and what several replicas were refused
     * for the same occurrence is one refusal.
     */
    private static List<Remembered> folded(List<Remembered> newestFirst) {
        Map<String, Integer> tries = new HashMap<>();
        Set<String> ran = new HashSet<>();
        for (Remembered each : newestFirst) {
            String run = each.occurrence.run();
            if (!run.isEmpty() && !each.occurrence.owner().isEmpty()) {
                ran.add(run);
            } else if (!run.isEmpty() && each.occurrence.what().equals("again")) {
                tries.merge(run, Math.max(1, each.occurrence.count()), Integer::sum);
            }
        }
        Set<String> refused = new HashSet<>();
        List<Remembered> folded = new ArrayList<>();
        for (Remembered each : newestFirst) {
            String run = each.occurrence.run();
            if (!each.occurrence.owner().isEmpty()) {
                folded.add(new Remembered(each.worker, each.occurrence, tries.getOrDefault(run, 0)));
            } else if (run.isEmpty() || (!ran.contains(run) && refused.add(run))) {
                folded.add(each);
            }
        }
        return folded;
    }

    Set<String> names() {
        return Set.copyOf(mergedByJob.keySet());
    }

    List<JobView.Summary> summaries(long now) {
        return mergedByJob.entrySet().stream()
                .map(entry -> summary(entry.getKey(), entry.getValue(), now))
                .toList();
    }

    /** What is remembered of a job, by this machine's clock; nothing of a job that no worker has reported. */
    JobView view(String job, long now, List<Map<String, Object>> running, List<Map<String, Object>> waiting) {
        Merged merged = mergedByJob.getOrDefault(job, Merged.NOTHING);
        return new JobView(
                now,
                summary(job, merged, now),
                merged.past.stream().map(FleetJobs::shown).toList(),
                running,
                waiting);
    }

    private static JobView.Summary summary(String job, Merged merged, long now) {
        return new JobView.Summary(
                job,
                merged.success,
                merged.every,
                merged.took,
                merged.next(),
                merged.latest() > 0 && now > merged.latest(),
                merged.total,
                merged.strip);
    }

    private static Map<String, Object> shown(Remembered remembered) {
        Report.Occurrence each = remembered.occurrence;
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("at", each.at());
        all.put("took", each.took());
        all.put("what", each.what());
        all.put("why", each.why());
        all.put("worker", remembered.worker);
        all.put("run", each.run());
        all.put("owner", each.owner());
        all.put("token", each.token());
        all.put("count", each.count());
        all.put("tries", remembered.tries);
        all.put("reason", each.reason());
        all.put("held", each.held());
        return all;
    }

    /** The job of a run, by its owner or by its run key, as far as any worker remembers. */
    @Nullable
    String jobOf(String owner, String run) {
        for (Map.Entry<String, Merged> entry : mergedByJob.entrySet()) {
            for (Remembered each : entry.getValue().past) {
                Report.Occurrence known = each.occurrence;
                if (known.owner().equals(owner)
                        || (!run.isEmpty() && known.run().equals(run))) {
                    return entry.getKey();
                }
            }
        }
        return null;
    }
}
