package io.hapax;

import io.hapax.event.Refusal;

/** What a test expects of an admission. */
final class Answered {

    private Answered() {}

    static GuardedRun run(Admission admission) {
        return admission.fold(run -> run, refusal -> {
            throw new AssertionError(refusal);
        });
    }

    static Refusal refusal(Admission admission) {
        return admission.fold(
                run -> {
                    run.close();
                    throw new AssertionError("was admitted: " + run);
                },
                refusal -> refusal);
    }
}
