package io.hapax.console;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.ActiveRun;
import io.hapax.JobGuard;
import io.hapax.lease.OwnerId;
import io.hapax.ops.AdministeredStore;
import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Puts up what this worker is at, each second. Thread-safe. */
final class Reporter implements AutoCloseable {

    static final Duration EVERY = Duration.ofSeconds(1);
    /** A worker that has not reported for so long is shown as gone. */
    static final Duration LIFETIME = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.console");

    private static final GuardThreads THREADS =
            new GuardThreads((what, failure) -> LOG.warn("{} failed; reports go on", what, failure));

    private final JobGuard guard;
    private final AdministeredStore store;
    private final RunHistory history;
    private final JobHistory jobs;
    private final JsonMapper json;
    private final String instance = OwnerId.random().value();
    private final ExecutorService thread = THREADS.pool("hapax-report", 1);
    private volatile boolean isRead;
    private volatile boolean failing;
    private long number;

    Reporter(JobGuard guard, AdministeredStore store, RunHistory history, JobHistory jobs, JsonMapper json) {
        this.guard = guard;
        this.store = store;
        this.history = history;
        this.jobs = jobs;
        this.json = json;
    }

    void start() {
        thread.execute(this::learn);
        thread.execute(this::postAgainAndAgain);
    }

    /** What the others know of jobs that have not run here yet; without an answer this worker starts with nothing. */
    private void learn() {
        var unused = GuardThreads.ask(() -> store.board().reports(Duration.ZERO))
                .whenComplete((reports, failure) -> {
                    if (failure == null) {
                        jobs.learn(reports.values().stream()
                                .map(this::read)
                                .filter(Objects::nonNull)
                                .toList());
                    }
                });
    }

    private @Nullable Report read(String report) {
        try {
            return json.readValue(report, Report.class);
        } catch (JsonProcessingException e) {
            LOG.debug("the report of another worker cannot be read", e);
            return null;
        }
    }

    private void postAgainAndAgain() {
        try {
            post();
        } finally {
            var unused = THREADS.after(EVERY, thread, this::postAgainAndAgain);
        }
    }

    private void post() {
        try {
            boolean fullWas = isRead;
            var unused = store.board()
                    .post(guard.worker(), json.writeValueAsString(report(fullWas)), LIFETIME)
                    .whenComplete((read, failure) -> {
                        if (failure == null) {
                            failing = false;
                            isRead = Boolean.TRUE.equals(read);
                            if (isRead && !fullWas) {
                                // A reader that has just started need not wait for the next second.
                                thread.execute(this::post);
                            }
                        } else {
                            fails(failure);
                        }
                    });
        } catch (Throwable e) {
            fails(e);
        }
    }

    /** The page says that a worker is gone; its log says once why. */
    private void fails(Throwable failure) {
        if (!failing && !thread.isShutdown()) {
            failing = true;
            LOG.warn("this worker could not report to the console: {}", String.valueOf(failure.getMessage()));
        }
    }

    private Report report(boolean full) {
        List<ActiveRun> runs = guard.admin().runs();
        number++;
        return new Report(
                guard.worker(),
                instance,
                number,
                guard.fingerprint(),
                guard.defaults().observe(),
                runs.size(),
                full
                        ? runs.stream()
                                .sorted(Comparator.comparing(ActiveRun::since))
                                .limit(Report.MOST_RUNS)
                                .map(Report.Run::of)
                                .toList()
                        : List.of(),
                full
                        ? guard.admin().waiting().stream()
                                .limit(Report.MOST_WAITING)
                                .map(Report.Waiting::of)
                                .toList()
                        : List.of(),
                full ? history.events() : List.of(),
                full ? history.chart() : new Report.Chart(RunHistory.STEP_SECONDS, 0, List.of(), List.of(), List.of()),
                jobs.told(full));
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
