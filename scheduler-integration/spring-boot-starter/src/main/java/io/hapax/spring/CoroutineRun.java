package io.hapax.spring;

import io.hapax.GuardedRun;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import kotlin.Unit;
import kotlin.coroutines.AbstractCoroutineContextElement;
import kotlin.coroutines.CoroutineContext;
import kotlinx.coroutines.DisposableHandle;
import kotlinx.coroutines.Job;
import kotlinx.coroutines.ThreadContextElement;
import org.jspecify.annotations.Nullable;

/** The part that a coroutine, with those that it starts, takes in a run. Thread-safe. */
final class CoroutineRun extends AbstractCoroutineContextElement implements ThreadContextElement<GuardedRun.Scope> {

    private static final Key<CoroutineRun> KEY = new Key<>() {};

    private final GuardedRun run;
    private final AtomicBoolean seen = new AtomicBoolean();
    private final CompletableFuture<@Nullable Void> end = new CompletableFuture<>();

    CoroutineRun(GuardedRun run) {
        super(KEY);
        this.run = run;
    }

    /** Whether a thread has taken up the coroutine. */
    boolean isSeen() {
        return seen.get();
    }

    /** Complete when the coroutine is, with all that it has started. */
    CompletableFuture<@Nullable Void> end() {
        return end;
    }

    /** The first that comes by is the coroutine itself, before its code. */
    @Override
    public GuardedRun.Scope updateThreadContext(CoroutineContext context) {
        if (seen.compareAndSet(false, true)) {
            Job job = context.get(Job.Key);
            if (job == null) {
                end.complete(null);
            } else {
                DisposableHandle unused = job.invokeOnCompletion(failure -> {
                    end.complete(null);
                    return Unit.INSTANCE;
                });
            }
        }
        return run.takePart();
    }

    @Override
    public void restoreThreadContext(CoroutineContext context, GuardedRun.Scope scope) {
        scope.close();
    }
}
