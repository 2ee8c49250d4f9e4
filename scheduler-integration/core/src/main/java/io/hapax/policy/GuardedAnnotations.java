package io.hapax.policy;

import io.hapax.Guarded;
import java.lang.annotation.Annotation;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds every {@link Guarded} that is meant for a job, nearest first: on its method, on the methods that this one overrides or
 * implements, on its class, on superclasses, on interfaces; on each of these the annotation itself before those that are
 * composed of it.
 */
public final class GuardedAnnotations {

    private GuardedAnnotations() {}

    /**
     * Looks at a job.
     *
     * @param job the class of the job, or of the object whose method is the job
     * @param method the method that does the work; null if there is none to look at
     * @return the annotations, nearest first
     */
    public static List<Guarded> of(Class<?> job, @Nullable Method method) {
        Set<Class<?>> types = typesOf(job);
        List<Guarded> found = new ArrayList<>();
        if (method != null && !types.contains(method.getDeclaringClass())) {
            found.addAll(on(method));
        }
        for (Class<?> type : types) {
            Method same = method == null ? null : declared(type, method);
            if (same != null) {
                found.addAll(on(same));
            }
        }
        for (Class<?> type : types) {
            found.addAll(on(type));
        }
        return found;
    }

    /** The annotation itself, then those that are composed of it. */
    static List<Guarded> on(AnnotatedElement element) {
        List<Guarded> found = new ArrayList<>();
        add(element, found, new HashSet<>());
        return found;
    }

    private static @Nullable Method declared(Class<?> type, Method method) {
        try {
            return type.getDeclaredMethod(method.getName(), method.getParameterTypes());
        } catch (NoSuchMethodException elsewhere) {
            return null;
        }
    }

    private static void add(AnnotatedElement element, List<Guarded> into, Set<Class<?>> seen) {
        Guarded own = element.getDeclaredAnnotation(Guarded.class);
        if (own != null) {
            into.add(own);
        }
        for (Annotation each : element.getDeclaredAnnotations()) {
            Class<? extends Annotation> type = each.annotationType();
            if (type != Guarded.class && !type.getName().startsWith("java.") && seen.add(type)) {
                add(type, into, seen);
            }
        }
    }

    /** The class, its superclasses, and all their interfaces, nearest first. */
    static Set<Class<?>> typesOf(Class<?> start) {
        return typesOf(start, new LinkedHashSet<>());
    }

    private static Set<Class<?>> typesOf(Class<?> start, Set<Class<?>> into) {
        for (Class<?> type = start; type != null && type != Object.class; type = type.getSuperclass()) {
            into.add(type);
        }
        for (Class<?> type : List.copyOf(into)) {
            for (Class<?> each : type.getInterfaces()) {
                if (!into.contains(each)) {
                    typesOf(each, into);
                }
            }
        }
        return into;
    }
}
