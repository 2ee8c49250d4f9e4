package io.hapax.jobrunr;

import io.hapax.Guarded;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Method;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.scheduling.exceptions.JobNotFoundException;
import org.jobrunr.utils.JobUtils;
import org.jspecify.annotations.Nullable;

/**
 * Finds the {@link Guarded} of a job: on its method, on the method it overrides, on its class, on a supertype. The
 * nearest wins.
 */
final class GuardedLookup {

    private GuardedLookup() {}

    static @Nullable Guarded find(JobDetails details) {
        return find(details, null);
    }

    /** @param performing the class that does the work, if that is another one than the job names */
    static @Nullable Guarded find(JobDetails details, @Nullable Class<?> performing) {
        if (details.hasStaticFieldName()) {
            return null;
        }
        Class<?> jobClass;
        Method method;
        try {
            jobClass = performing == null ? JobUtils.getJobClass(details) : performing;
            method = JobUtils.getJobMethod(details);
        } catch (JobNotFoundException unknown) {
            // JobRunr is about to say so, and better.
            return null;
        }
        Set<Class<?>> types = typesOf(jobClass, new LinkedHashSet<>());
        Guarded onMethod = onMethod(method, types);
        return onMethod != null ? onMethod : onType(types);
    }

    private static @Nullable Guarded onMethod(Method method, Set<Class<?>> types) {
        for (Class<?> type : types) {
            try {
                Guarded inherited = in(type.getDeclaredMethod(method.getName(), method.getParameterTypes()));
                if (inherited != null) {
                    return inherited;
                }
            } catch (NoSuchMethodException elsewhere) {
                // The next supertype may declare it.
            }
        }
        return null;
    }

    private static @Nullable Guarded onType(Set<Class<?>> types) {
        for (Class<?> type : types) {
            Guarded found = in(type);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private static @Nullable Guarded in(AnnotatedElement element) {
        return element.getAnnotation(Guarded.class);
    }

    /** The class, its superclasses, and all their interfaces, nearest first. */
    private static Set<Class<?>> typesOf(Class<?> start, Set<Class<?>> into) {
        for (Class<?> type = start; type != null; type = type.getSuperclass()) {
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
