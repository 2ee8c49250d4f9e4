package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AdministeredStore;
import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * Down if the store or the ledger cannot tell, for then no job may begin. Asks each one question; not a store that has
 * only the hot port, as each of its operations would change something.
 */
final class GuardHealth implements HealthIndicator {

    private static final String ASKED = "hapax-health";
    private static final long MARGIN_MILLIS = 500;

    private final JobGuard guard;
    private final LeaseStore store;
    private final @Nullable RunLedger ledger;

    GuardHealth(JobGuard guard, LeaseStore store, @Nullable RunLedger ledger) {
        this.guard = guard;
        this.store = store;
        this.ledger = ledger;
    }

    @Override
    public Health health() {
        Health.Builder health =
                Health.up().withDetail("worker", guard.worker()).withDetail("activeRuns", guard.activeRuns());
        if (store instanceof AdministeredStore administered) {
            JobIdentity nobodys = new JobIdentity(new LockKey(ASKED), null);
            ask(health, "store", () -> administered.admin().holder(nobodys), store::answerTimeout);
        } else {
            health.withDetail("store", "not asked: it answers no operators");
        }
        RunLedger runs = ledger;
        if (runs != null) {
            ask(health, "ledger", () -> runs.entry(new JobIdentity(null, new RunKey(ASKED))), runs::answerTimeout);
        }
        return health.build();
    }

    private static <T> void ask(
            Health.Builder health, String what, Supplier<CompletionStage<T>> question, Supplier<Duration> timeout) {
        try {
            String trouble = trouble(GuardThreads.ask(question), timeout.get());
            if (trouble == null) {
                health.withDetail(what, "answers");
            } else {
                health.down().withDetail(what, trouble);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            health.unknown().withDetail(what, "interrupted");
        } catch (Throwable failure) {
            // Whatever is thrown here would hide the health of all other parts of the application.
            health.down().withDetail(what, failure.toString());
        }
    }

    private static @Nullable String trouble(CompletionStage<?> answer, Duration timeout) throws InterruptedException {
        try {
            Object value = answer.toCompletableFuture().get(timeout.toMillis() + MARGIN_MILLIS, TimeUnit.MILLISECONDS);
            return value == null ? "null is no answer" : null;
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String message = cause.getMessage();
            return message == null ? cause.toString() : message;
        } catch (TimeoutException e) {
            return "no answer within " + timeout.toMillis() + " ms";
        }
    }
}
