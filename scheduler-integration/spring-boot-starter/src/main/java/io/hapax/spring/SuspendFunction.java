package io.hapax.spring;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.core.KotlinDetector;
import org.springframework.core.MethodParameter;
import org.springframework.util.ClassUtils;

/**
 * What Java sees of Kotlin's suspend functions: a method whose last parameter is the continuation, which is none of its arguments.
 * Needs no class of Kotlin itself.
 */
final class SuspendFunction {

    private static final String REACTOR = "org.jetbrains.kotlinx:kotlinx-coroutines-reactor";

    /** Through which Spring calls a suspend function behind a proxy, by artifact. */
    private static final Map<String, String> NEEDED = Map.of(
            "kotlinx.coroutines.reactor.MonoKt",
            REACTOR,
            "kotlin.reflect.full.KCallables",
            "org.jetbrains.kotlin:kotlin-reflect");

    /** Just this one: its subtypes are other things. */
    static final String FLOW = "kotlinx.coroutines.flow.Flow";

    private SuspendFunction() {}

    static boolean is(Method method) {
        return KotlinDetector.isSuspendingFunction(method) && KotlinDetector.isKotlinType(method.getDeclaringClass());
    }

    /** How many arguments a method has. */
    static int arguments(Method method) {
        return is(method) ? method.getParameterCount() - 1 : method.getParameterCount();
    }

    /** The arguments of a call. */
    static @Nullable Object[] arguments(Method method, @Nullable Object[] passed) {
        return is(method) ? Arrays.copyOf(passed, passed.length - 1) : passed;
    }

    /** Whether the function may return null, or returns nothing at all. */
    static boolean mayBeNothing(Method method) {
        MethodParameter result = new MethodParameter(method, -1);
        Class<?> type = result.getParameterType();
        return type == void.class || type.getName().equals("kotlin.Unit") || result.isOptional();
    }

    /** What a call returns that was refused: an empty {@link Optional}, or else null. */
    static @Nullable Object nothing(Method method) {
        return new MethodParameter(method, -1).getParameterType() == Optional.class ? Optional.empty() : null;
    }

    /** The name of what the function returns. */
    static String result(Method method) {
        return new MethodParameter(method, -1).getParameterType().getSimpleName();
    }

    /**
     * Refuses a suspend function that Spring cannot call.
     *
     * @param classes those that Spring sees
     * @throws IllegalArgumentException if a library is not there; the message names it
     */
    static void requireCallable(@Nullable ClassLoader classes) {
        String absent = NEEDED.entrySet().stream()
                .filter(each -> !ClassUtils.isPresent(each.getKey(), classes))
                .map(Map.Entry::getValue)
                .sorted()
                .collect(Collectors.joining(" and "));
        if (!absent.isEmpty()) {
            throw new IllegalArgumentException("the method is a suspend function, which Spring cannot call without "
                    + absent
                    + ": add that to the class path, or let an ordinary function call it in runBlocking, and put"
                    + " @Guarded there");
        }
    }

    /** Likewise, a function that returns a flow. */
    static void requireFlows(@Nullable ClassLoader classes) {
        if (!ClassUtils.isPresent("kotlinx.coroutines.reactor.ReactorFlowKt", classes)) {
            throw new IllegalArgumentException("the method returns a Flow, whose end nobody sees without " + REACTOR
                    + ": add that to the class path, or use @Guarded on a function that returns when the work is done");
        }
    }
}
