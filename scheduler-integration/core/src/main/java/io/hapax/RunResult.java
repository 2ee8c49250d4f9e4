package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.event.RunOutcome;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What came of {@link JobGuard#run}.
 *
 * @param <T> the type of the body's result
 */
public sealed interface RunResult<T> {

    /**
     * The body ran to its end.
     *
     * @param value what it returned
     * @param outcome {@link RunOutcome#COMPLETED}, or {@link RunOutcome#UNCONFIRMED} if the store could not note it, or
     *     {@link RunOutcome#FAILED} if the {@linkplain WorkTransaction transaction} of its work has rolled back
     * @param <T> the type of the value
     */
    record Ran<T>(@Nullable T value, RunOutcome outcome) implements RunResult<T> {}

    /**
     * The body did not run.
     *
     * @param refusal why
     * @param <T> the type that the body would have returned
     */
    record Refused<T>(Refusal refusal) implements RunResult<T> {}

    /**
     * Tells whether the body ran.
     *
     * @return whether it did
     */
    default boolean ran() {
        return this instanceof Ran;
    }

    /**
     * Maps both kinds of result to a value.
     *
     * @param onRan for {@link Ran}
     * @param onRefused for {@link Refused}
     * @param <U> the type of the value
     * @return the value
     */
    default <U> U fold(Function<? super Ran<T>, ? extends U> onRan, Function<? super Refusal, ? extends U> onRefused) {
        return this instanceof Ran<T> ran ? onRan.apply(ran) : onRefused.apply(((Refused<T>) this).refusal());
    }
}
