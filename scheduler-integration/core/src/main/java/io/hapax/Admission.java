package io.hapax;

import io.hapax.event.Refusal;
import java.util.function.Function;

/** The guard's answer to a {@link RunRequest}. */
public sealed interface Admission {

    /**
     * The run may take place. Whoever receives this must end the run.
     *
     * @param run the run
     */
    record Admitted(GuardedRun run) implements Admission {}

    /**
     * The run must not take place.
     *
     * @param refusal why, who is in the way since when, and when to try again
     * @param policy what is to happen to a run whose key is held, by its conflict or overlap policy; {@link OnConflict#AUTO} if
     *     the scheduler is to choose
     */
    record Refused(Refusal refusal, OnConflict policy) implements Admission {}

    /**
     * Maps each kind of answer to a value.
     *
     * @param onAdmitted for {@link Admitted}
     * @param onRefused for {@link Refused}
     * @param <T> the type of the value
     * @return the value
     */
    default <T> T fold(
            Function<? super GuardedRun, ? extends T> onAdmitted, Function<? super Refusal, ? extends T> onRefused) {
        return this instanceof Admitted admitted
                ? onAdmitted.apply(admitted.run())
                : onRefused.apply(((Refused) this).refusal());
    }
}
