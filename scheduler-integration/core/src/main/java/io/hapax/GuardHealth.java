package io.hapax;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.RunLedger;
import io.hapax.ops.AdministeredStore;
import io.hapax.ops.ServerHealth;
import io.hapax.thread.GuardThreads;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a health check of any framework asks: down if the store or the ledger cannot tell, for then no job may start; out of
 * service while the store grants nothing new, as after a loss of its memory. Does not ask a store that has only the hot port, as
 * each of its operations would change something. Thread-safe.
 */
public final class GuardHealth {

    private static final String ASKED = "hapax-health";
    private static final long MARGIN_MILLIS = 500;

    private final JobGuard guard;
    private final LeaseStore store;
    private final @Nullable RunLedger ledger;

    /**
     * Creates a check; nothing is asked yet.
     *
     * @param guard the guard
     * @param store its store
     * @param ledger its ledger, or null
     */
    public GuardHealth(JobGuard guard, LeaseStore store, @Nullable RunLedger ledger) {
        this.guard = Objects.requireNonNull(guard, "guard");
        this.store = Objects.requireNonNull(store, "store");
        this.ledger = ledger;
    }

    /** How well the guard can work, best first; the names are those of Spring Boot. */
    public enum Status {
        /** Jobs may start. */
        UP,
        /** A caller that asked was interrupted. */
        UNKNOWN,
        /** Nothing new is granted for a while, as after a loss of the store's memory. */
        OUT_OF_SERVICE,
        /** The store or the ledger cannot tell. */
        DOWN
    }

    /**
     * What was found.
     *
     * @param status the worst of all parts
     * @param details {@code worker}, {@code activeRuns}, {@code store} and, if there is one, {@code ledger}
     */
    public record Answer(Status status, Map<String, Object> details) {
        /** Keeps the order of the details. */
        public Answer {
            details = Collections.unmodifiableMap(new LinkedHashMap<>(details));
        }
    }

    /**
     * Asks store and ledger, each for as long as its time-out and half a second; throws nothing.
     *
     * @return what they said
     */
    public Answer ask() {
        Look look = new Look();
        look.details.put("worker", guard.worker());
        look.details.put("activeRuns", guard.activeRuns());
        if (store instanceof AdministeredStore administered) {
            JobIdentity nobodys = new JobIdentity(new LockKey(ASKED), null);
            boolean answers =
                    look.ask("store", () -> administered.admin().holder(nobodys), store::answerTimeout, any -> null);
            if (answers) {
                look.ask("store", () -> administered.admin().servers(), store::answerTimeout, GuardHealth::trouble);
            }
        } else {
            look.details.put("store", "not asked: it answers no operators");
        }
        RunLedger runs = ledger;
        if (runs != null) {
            JobIdentity nobodys = new JobIdentity(null, new RunKey(ASKED));
            look.ask("ledger", () -> runs.entry(nobodys), runs::answerTimeout, any -> null);
        }
        return new Answer(look.status, look.details);
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

    /** One look at all parts. */
    private static final class Look {

        private final Map<String, Object> details = new LinkedHashMap<>();
        private Status status = Status.UP;

        private void found(Status found, String what, String detail) {
            status = found.compareTo(status) > 0 ? found : status;
            details.put(what, detail);
        }

        /** Whether there was an answer, whatever it says. */
        private <T> boolean ask(
                String what,
                Supplier<CompletionStage<T>> question,
                Supplier<Duration> timeout,
                Function<? super T, @Nullable String> trouble) {
            try {
                T answer = answer(GuardThreads.ask(question), timeout.get());
                String said = trouble.apply(answer);
                found(said == null ? Status.UP : Status.OUT_OF_SERVICE, what, said == null ? "answers" : said);
                return true;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                found(Status.UNKNOWN, what, "interrupted");
            } catch (ExecutionException e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                String message = cause.getMessage();
                found(Status.DOWN, what, message == null ? cause.toString() : message);
            } catch (Throwable failure) {
                // Whatever is thrown here would hide the health of all other parts of the application.
                found(Status.DOWN, what, failure.toString());
            }
            return false;
        }
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
