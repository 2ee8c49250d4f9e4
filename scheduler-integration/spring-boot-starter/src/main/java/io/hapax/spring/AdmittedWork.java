package io.hapax.spring;

import io.hapax.GuardedBody;
import io.hapax.GuardedRun;
import io.hapax.event.RunOutcome;
import org.jspecify.annotations.Nullable;

/** Executes code under a run that was admitted, which ends with it, as {@link io.hapax.JobGuard#run} does. */
final class AdmittedWork {

    private AdmittedWork() {}

    static @Nullable Object of(GuardedRun run, GuardedBody<@Nullable Object, Exception> body) throws Exception {
        try (run;
                GuardedRun.Scope scope = run.enter()) {
            try {
                Object value = body.run(run);
                requireEnd(run, run.complete());
                return value;
            } catch (Throwable failure) {
                // One that was lost has ended, and stays so.
                var unused = run.fail(failure);
                throw failure;
            }
        }
    }

    /** @throws RuntimeException if the run returned, but its work does not count */
    static void requireEnd(GuardedRun run, RunOutcome outcome) {
        if (outcome == RunOutcome.LOST) {
            run.ensureHeld();
        }
        if (outcome == RunOutcome.FAILED) {
            throw new IllegalStateException(
                    run + " completed in a transaction that did not commit, so it has not completed");
        }
    }
}
