package io.hapax.spring;

import io.hapax.JobGuard;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.ServerHealth;
import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * Down if the store or the ledger cannot tell, for then no job may begin; out of service while the store grants nothing new, as
 * after a loss of its memory. Does not ask a store that has only the hot port, as each of its operations would change something.
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
            boolean answers =
                    ask(health, "store", () -> administered.admin().holder(nobodys), store::answerTimeout, any -> null);
            if (answers) {
                ask(health, "store", () -> administered.admin().servers(), store::answerTimeout, GuardHealth::trouble);
            }
        } else {
            health.withDetail("store", "not asked: it answers no operators");
        }
        RunLedger runs = ledger;
        if (runs != null) {
            ask(
                    health,
                    "ledger",
                    () -> runs.entry(new JobIdentity(null, new RunKey(ASKED))),
                    runs::answerTimeout,
                    any -> null);
        }
        return health.build();
    }

    /** What keeps new leases from being granted; null if most servers grant them, or the store tells of none. */
    static @Nullable String trouble(List<ServerHealth> servers) {
        List<ServerHealth> granting =
                servers.stream().filter(ServerHealth::answers).toList();
        if (servers.isEmpty() || granting.size() * 2 > servers.size()) {
            return null;
        }
        return "grants nothing new: "
                + servers.stream()
                        .filter(server -> !server.answers())
                        .map(server -> server.server() + ": " + server.detail())
                        .collect(Collectors.joining("; "));
    }

    /** Whether there was an answer, whatever it says. */
    private static <T> boolean ask(
            Health.Builder health,
            String what,
            Supplier<CompletionStage<T>> question,
            Supplier<Duration> timeout,
            Function<? super T, @Nullable String> trouble) {
        try {
            T answer = answer(GuardThreads.ask(question), timeout.get());
            String said = trouble.apply(answer);
            if (said == null) {
                health.withDetail(what, "answers");
            } else {
                health.outOfService().withDetail(what, said);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            health.unknown().withDetail(what, "interrupted");
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            String message = cause.getMessage();
            health.down().withDetail(what, message == null ? cause.toString() : message);
        } catch (Throwable failure) {
            // Whatever is thrown here would hide the health of all other parts of the application.
            health.down().withDetail(what, failure.toString());
        }
        return false;
    }

    private static <T> T answer(CompletionStage<T> asked, Duration timeout)
            throws InterruptedException, ExecutionException {
        try {
            T answer = asked.toCompletableFuture().get(timeout.toMillis() + MARGIN_MILLIS, TimeUnit.MILLISECONDS);
            return Objects.requireNonNull(answer, "null is no answer");
        } catch (TimeoutException e) {
            throw new ExecutionException(new TimeoutException("no answer within " + timeout.toMillis() + " ms"));
        }
    }
}
