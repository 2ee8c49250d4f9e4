package io.hapax.quartz;

import io.hapax.Guarded;
import io.hapax.RunOptions;
import io.hapax.policy.GuardedPlacement;
import io.hapax.policy.JobPolicy;
import java.lang.reflect.Method;
import java.util.List;
import org.quartz.ExecuteInJTATransaction;
import org.quartz.Job;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.utils.ClassUtils;

/**
 * Refuses jobs that the guard would not cover: with {@link Guarded} on a method that Quartz never calls
 * or with a wrong value, or in a JTA transaction.
 * Looks once at each class. Thread-safe.
 */
final class JobPlacement {

    /** What is wrong with a class, or nothing. */
    private static final ClassValue<String> REFUSAL = new ClassValue<>() {
        @Override
        protected String computeValue(Class<?> type) {
            return refusal(type);
        }
    };

    private JobPlacement() {}

    /** @throws IllegalArgumentException if it is such a job; the message says why */
    static void require(Class<? extends Job> type) {
        String refusal = REFUSAL.get(type);
        if (!refusal.isEmpty()) {
            throw new IllegalArgumentException(refusal);
        }
    }

    private static String refusal(Class<?> type) {
        if (ClassUtils.isAnnotationPresent(type, ExecuteInJTATransaction.class)) {
            return "@ExecuteInJTATransaction on " + type.getName()
                    + ": Quartz commits that transaction when the run has"
                    + " ended, so another replica could start before, and a run that rolls back would be noted as done."
                    + " Start the transaction inside of execute() and leave out the annotation, or set hapax.enabled=false"
                    + " for the job";
        }
        try {
            GuardedPlacement.requireReached(
                    type,
                    JobPlacement::isCalled,
                    "Quartz calls execute(JobExecutionContext) only, so put it on the class or on that method");
        } catch (IllegalArgumentException refused) {
            return String.valueOf(refused.getMessage());
        }
        try {
            JobPolicy<String> unused = JobPolicy.of(RunOptions.DEFAULTS, JobSettings.annotations(type), text -> text);
            return "";
        } catch (IllegalArgumentException wrong) {
            return "@Guarded on " + type.getName() + ": " + wrong.getMessage();
        }
    }

    private static boolean isCalled(Method method) {
        Class<?>[] parameters = method.getParameterTypes();
        return method.getName().equals("execute")
                && parameters.length == 1
                && parameters[0] == JobExecutionContext.class;
    }

    /** Whether its annotation or its data says so, however wrong they are otherwise. */
    static boolean isSwitchedOff(JobDetail job) {
        Object enabled = job.getJobDataMap().get(JobSettings.ENABLED);
        List<Guarded> guarded = JobSettings.annotations(job.getJobClass());
        return enabled == null
                ? !guarded.isEmpty() && !guarded.get(0).enabled()
                : enabled.toString().trim().equalsIgnoreCase("false");
    }
}
