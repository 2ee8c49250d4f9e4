package io.hapax.policy;

import io.hapax.Guarded;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Finds {@link Guarded} where nobody looks, and would be surprised that nothing is guarded. */
public final class GuardedPlacement {

    private GuardedPlacement() {}

    /**
     * Refuses a job with the annotation on a method at which its adapter does not look.
     *
     * @param job the class of the job
     * @param reached whether the adapter looks at a method
     * @param instead where to put the annotation
     * @throws IllegalArgumentException if there is such a method; the message names it
     */
    public static void requireReached(Class<?> job, Predicate<Method> reached, String instead) {
        for (Method method : methods(job)) {
            if (!reached.test(method)) {
                throw new IllegalArgumentException(
                        "@Guarded on " + method.getDeclaringClass().getName() + "." + method.getName()
                                + " guards nothing there: " + instead);
            }
        }
    }

    /**
     * Returns the methods of a class that carry the annotation, its own and inherited ones, also private and static ones.
     *
     * @param type the class
     * @return those on which it is not switched off
     */
    public static List<Method> methods(Class<?> type) {
        List<Method> found = new ArrayList<>();
        for (Class<?> each : GuardedAnnotations.typesOf(type)) {
            for (Method method : each.getDeclaredMethods()) {
                List<Guarded> guarded = method.isSynthetic() ? List.of() : GuardedAnnotations.on(method);
                if (!guarded.isEmpty() && guarded.get(0).enabled()) {
                    found.add(method);
                }
            }
        }
        return found;
    }
}
