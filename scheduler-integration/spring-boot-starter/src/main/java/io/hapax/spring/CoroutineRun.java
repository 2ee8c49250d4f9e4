package io.hapax.spring;

import io.hapax.GuardedRun;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import kotlin.Unit;
import kotlin.coroutines.AbstractCoroutineContextElement;
import kotlin.coroutines.CoroutineContext;
import kotlinx.coroutines.DisposableHandle;
import kotlinx.coroutines.Job;
import kotlinx.coroutines.NonCancellable;
import kotlinx.coroutines.ThreadContextElement;
import org.jspecify.annotations.Nullable;

/**
 * The part that a coroutine takes in a run, with all those that have its context: also those that a proxy starts anew for what it
 * calls, for which it does not wait when it is cancelled. Thread-safe.
 */
final class CoroutineRun extends AbstractCoroutineContextElement implements ThreadContextElement<GuardedRun.Scope> {

    /** Of the contexts of coroutines; those of Reactor have it under its class. */
    static final Key<CoroutineRun> KEY = new Key<>() {};

    private final GuardedRun run;
    private final @Nullable CoroutineRun outer;
    /** Those that a thread has taken up and that have not ended. Guarded by itself. */
    private final Set<Job> working = Collections.newSetFromMap(new IdentityHashMap<>());
    /** Complete when none works any more; null if nobody waits for that. Guarded by {@code working}. */
    private @Nullable CompletableFuture<@Nullable Void> end;

    /** @param outer the part in another run whose work this is, too; null if there is none */
    CoroutineRun(GuardedRun run, @Nullable CoroutineRun outer) {
        super(KEY);
        this.run = run;
        this.outer = outer;
    }

    /** Complete when all coroutines that a thread has taken up have ended; one that is cancelled before that never works. */
    CompletableFuture<@Nullable Void> over() {
        synchronized (working) {
            if (working.isEmpty()) {
                return CompletableFuture.completedFuture(null);
            }
            CompletableFuture<@Nullable Void> asked = end == null ? new CompletableFuture<>() : end;
            end = asked;
            return asked;
        }
    }

    /** Called before each stretch of code, and before a coroutine looks whether it was cancelled. */
    @Override
    public GuardedRun.Scope updateThreadContext(CoroutineContext context) {
        Job job = context.get(Job.Key);
        if (job != null && job != NonCancellable.INSTANCE) {
            for (CoroutineRun each = this; each != null; each = each.outer) {
                each.works(job);
            }
        }
        return run.takePart();
    }

    private void works(Job job) {
        synchronized (working) {
            if (!working.add(job)) {
                return;
            }
        }
        DisposableHandle unused = job.invokeOnCompletion(failure -> {
            ended(job);
            return Unit.INSTANCE;
        });
    }

    private void ended(Job job) {
        CompletableFuture<@Nullable Void> asked;
        synchronized (working) {
            working.remove(job);
            if (!working.isEmpty()) {
                return;
            }
            asked = end;
            end = null;
        }
        if (asked != null) {
            asked.complete(null);
        }
    }

    @Override
    public void restoreThreadContext(CoroutineContext context, GuardedRun.Scope scope) {
        scope.close();
    }
}
