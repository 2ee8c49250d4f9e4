package io.hapax.console;

import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import io.hapax.lease.Holder;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.RunKey;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a worker remembers of each job: its last hundred occurrences here, and when it last succeeded. The jobs that were
 * quiet for longest are forgotten when there are many. Thread-safe.
 */
final class JobHistory {

    static final int MOST_PAST = 100;
    static final int MOST_JOBS = 200;
    private static final int MOST_SERIES = 20;
    /** What has not happened for so long is reported no more. */
    private static final Duration FORGOTTEN = Duration.ofDays(30);

    private final InstantSource clock;
    private final Object lock = new Object();
    private final Map<String, Job> jobs = new LinkedHashMap<>(16, 0.75f, true);

    JobHistory(InstantSource clock) {
        this.clock = clock;
    }

    private static final class Job {
        private final Deque<Report.Occurrence> past = new ArrayDeque<>();
        private long success;
        /** For when its schedulers have planned its next run, by the name of the series, the newest one last. */
        private final Map<String, Long> plans = new LinkedHashMap<>();

        private int total;

        /** Of several triggers each has its own plan; what a run that nobody has planned does not tell stays as it was. */
        void plan(String series, long next) {
            plans.remove(series);
            plans.put(series, next);
            if (plans.size() > MOST_SERIES) {
                plans.remove(plans.keySet().iterator().next());
            }
        }

        /** The first plan that no success has overtaken, else the last one of all; null if there is none. */
        Map.@Nullable Entry<String, Long> next() {
            return plans.entrySet().stream()
                    .min(Comparator.comparing((Map.Entry<String, Long> plan) -> plan.getValue() <= success)
                            .thenComparing(plan -> plan.getValue() <= success ? -plan.getValue() : plan.getValue()))
                    .orElse(null);
        }

        long newest() {
            Map.Entry<String, Long> next = next();
            return next == null ? success : Math.max(success, next.getValue());
        }
    }

    void on(GuardEvent event) {
        if (event instanceof GuardEvent.Released e) {
            ended(e);
        } else if (event instanceof GuardEvent.Lost e) {
            add(e.job(), lost(e.lease(), e.reason().name(), e.held(), e.holder()));
        } else if (event instanceof GuardEvent.Refused e && !e.isUsual()) {
            refused(e.job(), refused(e.again() ? "again" : "skipped", e.identity(), e.refusal()));
        } else if (event instanceof GuardEvent.Unguarded e) {
            refused(e.job(), refused("unguarded", e.identity(), e.refusal()));
        }
    }

    private void ended(GuardEvent.Released e) {
        if (e.outcome() == RunOutcome.LOST) {
            stillLost(e);
            return;
        }
        String what = switch (e.outcome()) {
            case COMPLETED -> "ran";
            case UNCONFIRMED -> "unconfirmed";
            case FAILED -> "failed";
            default -> "ended";
        };
        add(e.job(), past(e.lease(), what, "", e.held(), null));
        Duration nextIn = e.nextIn();
        if (nextIn != null && e.outcome() == RunOutcome.COMPLETED) {
            synchronized (lock) {
                job(e.job())
                        .plan(
                                Rhythm.nameOf(run(e.lease().identity())),
                                clock.millis() - e.held().toMillis() + nextIn.toMillis());
            }
        }
    }

    /** The event of the loss came first; by now the run has noticed. */
    private void stillLost(GuardEvent.Released e) {
        String owner = e.lease().owner().value();
        synchronized (lock) {
            Job job = job(e.job());
            for (Report.Occurrence known : List.copyOf(job.past)) {
                if (known.owner().equals(owner)) {
                    job.past.remove(known);
                    add(e.job(), known.lasting(e.held().toMillis()));
                    return;
                }
            }
            add(e.job(), lost(e.lease(), "", e.held(), null));
        }
    }

    private Report.Occurrence lost(Lease lease, String why, Duration held, @Nullable Holder holder) {
        return past(lease, "lost", why, held, holder);
    }

    private Report.Occurrence past(Lease lease, String what, String why, Duration held, @Nullable Holder holder) {
        return new Report.Occurrence(
                clock.millis() - held.toMillis(),
                held.toMillis(),
                what,
                why,
                run(lease.identity()),
                lease.owner().value(),
                lease.token().toString(),
                1,
                "",
                Report.Held.of(holder));
    }

    private Report.Occurrence refused(String what, JobIdentity identity, Refusal refusal) {
        Holder holder = refusal.holder();
        return new Report.Occurrence(
                clock.millis(),
                0,
                what,
                refusal.verdict().name(),
                run(identity),
                "",
                "",
                1,
                holder == null ? refusal.reason() : "",
                Report.Held.of(holder));
    }

    private static String run(JobIdentity identity) {
        return identity.run().map(RunKey::value).orElse("");
    }

    private void add(String name, Report.Occurrence occurrence) {
        synchronized (lock) {
            Job job = job(name);
            job.total++;
            job.past.addFirst(occurrence);
            if (job.past.size() > MOST_PAST) {
                job.past.removeLast();
            }
            if (occurrence.what().equals("ran")) {
                job.success = Math.max(job.success, occurrence.at() + occurrence.took());
            }
        }
    }

    /** What is refused each second for one reason is one line with a count. */
    private void refused(String name, Report.Occurrence occurrence) {
        synchronized (lock) {
            Job job = job(name);
            Report.Occurrence newest = job.past.peekFirst();
            if (newest != null && newest.isAsRefusedAs(occurrence)) {
                job.past.removeFirst();
                add(name, newest.onceMore(occurrence));
            } else {
                add(name, occurrence);
            }
        }
    }

    /** Held: the lock. */
    private Job job(String name) {
        Job job = jobs.computeIfAbsent(name, first -> new Job());
        if (jobs.size() > MOST_JOBS) {
            jobs.remove(jobs.keySet().iterator().next());
        }
        return job;
    }

    /** Learns from other workers when jobs last succeeded, so that a deploy does not make everybody forget it. */
    void learn(List<Report> reports) {
        long oldest = clock.millis() - FORGOTTEN.toMillis();
        List<Report.Job> newestFirst = reports.stream()
                .flatMap(report -> report.jobs().stream())
                .filter(job -> Math.max(job.success(), job.next()) > oldest)
                .sorted(Comparator.comparingLong(Report.Job::success).reversed())
                .toList();
        synchronized (lock) {
            for (Report.Job told : newestFirst) {
                if (jobs.containsKey(told.job()) || jobs.size() < MOST_JOBS) {
                    Job job = job(told.job());
                    if (told.success() > job.success && told.next() > 0) {
                        job.plan(told.series(), told.next());
                    }
                    job.success = Math.max(job.success, told.success());
                }
            }
        }
    }

    /** Held: the lock. A job that is removed, or renamed, would be late for ever; one that is due seldom is due all the same. */
    private void forget() {
        long oldest = clock.millis() - FORGOTTEN.toMillis();
        jobs.values()
                .removeIf(job -> job.newest() <= oldest
                        && (job.past.isEmpty() || job.past.getFirst().at() <= oldest));
    }

    /** What is reported of the jobs: when they last succeeded, and while somebody reads, the occurrences. */
    List<Report.Job> told(boolean full) {
        synchronized (lock) {
            forget();
            List<Report.Job> told = new ArrayList<>();
            jobs.forEach((name, job) -> {
                Map.Entry<String, Long> next = job.next();
                told.add(new Report.Job(
                        name,
                        job.success,
                        next == null ? 0 : next.getValue(),
                        next == null ? "" : next.getKey(),
                        job.total,
                        full ? List.copyOf(job.past) : List.of()));
            });
            // In one order as long as nothing changes, so that nothing seems new.
            told.sort(Comparator.comparing(Report.Job::job));
            return told;
        }
    }
}
