package io.hapax.quartz;

import io.hapax.GuardedRun;
import io.hapax.QueuedJob;
import org.jspecify.annotations.Nullable;

/** What happens to one firing. */
sealed interface Decision {

    /** It runs without a guard, because its settings say so. */
    record Unguarded() implements Decision {}

    /** It runs. */
    record Run(GuardedRun run, @Nullable QueuedJob queued) implements Decision {}

    /** It waits for its key, on the job's own turn. */
    record Wait() implements Decision {}

    /** It does not run here and now. */
    record Skip(String reason) implements Decision {}

    /** It does not run, and that is an error. */
    record Fail(String reason, @Nullable Throwable cause) implements Decision {}
}
