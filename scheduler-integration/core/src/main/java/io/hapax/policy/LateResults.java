package io.hapax.policy;

import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds methods whose work goes on when they have returned, and with them the lease: it would guard nothing.
 *
 * <p>The types are known by their names, as few applications have the libraries of all of them.
 */
public final class LateResults {

    private static final Set<String> LATE = Set.of(
            "java.util.concurrent.Future",
            "java.util.concurrent.CompletionStage",
            "java.util.concurrent.Flow$Publisher",
            "java.util.stream.BaseStream",
            "org.reactivestreams.Publisher",
            "io.reactivex.rxjava3.core.CompletableSource",
            "io.reactivex.rxjava3.core.MaybeSource",
            "io.reactivex.rxjava3.core.ObservableSource",
            "io.reactivex.rxjava3.core.SingleSource",
            "io.reactivex.CompletableSource",
            "io.reactivex.MaybeSource",
            "io.reactivex.ObservableSource",
            "io.reactivex.SingleSource",
            "io.smallrye.mutiny.Uni",
            "io.vertx.core.Future",
            "kotlin.sequences.Sequence",
            "kotlinx.coroutines.Job",
            "kotlinx.coroutines.flow.Flow",
            "scala.concurrent.Future",
            "org.springframework.web.context.request.async.DeferredResult",
            "org.springframework.web.context.request.async.WebAsyncTask");

    /** What the compiler of Kotlin makes the last parameter of a function that can be suspended. */
    private static final String CONTINUATION = "kotlin.coroutines.Continuation";

    private static final String WAY_OUT =
            "return when the work is done, or use JobGuard.admitAsync in its code instead of the annotation";

    private static final ClassValue<Boolean> IS_LATE = new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> type) {
            return isA(type, LATE);
        }
    };

    private LateResults() {}

    /**
     * Refuses a method whose declaration says that its work goes on.
     *
     * @param method the method that a lease is meant to guard
     * @throws IllegalArgumentException if its work is not done when it returns; the message says why, and what to do
     */
    public static void refuse(Method method) {
        if (isSuspended(method)) {
            throw new IllegalArgumentException(
                    "the method is a suspend function, which returns whenever it is suspended,"
                            + " and its lease would be given back by then: let an ordinary function call it in runBlocking, and"
                            + " put @Guarded there");
        }
        Class<?> late = lateIn(method.getGenericReturnType(), new HashSet<>());
        if (late != null) {
            throw new IllegalArgumentException(
                    "the method returns a " + method.getReturnType().getSimpleName()
                            + (late == method.getReturnType() ? "" : " of " + late.getSimpleName())
                            + ", whose work would go on when the lease is given back: " + WAY_OUT);
        }
    }

    /**
     * Refuses a method whose result is known to come later, if what it brings is late in its turn.
     *
     * @param method one whose lease is kept until its result has come; or a suspend function, whose lease is kept until it returns
     * @throws IllegalArgumentException if its declaration says that its work goes on even then
     */
    public static void refuseInside(Method method) {
        if (isSuspended(method)) {
            Class<?> late = firstLate(results(method), new HashSet<>());
            if (late != null) {
                throw new IllegalArgumentException("the suspend function returns a " + late.getSimpleName()
                        + ", whose work would go on when the lease is given back: " + WAY_OUT);
            }
            return;
        }
        Class<?> late = method.getGenericReturnType() instanceof ParameterizedType with
                ? firstLate(with.getActualTypeArguments(), new HashSet<>())
                : null;
        if (late != null) {
            throw new IllegalArgumentException("the method returns a "
                    + method.getReturnType().getSimpleName() + " of " + late.getSimpleName()
                    + ", whose work would go on when the lease is given back: " + WAY_OUT);
        }
    }

    private static boolean isSuspended(Method method) {
        Class<?>[] parameters = method.getParameterTypes();
        return parameters.length > 0 && isA(parameters[parameters.length - 1], Set.of(CONTINUATION));
    }

    /** What a suspend function resumes its continuation with: a {@code Continuation<? super T>} has it. */
    private static Type[] results(Method method) {
        Type[] parameters = method.getGenericParameterTypes();
        return parameters[parameters.length - 1] instanceof ParameterizedType with
                ? Arrays.stream(with.getActualTypeArguments())
                        .flatMap(each -> each instanceof WildcardType any
                                ? Stream.of(any.getLowerBounds(), any.getUpperBounds())
                                        .flatMap(Arrays::stream)
                                : Stream.of(each))
                        .toArray(Type[]::new)
                : new Type[0];
    }

    /**
     * Refuses what a method has returned, if its declaration was not specific enough. Cancels it if possible.
     *
     * @param method its name for messages
     * @param result what it has returned
     * @throws IllegalStateException if the work is not done
     */
    public static void refuse(String method, @Nullable Object result) {
        List<Object> late = lateAmong(result);
        if (late.isEmpty()) {
            return;
        }
        for (Object each : late) {
            if (each instanceof Future<?> future) {
                future.cancel(true);
            }
        }
        throw new IllegalStateException("@Guarded on " + method + ": the method has returned a "
                + late.get(0).getClass().getSimpleName()
                + ", whose work goes on when the lease is given back, so the lease"
                + " guards nothing: " + WAY_OUT);
    }

    private static List<Object> lateAmong(@Nullable Object result) {
        if (result instanceof Optional<?> some) {
            return lateAmong(some.orElse(null));
        }
        // Those of others may ask a database for their elements.
        if (result instanceof Collection<?> several
                && several.getClass().getName().startsWith("java.util.")) {
            return several.stream().flatMap(each -> lateAmong(each).stream()).toList();
        }
        return result != null && IS_LATE.get(result.getClass()) ? List.of(result) : List.of();
    }

    /** The first such type in a type and its arguments. */
    private static @Nullable Class<?> lateIn(Type type, Set<Type> seen) {
        if (!seen.add(type)) {
            return null;
        }
        if (type instanceof Class<?> plain) {
            return IS_LATE.get(plain) ? plain : plain.isArray() ? lateIn(plain.getComponentType(), seen) : null;
        }
        if (type instanceof ParameterizedType with) {
            Class<?> raw = lateIn(with.getRawType(), seen);
            return raw == null ? firstLate(with.getActualTypeArguments(), seen) : raw;
        }
        if (type instanceof WildcardType any) {
            return firstLate(any.getUpperBounds(), seen);
        }
        if (type instanceof TypeVariable<?> variable) {
            return firstLate(variable.getBounds(), seen);
        }
        return type instanceof GenericArrayType array ? lateIn(array.getGenericComponentType(), seen) : null;
    }

    private static @Nullable Class<?> firstLate(Type[] types, Set<Type> seen) {
        for (Type type : types) {
            Class<?> late = lateIn(type, seen);
            if (late != null) {
                return late;
            }
        }
        return null;
    }

    private static boolean isA(@Nullable Class<?> type, Set<String> names) {
        if (type == null) {
            return false;
        }
        if (names.contains(type.getName()) || isA(type.getSuperclass(), names)) {
            return true;
        }
        for (Class<?> each : type.getInterfaces()) {
            if (isA(each, names)) {
                return true;
            }
        }
        return false;
    }
}
