package io.hapax.jobrunr;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.scheduling.exceptions.JobNotFoundException;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.JobActivator;
import org.jobrunr.server.runner.BackgroundJobWithIocRunner;
import org.jobrunr.utils.JobUtils;
import org.jspecify.annotations.Nullable;

/**
 * Finds the classes whose methods do the work of a server's jobs: of a job that is enqueued through an interface, the class of
 * the object that the server's activator has for it. Looks once for each job method. Thread-safe.
 */
final class JobClasses {

    private static final String KNOWS_ITS_TARGET = "org.springframework.aop.TargetClassAware";

    /** What is known of a method. */
    private record Found(Class<?> type, @Nullable String refusal) {}

    private final Map<String, Found> known = new ConcurrentHashMap<>();

    /**
     * Finds the class of a job, and whether its annotation stands where the guard can follow it.
     *
     * @return the class; null if the job has none, which JobRunr is about to say, and better
     * @throws IllegalArgumentException if an annotation guards nothing; the message says where
     */
    @Nullable
    Class<?> of(BackgroundJobServer server, JobDetails details) {
        if (details.hasStaticFieldName()) {
            return null;
        }
        String signature = JobUtils.getJobSignature(details);
        Found found = known.get(signature);
        if (found == null) {
            try {
                found = find(server, details);
            } catch (JobNotFoundException unknown) {
                return null;
            }
            known.put(signature, found);
        }
        if (found.refusal() != null) {
            throw new IllegalArgumentException(found.refusal());
        }
        return found.type();
    }

    private static Found find(BackgroundJobServer server, JobDetails details) {
        Class<?> named = JobUtils.getJobClass(details);
        Method method = JobUtils.getJobMethod(details);
        Class<?> type = Modifier.isStatic(method.getModifiers()) ? named : performing(server, named);
        try {
            new JobPlacement(details, named, type).require(method);
            return new Found(type, null);
        } catch (IllegalArgumentException refused) {
            return new Found(type, String.valueOf(refused.getMessage()));
        }
    }

    private static Class<?> performing(BackgroundJobServer server, Class<?> named) {
        JobActivator activator;
        try {
            activator = activator(server);
        } catch (ReflectiveOperationException | RuntimeException hidden) {
            ServerCheck.hidesActivator(server, hidden);
            return named;
        }
        try {
            Object bean = activator == null ? null : activator.activateJob(named);
            return bean == null ? named : classOf(bean);
        } catch (ReflectiveOperationException | RuntimeException notThere) {
            // JobRunr asks the same again, and fails the job with the reason.
            return named;
        }
    }

    /** JobRunr has no way to ask for it, hence the look into its fields. */
    private static @Nullable JobActivator activator(BackgroundJobServer server) throws ReflectiveOperationException {
        Field runners = BackgroundJobServer.class.getDeclaredField("backgroundJobRunners");
        runners.setAccessible(true);
        for (Object runner : (List<?>) runners.get(server)) {
            if (runner instanceof BackgroundJobWithIocRunner) {
                Field activator = BackgroundJobWithIocRunner.class.getDeclaredField("jobActivator");
                activator.setAccessible(true);
                return (JobActivator) activator.get(runner);
            }
        }
        return null;
    }

    /** The proxies of Spring know the class behind them. */
    private static Class<?> classOf(Object bean) throws ReflectiveOperationException {
        for (Class<?> each : bean.getClass().getInterfaces()) {
            for (Method method : each.getMethods()) {
                if (method.getDeclaringClass().getName().equals(KNOWS_ITS_TARGET)
                        && method.invoke(bean) instanceof Class<?> target) {
                    return target;
                }
            }
        }
        return bean.getClass();
    }
}
