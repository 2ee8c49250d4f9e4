package io.hapax.console;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.console.FleetView.Server;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.ReportReader;
import io.hapax.ops.ServerHealth;
import io.hapax.thread.GuardThreads;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Puts the reports of all workers together. Used by one thread at a time. */
final class Fleet {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.console");
    /** Workers go on to report in full for so long after the last look. */
    private static final Duration READING = Duration.ofSeconds(5);

    private static final int MOST_EVENTS = 300;
    private static final int MOST_USUAL_EVENTS = 100;
    private static final int MOST_ABANDONED = 200;
    private static final int MOST_GONE = 50;
    /** Workers that do not report any more are shown for so long. */
    private static final long GONE_MILLIS = Duration.ofMinutes(15).toMillis();
    /** By how much the end of a lease may seem to move without having been renewed. */
    private static final long JITTER_MILLIS = 1500;

    private final AdministeredStore store;
    private final @Nullable RunLedger ledger;
    private final JsonMapper json;
    private final InstantSource clock;
    private final Map<String, Known> known = new HashMap<>();
    private final FleetJobs jobs = new FleetJobs();
    /** Workers whose reports have ended, with what they were running then. */
    private final Map<String, FleetView.Gone> gone = new LinkedHashMap<>();

    private final Map<String, FleetView.Gone> present = new HashMap<>();
    private final ReportReader reader;
    private final Map<String, Telling> tellings = new HashMap<>();
    private List<Report> lastReports = List.of();
    private long looks;

    Fleet(AdministeredStore store, @Nullable RunLedger ledger, JsonMapper json, InstantSource clock, Ticker ticker) {
        this.store = store;
        this.reader = new ReportReader(store, ticker);
        this.ledger = ledger;
        this.json = json;
        this.clock = clock;
    }

    /** The end of a lease as it was reported last. */
    private record Known(String instance, Set<String> earlier, long number, Map<String, Long> untilByOwner) {}

    /** What the page shows. */
    record Snapshot(FleetView view, Map<String, Map<String, Object>> runs, Map<String, JobView> jobs) {

        /** The page of a job, also of one that no worker remembers. */
        JobView job(String name) {
            JobView known = jobs.get(name);
            return known == null ? new FleetJobs().view(name, view.now(), List.of(), List.of()) : known;
        }
    }

    /** Asks store and ledger; blocks for as long as they may take to answer. Fails never: trouble is shown. */
    Snapshot look() throws InterruptedException {
        CompletionStage<List<ServerHealth>> health =
                GuardThreads.ask(() -> store.admin().servers());
        CompletionStage<Map<String, FleetBoard.News>> news = GuardThreads.ask(() -> reader.ask(READING));
        RunLedger runs = ledger;
        CompletionStage<Abandoned> abandoned = runs == null ? null : GuardThreads.ask(() -> abandoned(runs));
        List<String> warnings = new ArrayList<>();
        List<String> unread = new ArrayList<>();
        Map<String, FleetBoard.News> fresh = answered(news, store.answerTimeout(), Map.of(), unread);
        if (unread.isEmpty()) {
            lastReports = reports(reader.take(fresh), warnings);
        } else {
            warnings.add("What workers are at cannot be read: this is what they said last. " + unread.get(0));
        }
        List<Server> servers = answered(health, store.answerTimeout(), List.<ServerHealth>of(), warnings).stream()
                .map(Server::of)
                .toList();
        Abandoned waitingForPeople = runs == null || abandoned == null
                ? new Abandoned(List.of(), new Server("PostgreSQL", false, 0, "no ledger: level 1, see the guarantees"))
                : answered(runs, abandoned);
        return put(lastReports, servers, waitingForPeople, warnings);
    }

    /** What waits for a person, and how the ledger answered. */
    private record Abandoned(List<Map<String, Object>> entries, Server ledger) {}

    private static CompletionStage<Abandoned> abandoned(RunLedger runs) {
        long asked = System.nanoTime();
        return runs.entries(LedgerQuery.in(MOST_ABANDONED, RunState.ABANDONED))
                .thenApply(entries -> new Abandoned(
                        entries.stream().map(Fleet::shown).toList(),
                        new Server("PostgreSQL", true, (System.nanoTime() - asked) / 1000, "answers")));
    }

    private static Abandoned answered(RunLedger runs, CompletionStage<Abandoned> abandoned)
            throws InterruptedException {
        List<String> trouble = new ArrayList<>();
        Abandoned none = new Abandoned(List.of(), new Server("PostgreSQL", false, 0, "does not answer"));
        Abandoned answer = answered(abandoned, runs.answerTimeout(), none, trouble);
        return trouble.isEmpty()
                ? answer
                : new Abandoned(List.of(), new Server("PostgreSQL", false, 0, trouble.get(0)));
    }

    private static <T> T answered(CompletionStage<T> stage, Duration timeout, T otherwise, List<String> trouble)
            throws InterruptedException {
        try {
            T answer = stage.toCompletableFuture().get(timeout.toMillis() + 500, TimeUnit.MILLISECONDS);
            if (answer != null) {
                return answer;
            }
            trouble.add("null is no answer");
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            trouble.add(cause.getMessage() == null ? cause.toString() : cause.getMessage());
        } catch (CancellationException e) {
            trouble.add("the question was cancelled");
        } catch (TimeoutException e) {
            trouble.add("no answer within " + timeout.toMillis() + " ms");
        }
        return otherwise;
    }

    private List<Report> reports(Map<String, ReportReader.Seen> all, List<String> warnings) {
        looks++;
        tellings.keySet().retainAll(all.keySet());
        List<Report> reports = new ArrayList<>();
        all.forEach((name, seen) -> {
            if (seen.lines().isEmpty() && seen.summary() == null) {
                return;
            }
            Report report = null;
            try {
                report = seen.lines().isEmpty()
                        ? json.readValue(seen.summary(), Report.class)
                        : tellings.computeIfAbsent(name, first -> new Telling(json))
                                .report(seen, looks);
            } catch (JsonProcessingException | RuntimeException e) {
                LOG.debug("the report of worker {} cannot be read", VisibleText.of(name), e);
            }
            if (report == null) {
                warnings.add("the report of worker " + name + " cannot be read: is it of another version?");
            } else {
                reports.add(report);
            }
        });
        reports.sort(Comparator.comparing(Report::worker));
        return reports;
    }

    private Snapshot put(List<Report> reports, List<Server> servers, Abandoned abandoned, List<String> warnings) {
        long now = clock.millis();
        Map<String, Map<String, Object>> runs = new LinkedHashMap<>();
        List<FleetView.Worker> workers = new ArrayList<>();
        List<Map<String, Object>> waiting = new ArrayList<>();
        // By identity: two workers may tell the same of one millisecond.
        IdentityHashMap<Report.Event, String> workerByEvent = new IdentityHashMap<>();
        Set<String> settings = new LinkedHashSet<>();
        for (Report report : reports) {
            workers.add(new FleetView.Worker(
                    report.worker(), report.active(), report.runs().size(), report.settings()));
            settings.add(report.settings());
            Map<String, Long> until = ends(report, now, warnings);
            report.runs().forEach(run -> runs.put(run.owner(), shown(run, report.worker(), until)));
            report.waiting().forEach(run -> waiting.add(shown(run, report.worker())));
            report.events().forEach(event -> workerByEvent.put(event, report.worker()));
        }
        known.keySet().retainAll(reports.stream().map(Report::worker).toList());
        missing(reports, runs, now);
        Set<String> remembered = new HashSet<>(known.keySet());
        remembered.addAll(gone.keySet());
        jobs.take(reports, remembered);
        if (settings.size() > 1) {
            warnings.add("workers have different settings, and may not keep each other out: "
                    + String.join(" | ", settings));
        }
        List<Map<String, Object>> events =
                RunHistory.newest(List.copyOf(workerByEvent.keySet()), MOST_EVENTS, MOST_USUAL_EVENTS).stream()
                        .map(event -> shown(event, String.valueOf(workerByEvent.get(event))))
                        .toList();
        FleetView view = new FleetView(
                now,
                store.fingerprint(),
                workers,
                waiting,
                events,
                chart(reports, now),
                servers,
                abandoned.ledger,
                abandoned.entries.stream().map(this::withJob).toList(),
                warnings,
                jobs.summaries(now),
                List.copyOf(gone.values()));
        return new Snapshot(view, runs, pages(runs, waiting, now));
    }

    private Map<String, JobView> pages(
            Map<String, Map<String, Object>> runs, List<Map<String, Object>> waiting, long now) {
        Map<String, List<Map<String, Object>>> running = byJob(runs.values());
        Map<String, List<Map<String, Object>>> waits = byJob(waiting);
        Set<String> names = new LinkedHashSet<>(jobs.names());
        names.addAll(running.keySet());
        names.addAll(waits.keySet());
        Map<String, JobView> pages = new HashMap<>();
        for (String job : names) {
            pages.put(
                    job, jobs.view(job, now, running.getOrDefault(job, List.of()), waits.getOrDefault(job, List.of())));
        }
        return pages;
    }

    private static Map<String, List<Map<String, Object>>> byJob(Collection<Map<String, Object>> all) {
        return all.stream().collect(Collectors.groupingBy(each -> String.valueOf(each.get("job"))));
    }

    private Map<String, Object> withJob(Map<String, Object> entry) {
        Map<String, Object> all = new LinkedHashMap<>(entry);
        String job = jobs.jobOf(String.valueOf(entry.get("owner")), String.valueOf(entry.get("run")));
        all.put("job", job == null ? "" : job);
        return all;
    }

    /** Remembers who has fallen silent, and what it held in its last report. */
    private void missing(List<Report> reports, Map<String, Map<String, Object>> runs, long now) {
        Map<String, FleetView.Gone> seen = new HashMap<>();
        for (Report report : reports) {
            List<Map<String, Object>> held = report.runs().stream()
                    .map(run -> runs.get(run.owner()))
                    .filter(Objects::nonNull)
                    .limit(MOST_GONE)
                    .toList();
            seen.put(report.worker(), new FleetView.Gone(report.worker(), now, report.active(), held));
        }
        present.forEach((worker, last) -> {
            if (!seen.containsKey(worker)) {
                gone.put(worker, last);
            }
        });
        gone.keySet().removeAll(seen.keySet());
        gone.values().removeIf(last -> now - last.heard() > GONE_MILLIS);
        while (gone.size() > MOST_GONE) {
            gone.remove(gone.keySet().iterator().next());
        }
        present.clear();
        present.putAll(seen);
    }

    /** When leases end by this machine's clock, whatever the clock of the worker; steady as long as nothing is renewed. */
    private Map<String, Long> ends(Report report, long now, List<String> warnings) {
        Known before = known.get(report.worker());
        if (before != null && before.instance.equals(report.instance()) && before.number == report.number()) {
            return before.untilByOwner;
        }
        Set<String> earlier = before == null ? new HashSet<>() : before.earlier;
        boolean restarted = before != null && !before.instance.equals(report.instance());
        // A process that has ended does not come back.
        if (!earlier.add(report.instance()) && restarted) {
            warnings.add("two workers are named " + report.worker() + ": give each a name of its own");
        }
        Map<String, Long> ends = new HashMap<>();
        for (Report.Run run : report.runs()) {
            long end = run.left() == 0 ? 0 : now + run.left();
            Long told = before == null ? null : before.untilByOwner.get(run.owner());
            boolean same = told != null && end != 0 && Math.abs(told - end) < JITTER_MILLIS;
            ends.put(run.owner(), same ? told : Long.valueOf(end));
        }
        known.put(report.worker(), new Known(report.instance(), earlier, report.number(), ends));
        return ends;
    }

    private static Map<String, Object> shown(Report.Run run, String worker, Map<String, Long> until) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("owner", run.owner());
        all.put("worker", worker);
        all.put("thread", run.thread());
        all.put("job", run.job());
        all.put("lock", run.lock());
        all.put("run", run.run());
        all.put("token", run.token());
        all.put("attempt", run.attempt());
        all.put("since", run.since());
        all.put("ttl", run.ttl());
        all.put("until", until.getOrDefault(run.owner(), 0L));
        return all;
    }

    private static Map<String, Object> shown(Report.Waiting run, String worker) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("worker", worker);
        all.put("job", run.job());
        all.put("lock", run.lock());
        all.put("run", run.run());
        all.put("waited", run.waited());
        all.put("reason", run.reason());
        return all;
    }

    private static Map<String, Object> shown(Report.Event event, String worker) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("at", event.at());
        all.put("worker", worker);
        all.put("what", event.what());
        all.put("job", event.job());
        all.put("keys", event.keys());
        all.put("why", event.why());
        all.put("reason", event.reason());
        all.put("holder", event.holder());
        all.put("held", event.held());
        return all;
    }

    static Map<String, Object> shown(LedgerEntry entry) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put(
                "lock",
                entry.identity()
                        .lock()
                        .map(lock -> entry.identity().leaseName())
                        .orElse(""));
        all.put("run", entry.identity().run().map(RunKey::value).orElse(""));
        all.put("state", entry.state().name());
        all.put("worker", entry.worker());
        all.put("owner", entry.owner().value());
        all.put("token", entry.token().toString());
        all.put("attempt", entry.attempt());
        all.put("started", entry.started().toEpochMilli());
        all.put("deadline", entry.deadline().toEpochMilli());
        all.put("finished", entry.finished() == null ? 0L : entry.finished().toEpochMilli());
        return all;
    }

    /** By this machine's clock, so that a worker whose clock is ahead moves nobody else's counts. */
    private static Report.Chart chart(List<Report> reports, long now) {
        int step = RunHistory.STEP_SECONDS;
        int steps = RunHistory.STEPS;
        long from = (now / 1000 / step - steps + 1) * step;
        int[] runs = new int[steps];
        int[] refused = new int[steps];
        int[] lost = new int[steps];
        for (Report report : reports) {
            Report.Chart chart = report.chart();
            if (chart.step() != step) {
                continue;
            }
            int shift = (int) Math.max(-steps, Math.min(steps, (chart.from() - from) / step));
            add(runs, chart.runs(), shift);
            add(refused, chart.refused(), shift);
            add(lost, chart.lost(), shift);
        }
        return new Report.Chart(step, from, boxed(runs), boxed(refused), boxed(lost));
    }

    private static List<Integer> boxed(int[] counts) {
        return IntStream.of(counts).boxed().toList();
    }

    private static void add(int[] sums, List<Integer> counts, int shift) {
        for (int n = 0; n < counts.size(); n++) {
            if (n + shift >= 0 && n + shift < sums.length) {
                sums[n + shift] += counts.get(n);
            }
        }
    }
}
