package io.hapax.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.SubmissionPublisher;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import kotlin.coroutines.Continuation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

class LateResultsTest {

    interface OwnPublisher extends Flow.Publisher<String> {}

    abstract static class Base implements OwnPublisher {}

    abstract static class Heir extends Base {}

    interface Late<S extends Future<String>> {
        Future<String> future();

        ScheduledFuture<?> scheduled();

        CompletionStage<String> stage();

        Flow.Processor<String, String> processor();

        Heir heir();

        IntStream stream();

        Optional<CompletableFuture<String>> optional();

        Map<String, List<? extends Future<?>>> nested();

        Future<?>[] array();

        List<Future<?>[]> arrays();

        S variable();

        List<S> variables();
    }

    interface Fine<T extends Comparable<T>> {
        void nothing();

        int number();

        Object object();

        T variable();

        List<T> list();

        List<?> any();

        List<? super Integer> above();

        Map<String, int[]> map();

        Supplier<String> supplier();

        Callable<String> callable();

        Iterable<String> iterable();
    }

    static List<Method> late() {
        return methods(Late.class);
    }

    static List<Method> fine() {
        return methods(Fine.class);
    }

    private static List<Method> methods(Class<?> of) {
        return Arrays.stream(of.getDeclaredMethods())
                .filter(method -> !method.isSynthetic())
                .toList();
    }

    @ParameterizedTest
    @MethodSource("late")
    void a_method_whose_work_goes_on_is_refused(Method method) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LateResults.refuse(method))
                .withMessageStartingWith(
                        "the method returns a " + method.getReturnType().getSimpleName())
                .withMessageContaining("return when the work is done");
    }

    interface Inside {
        CompletionStage<String> fine();

        CompletionStage<List<? extends Future<String>>> late();
    }

    @Test
    void a_result_that_is_waited_for_may_bring_nothing_that_is_late_in_its_turn() throws NoSuchMethodException {
        Method fine = Inside.class.getDeclaredMethod("fine");
        assertThatCode(() -> LateResults.refuseInside(fine)).doesNotThrowAnyException();
        Method late = Inside.class.getDeclaredMethod("late");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LateResults.refuseInside(late))
                .withMessageStartingWith("the method returns a CompletionStage of Future, whose work");
    }

    interface Suspended {
        Object fine(String argument, Continuation<? super String> rest);

        Object late(Continuation<? super List<? extends Future<String>>> rest);
    }

    @Test
    void a_suspend_function_is_refused_unless_it_is_waited_for_and_brings_nothing_that_is_late()
            throws NoSuchMethodException {
        Method fine = Suspended.class.getDeclaredMethod("fine", String.class, Continuation.class);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LateResults.refuse(fine))
                .withMessageStartingWith("the method is a suspend function")
                .withMessageContaining("runBlocking");
        assertThatCode(() -> LateResults.refuseInside(fine)).doesNotThrowAnyException();
        Method late = Suspended.class.getDeclaredMethod("late", Continuation.class);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LateResults.refuseInside(late))
                .withMessageStartingWith("the suspend function returns a Future, whose work");
    }

    @Test
    void the_type_that_is_late_is_named() throws NoSuchMethodException {
        Method nested = Late.class.getDeclaredMethod("nested");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LateResults.refuse(nested))
                .withMessageStartingWith("the method returns a Map of Future, whose work");
    }

    @ParameterizedTest
    @MethodSource("fine")
    void any_other_method_is_not(Method method) {
        assertThatCode(() -> LateResults.refuse(method)).doesNotThrowAnyException();
    }

    static final List<Object> LATE = List.of(
            new CompletableFuture<>(),
            new FutureTask<>(() -> "done"),
            new SubmissionPublisher<>(),
            Stream.of("done"),
            Optional.of(new CompletableFuture<>()),
            List.of(new CompletableFuture<>()),
            List.of(Optional.of(new CompletableFuture<>())));

    @ParameterizedTest
    @FieldSource("LATE")
    void a_result_whose_work_goes_on_is_refused(Object result) {
        assertThatIllegalStateException()
                .isThrownBy(() -> LateResults.refuse("Loader.load", result))
                .withMessageStartingWith("@Guarded on Loader.load: the method has returned a ")
                .withMessageContaining("return when the work is done");
    }

    @Test
    void what_can_be_cancelled_is() {
        List<CompletableFuture<String>> several = List.of(new CompletableFuture<>(), new CompletableFuture<>());
        assertThatIllegalStateException().isThrownBy(() -> LateResults.refuse("x", several));
        assertThat(several).allMatch(CompletableFuture::isCancelled);
    }

    @Test
    void any_other_result_is_not() {
        for (Object fine : Arrays.asList(
                null, "done", 1, new int[] {1}, Optional.empty(), Optional.of("done"), List.of(), List.of("done"))) {
            assertThatCode(() -> LateResults.refuse("x", fine)).doesNotThrowAnyException();
        }
        Collection<Object> mixed = List.of("done", new CompletableFuture<>());
        assertThatIllegalStateException().isThrownBy(() -> LateResults.refuse("x", mixed));
    }
}
