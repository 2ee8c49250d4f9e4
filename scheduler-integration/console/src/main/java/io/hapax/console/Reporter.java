package io.hapax.console;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.hapax.JobGuard;
import io.hapax.lease.OwnerId;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.FleetBoard;
import io.hapax.ops.ReportWriter;
import io.hapax.thread.GuardThreads;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
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
    private final Runnable next = this::postAgainAndAgain;
    private final ReportWriter writer;
    private volatile boolean failing;
    /** What the last posting has come to; with the time of it. */
    private @Nullable CompletableFuture<FleetBoard.Answer> answer;

    private long asked;
    private @Nullable WorkerLines lines;

    Reporter(JobGuard guard, AdministeredStore store, RunHistory history, JobHistory jobs, JsonMapper json) {
        this.guard = guard;
        this.store = store;
        this.history = history;
        this.jobs = jobs;
        this.json = json;
        this.writer = new ReportWriter(guard.worker(), LIFETIME, Ticker.SYSTEM);
    }

    void start() {
        thread.execute(this::learn);
        thread.execute(this::postAgainAndAgain);
    }

    /** What the others know of jobs that have not run here yet; without an answer this worker starts with nothing. */
    private void learn() {
        var unused = GuardThreads.ask(() -> store.board().summaries()).whenComplete((summaries, failure) -> {
            if (failure == null && summaries != null) {
                jobs.learn(summaries.values().stream()
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
            var unused = THREADS.again(EVERY, thread, next);
        }
    }

    private void post() {
        try {
            if (isUnderWay()) {
                return;
            }
            FleetBoard.Posting posting = writer.next(this::summary, this::tell);
            boolean isRead = !posting.position().edition().isEmpty();
            lines = isRead ? lines : null;
            asked = System.nanoTime();
            CompletableFuture<FleetBoard.Answer> posted =
                    GuardThreads.ask(() -> store.board().post(posting)).toCompletableFuture();
            answer = posted;
            var unused = posted.whenComplete((had, failure) -> {
                if (failure != null || had == null) {
                    fails(failure == null ? new IllegalStateException("null is no answer") : failure);
                    return;
                }
                failing = false;
                writer.answered(posting, had);
                if (had.isRead() && !isRead) {
                    // A reader that has just started need not wait for the next second.
                    thread.execute(this::post);
                }
            });
        } catch (Throwable e) {
            fails(e);
        }
    }

    private void tell(ReportWriter.Lines out) {
        WorkerLines told = lines == null ? lines() : lines;
        lines = told;
        told.tell(out, writer.clock());
    }

    private WorkerLines lines() {
        WorkerLines.Head head = new WorkerLines.Head(
                guard.worker(), instance, guard.fingerprint(), guard.defaults().observe());
        return new WorkerLines(
                head, () -> guard.admin().runs(), () -> guard.admin().waiting(), history, jobs);
    }

    /** Changes that overtake each other would look like a gap. A store that never answers is asked again, all the same. */
    private boolean isUnderWay() {
        CompletableFuture<FleetBoard.Answer> last = answer;
        return last != null
                && !last.isDone()
                && System.nanoTime() - asked < store.answerTimeout().plus(EVERY).toNanos();
    }

    /** The page says that a worker is gone; its log says once why. */
    private void fails(Throwable failure) {
        if (!failing && !thread.isShutdown()) {
            failing = true;
            LOG.warn("this worker could not report to the console: {}", String.valueOf(failure.getMessage()));
        }
    }

    /** What is known of this worker while nobody reads; the same text as long as it is the same. */
    private String summary() {
        try {
            return json.writeValueAsString(new Report(
                    guard.worker(),
                    instance,
                    0,
                    guard.fingerprint(),
                    guard.defaults().observe(),
                    guard.admin().runs().size(),
                    List.of(),
                    List.of(),
                    List.of(),
                    new Report.Chart(RunHistory.STEP_SECONDS, 0, List.of(), List.of(), List.of()),
                    jobs.told(false)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the summary cannot be written", e);
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
