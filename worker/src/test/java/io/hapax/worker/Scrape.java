package io.hapax.worker;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunRequest;
import io.hapax.event.GuardEvent;
import io.hapax.event.LossReason;
import io.hapax.event.Refusal;
import io.hapax.lease.Lease;
import io.hapax.ledger.RunState;
import io.hapax.micrometer.GuardMetrics;
import io.hapax.test.InMemoryLeaseStore;
import io.hapax.time.Ticker;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What Prometheus gets of a worker to which everything has happened that a guard can tell. */
record Scrape(String text) {

    private static final Pattern SAMPLE = Pattern.compile("(?m)^([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{[^}]*})? ");

    /** A real worker's, and beside it that of a guard which is told of one event of each kind. */
    static Scrape ofEverything() throws Exception {
        try (RunningWorker worker = RunningWorker.start(Map.of("HAPAX_WORKER", "scraped"))) {
            return new Scrape(worker.get("/metrics").body() + ofEveryEvent());
        }
    }

    static String ofEveryEvent() throws InterruptedException {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        GuardMetrics metrics = new GuardMetrics(registry);
        List<GuardEvent> told = new CopyOnWriteArrayList<>();
        try (JobGuard guard = JobGuard.builder(new InMemoryLeaseStore(Ticker.SYSTEM))
                .withoutLogging()
                .listener(metrics)
                .listener(told::add)
                .build()) {
            metrics.watch(guard);
            RunRequest request = RunRequest.lock("report");
            try (GuardedRun run = admitted(guard, request)) {
                Admission refused = guard.admit(request);
                if (refused instanceof Admission.Admitted) {
                    throw new AssertionError("the key was held");
                }
                run.complete();
            }
        }
        Lease lease = told.stream()
                .filter(GuardEvent.Acquired.class::isInstance)
                .map(event -> ((GuardEvent.Acquired) event).lease())
                .findAny()
                .orElseThrow();
        Refusal refusal = told.stream()
                .filter(GuardEvent.Refused.class::isInstance)
                .map(event -> ((GuardEvent.Refused) event).refusal())
                .findAny()
                .orElseThrow();
        List<GuardEvent> others = List.of(
                new GuardEvent.Unguarded("report", lease.identity(), refusal),
                new GuardEvent.WouldRefuse("report", lease.identity(), refusal, false),
                new GuardEvent.RanTwice("report", lease.identity(), refusal, Duration.ofSeconds(3)),
                new GuardEvent.RenewedLate("report", lease, Duration.ofSeconds(4)),
                new GuardEvent.Lost("report", lease, LossReason.NOT_RENEWED, null, Duration.ofSeconds(40)),
                new GuardEvent.Forced("report", lease.identity(), null, "alice", "it hangs"),
                new GuardEvent.Resolved("report", lease.identity(), RunState.DONE, "alice", "it was paid"));
        others.forEach(metrics::on);
        told.addAll(others);
        requireAllKinds(told);
        return registry.scrape();
    }

    private static GuardedRun admitted(JobGuard guard, RunRequest request) throws InterruptedException {
        return guard.admit(request).fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        });
    }

    private static void requireAllKinds(List<GuardEvent> told) {
        Set<Class<?>> missing = new LinkedHashSet<>(List.of(GuardEvent.class.getPermittedSubclasses()));
        told.forEach(event -> missing.remove(event.getClass()));
        if (!missing.isEmpty()) {
            throw new AssertionError("add these events, so that their meters are looked at: " + missing);
        }
    }

    /** The names of all series. */
    Set<String> names() {
        Set<String> names = new TreeSet<>();
        Matcher samples = SAMPLE.matcher(text);
        while (samples.find()) {
            names.add(samples.group(1));
        }
        return names;
    }
}
