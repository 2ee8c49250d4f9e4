package io.hapax.spring;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.policy.LateResults;
import io.hapax.thread.GuardThreads;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The work of a method that returns a {@link CompletionStage}: its run starts before the call, and ends before anybody learns of the
 * result. Thread-safe.
 */
final class StageWork {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.spring");

    /** What hangs on a result and blocks holds one of them. */
    private static final int MOST_THREADS = 256;

    /** Where runs end, and results are delivered: neither on the threads that complete a stage, nor on those of a store. */
    private static final Executor ENDS = new GuardThreads(
                    (what, failure) -> LOG.error("{} failed; other runs end all the same", what, failure))
            .pool("hapax-results", MOST_THREADS);

    private final LateCall call;
    private final GuardedRun run;
    private final CompletableFuture<@Nullable Object> result = new CompletableFuture<>();

    private StageWork(LateCall call, GuardedRun run) {
        this.call = call;
        this.run = run;
    }

    /** What is returned for a call that was answered: a future for its caller. */
    @SuppressWarnings("FutureReturnValueIgnored")
    static @Nullable Object of(LateCall call, @Nullable Firing firing, Admission admission) throws Throwable {
        if (admission instanceof Admission.Admitted admitted) {
            return new StageWork(call, admitted.run()).begin();
        }
        Optional<RuntimeException> failure = call.refused(firing, (Admission.Refused) admission);
        return failure.isPresent()
                ? CompletableFuture.failedFuture(failure.get())
                : CompletableFuture.completedFuture(null);
    }

    @SuppressWarnings("FutureReturnValueIgnored")
    private @Nullable Object begin() throws Throwable {
        GuardedRun.Scope scope;
        try {
            scope = run.enter();
        } catch (Throwable notBegun) {
            run.close();
            throw notBegun;
        }
        Object stage;
        try (scope) {
            stage = call.call().proceed();
        } catch (Throwable thrown) {
            var unused = run.fail(thrown);
            throw thrown;
        }
        if (stage == null) {
            run.requireEnd(run.complete());
            return null;
        }
        try {
            follow((CompletionStage<?>) stage);
        } catch (Throwable unheard) {
            // Nobody would ever end the run, which is renewed until somebody does.
            var unused = run.fail(unheard);
            throw unheard;
        }
        return result;
    }

    private void follow(CompletionStage<?> stage) {
        var unused = stage.whenComplete((value, failure) -> handOver(value, unwrapped(failure)));
        if (call.isCancelledWhenLost()) {
            run.onLeaseLost(loss -> {
                result.completeExceptionally(loss);
                cancel(stage);
            });
        }
        var ignored = result.whenComplete((value, failure) -> {
            if (result.isCancelled()) {
                cancel(stage);
            }
        });
    }

    private void handOver(@Nullable Object value, @Nullable Throwable failure) {
        boolean handed = false;
        try {
            ENDS.execute(() -> end(value, failure));
            handed = true;
        } finally {
            if (!handed) {
                // As where there is no memory: an end on this thread is better than none.
                end(value, failure);
            }
        }
    }

    /** As far as it can be: one that goes on keeps the lease until it is complete. */
    private static void cancel(CompletionStage<?> stage) {
        try {
            stage.toCompletableFuture().cancel(true);
        } catch (UnsupportedOperationException goesOn) {
            // It is waited for.
        }
    }

    private void end(@Nullable Object value, @Nullable Throwable failure) {
        try {
            if (failure == null) {
                if (!call.guarded().options().observe()) {
                    LateResults.refuse(call.guarded().of().shown(), value);
                }
                run.requireEnd(run.complete());
                result.complete(value);
            } else if (failure instanceof CancellationException) {
                run.close();
                result.completeExceptionally(failure);
            } else {
                var unused = run.fail(failure);
                result.completeExceptionally(failure);
            }
        } catch (Throwable thrown) {
            try {
                var unused = run.fail(thrown);
            } finally {
                result.completeExceptionally(thrown);
            }
        }
    }

    private static @Nullable Throwable unwrapped(@Nullable Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
