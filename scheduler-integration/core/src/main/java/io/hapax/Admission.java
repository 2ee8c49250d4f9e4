package io.hapax;

import io.hapax.event.Refusal;
import java.util.function.Function;

/** The guard's answer to a {@link RunRequest}. */
public sealed interface Admission {

    /**
     * The run may take place. The receiver must end the run.
     *
     * @param run the run
     */
    record Admitted(GuardedRun run) implements Admission {}

    /**
     * The run must not take place.
     *
     * @param refusal why, who is in the way since when, and when to try again
     * @param then what happens to the run: its policy, and what it is, are taken into account
     */
    record Refused(Refusal refusal, AfterRefusal then) implements Admission {}

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
