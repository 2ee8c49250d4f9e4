package io.hapax.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.SubmissionPublisher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What every adapter has to do about an annotation that cannot guard what it stands on: it refuses the job, and says what to do
 * instead. An adapter passes if a subclass of this one passes.
 */
public abstract class PlacementContract {

    /** Their work goes on when the method has returned. */
    private static final Set<Class<?>> LATE = Set.of(
            Future.class,
            FutureTask.class,
            CompletionStage.class,
            CompletableFuture.class,
            Flow.Publisher.class,
            Flow.Processor.class,
            SubmissionPublisher.class,
            Stream.class);

    private static final Pattern WAY_OUT = Pattern.compile("\\b([Pp]ut|[Uu]se|return when|make it|let|declare) ");

    /** For subclasses. */
    protected PlacementContract() {}

    /**
     * Returns methods that carry the annotation and cannot be guarded.
     *
     * @return at least one that the adapter never calls and, if its jobs are methods of any kind, one for each type of result
     *     whose work goes on
     */
    protected abstract List<Method> unguardable();

    /**
     * Sets up what is to run a method.
     *
     * @param method one of them
     * @return why the adapter refused; empty if it did not
     * @throws Exception as the adapter throws
     */
    protected abstract String refusal(Method method) throws Exception;

    /**
     * Tells whether jobs may have results.
     *
     * @return false if the adapter's jobs always return nothing
     */
    protected boolean hasResults() {
        return true;
    }

    /**
     * Names results whose work goes on, and which the adapter guards to their end.
     *
     * @return types, none of which is refused
     */
    protected Set<Class<?>> guardedToTheirEnd() {
        return Set.of();
    }

    @TestFactory
    Stream<DynamicTest> what_cannot_be_guarded_is_refused_with_the_way_out() {
        return unguardable().stream()
                .map(method -> DynamicTest.dynamicTest(
                        method.getDeclaringClass().getSimpleName() + "." + method.getName(),
                        () -> assertThat(refusal(method))
                                .contains("@Guarded on ")
                                .contains(method.getName())
                                .containsPattern(WAY_OUT)));
    }

    @Test
    void each_type_whose_work_goes_on_is_among_them() {
        if (hasResults()) {
            assertThat(unguardable())
                    .extracting(method -> (Object) method.getReturnType())
                    .containsAll(LATE.stream()
                            .filter(type -> !guardedToTheirEnd().contains(type))
                            .toList());
        }
    }
}
