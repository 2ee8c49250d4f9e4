package io.hapax.spring;

import io.hapax.Admission;
import io.hapax.GuardedRun;
import io.hapax.policy.LateResults;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The work of a method that returns a {@link CompletionStage}: its run starts before the call, and ends before anybody learns of the
 * result. Thread-safe.
 */
final class StageWork {

    private static final long IDLE_SECONDS = 5;

    /** Where runs end, and results are delivered: neither on the threads that complete a stage, nor on those of a store. */
    private static final Executor ENDS = ends();

    private final LateCall call;
    private final GuardedRun run;
    private final CompletableFuture<@Nullable Object> result = new CompletableFuture<>();

    private StageWork(LateCall call, GuardedRun run) {
        this.call = call;
        this.run = run;
    }

    private static Executor ends() {
        return new ThreadPoolExecutor(
                0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
                    Thread thread = new Thread(task, "hapax-results");
                    thread.setDaemon(true);
                    return thread;
                });
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
        follow((CompletionStage<?>) stage);
        return result;
    }

    private void follow(CompletionStage<?> stage) {
        var unused = stage.whenComplete((value, failure) -> ENDS.execute(() -> end(value, unwrapped(failure))));
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
                LateResults.refuse(call.guarded().of().shown(), value);
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
