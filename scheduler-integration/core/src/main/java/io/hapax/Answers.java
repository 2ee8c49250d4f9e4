package io.hapax;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes one answer of whatever a port does: what it throws, returns as null, or leaves open for longer than it promises
 * fails the answer. So nobody waits for ever, and every failure takes one way; only a caller's mistake is thrown at once.
 * Thread-safe.
 */
final class Answers {

    /** A port that keeps its promise fails before that. */
    private static final Duration MARGIN = Duration.ofSeconds(1);
    /** A look that comes so late shows that this process stood still: answers that have arrived are yet to be read. */
    private static final Duration STALL = Duration.ofMillis(50);
    /** So long they have for it: longer than in a port, whose own word is better. */
    private static final Duration GRACE = Duration.ofMillis(200);

    private final Watchdog watchdog;
    private final Ticker ticker;
    private final Duration limit;
    private final Function<Object, RuntimeException> failures;

    /**
     * @param limit how long an answer may take, as the port promises
     * @param failures makes the port's own exception of a message or a {@link Throwable}
     */
    Answers(Watchdog watchdog, Ticker ticker, Duration limit, Function<Object, RuntimeException> failures) {
        this.watchdog = watchdog;
        this.ticker = ticker;
        this.limit = limit.plus(MARGIN);
        this.failures = failures;
    }

    <T> CompletableFuture<T> of(String operation, Supplier<? extends @Nullable CompletionStage<T>> question) {
        return followed(operation, limit, Kind.ANSWER, question);
    }

    /** The same for a question that has been asked, and threw nothing. */
    <T> CompletableFuture<T> to(String operation, @Nullable CompletionStage<T> stage) {
        return followed(operation, limit, Kind.ANSWER, stage);
    }

    /** The same where the answer says nothing but that it is done. */
    CompletableFuture<Void> done(String operation, Supplier<? extends @Nullable CompletionStage<Void>> question) {
        return followed(operation, limit, Kind.DONE, question);
    }

    /** Waits for a moment, at most for so long; a failure does not end it, since its caller would spin. */
    CompletableFuture<Void> pause(Duration atMost, Supplier<? extends @Nullable CompletionStage<Void>> question) {
        return followed("wait", atMost, Kind.PAUSE, question);
    }

    private <T> CompletableFuture<T> followed(
            String operation, Duration within, Kind kind, Supplier<? extends @Nullable CompletionStage<T>> question) {
        CompletionStage<T> stage;
        try {
            stage = question.get();
        } catch (IllegalArgumentException callersMistake) {
            throw callersMistake;
        } catch (Throwable failure) {
            stage = CompletableFuture.failedFuture(failure);
        }
        return followed(operation, within, kind, stage);
    }

    private <T> CompletableFuture<T> followed(
            String operation, Duration within, Kind kind, @Nullable CompletionStage<T> given) {
        CompletionStage<T> stage = given == null
                ? CompletableFuture.failedFuture(new NullPointerException("null instead of a stage"))
                : given;
        return stage instanceof CompletableFuture<T> known && isAnswered(known, kind)
                ? known
                : new Limited<T>(operation, within, kind).follow(stage);
    }

    /** A store that blocks its caller has answered already, and costs nothing more. */
    private static boolean isAnswered(CompletableFuture<?> stage, Kind kind) {
        return stage.isDone() && !stage.isCompletedExceptionally() && (kind != Kind.ANSWER || stage.join() != null);
    }

    private enum Kind {
        ANSWER,
        DONE,
        PAUSE
    }

    private final class Limited<T> extends Charge {

        private final CompletableFuture<T> answer = new CompletableFuture<>();
        private final String operation;
        private final Duration within;
        private final Kind kind;
        private volatile NanoTime due;
        /** Used by the watchdog's thread only. */
        private boolean stoodStill;

        Limited(String operation, Duration within, Kind kind) {
            this.operation = operation;
            this.within = within;
            this.kind = kind;
            this.due = ticker.now().plus(kind == Kind.PAUSE ? within.plus(MARGIN) : within);
        }

        CompletableFuture<T> follow(CompletionStage<T> stage) {
            watchdog.add(this, due);
            var unused = answer.whenComplete((value, failure) -> {
                watchdog.remove(this);
                if (answer.isCancelled()) {
                    stage.toCompletableFuture().cancel(false);
                }
            });
            try {
                var ignored = stage.whenComplete(this::answered);
            } catch (Throwable unusable) {
                answered(null, unusable);
            }
            return answer;
        }

        private void answered(@Nullable T value, @Nullable Throwable failure) {
            if (failure != null && kind == Kind.PAUSE) {
                due = ticker.now().plus(within);
                watchdog.look(this, due);
            } else if (failure != null) {
                answer.completeExceptionally(known(failure));
            } else if (value == null && kind == Kind.ANSWER) {
                answer.completeExceptionally(failures.apply("null is no answer to " + operation));
            } else {
                answer.complete(value);
            }
        }

        @Override
        Action act(NanoTime now) {
            NanoTime end = due;
            if (now.isBefore(end)) {
                // It was taken along with a renewal.
                return new Action(false, end);
            }
            if (!stoodStill && kind != Kind.PAUSE && end.plus(STALL).isBefore(now)) {
                stoodStill = true;
                return new Action(false, now.plus(GRACE));
            }
            watchdog.later(this::overdue);
            return Action.FORGET;
        }

        private void overdue() {
            boolean unused = kind == Kind.PAUSE
                    ? answer.complete(null)
                    : answer.completeExceptionally(
                            failures.apply("no answer to " + operation + " within " + within.toMillis() + "ms"));
        }

        @Override
        Duration ttl() {
            // Nothing is to end early because of it.
            return Duration.ZERO;
        }
    }

    /** A caller's mistake stays one; an error of a port is its failure. */
    private Throwable known(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        boolean plain = cause instanceof RuntimeException && !(cause instanceof CancellationException);
        return plain ? cause : failures.apply(cause);
    }
}
