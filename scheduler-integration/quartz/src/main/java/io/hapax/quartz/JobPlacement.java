package io.hapax.quartz;

import io.hapax.Guarded;
import io.hapax.policy.GuardedPlacement;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.quartz.Job;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.impl.matchers.GroupMatcher;

/** Refuses jobs with {@link Guarded} on a method that Quartz never calls. Looks once at each class. Thread-safe. */
final class JobPlacement {

    private static final int MOST_AT_START = 200;

    private static final ReentrantLock LOCK = new ReentrantLock();
    /** What is wrong with a class, or nothing. Guarded by LOCK. */
    private static final Map<Class<?>, String> KNOWN = new WeakHashMap<>();

    private JobPlacement() {}

    /** @throws IllegalArgumentException if there is such a method; the message names it */
    static void require(Class<? extends Job> type) {
        String refusal = known(type);
        if (refusal == null) {
            refusal = refusal(type);
            LOCK.lock();
            try {
                KNOWN.put(type, refusal);
            } finally {
                LOCK.unlock();
            }
        }
        if (!refusal.isEmpty()) {
            throw new IllegalArgumentException(refusal);
        }
    }

    private static @Nullable String known(Class<?> type) {
        LOCK.lock();
        try {
            return KNOWN.get(type);
        } finally {
            LOCK.unlock();
        }
    }

    private static String refusal(Class<?> type) {
        try {
            GuardedPlacement.requireReached(
                    type,
                    JobPlacement::isCalled,
                    "Quartz calls execute(JobExecutionContext) only, so put it on the class or on that method");
            return "";
        } catch (IllegalArgumentException refused) {
            return String.valueOf(refused.getMessage());
        }
    }

    private static boolean isCalled(Method method) {
        Class<?>[] parameters = method.getParameterTypes();
        return method.getName().equals("execute")
                && parameters.length == 1
                && parameters[0] == JobExecutionContext.class;
    }

    /** Looks at the jobs that a scheduler has already. The others are looked at when they fire. */
    static void requireOfAll(Scheduler scheduler) throws SchedulerException {
        int left = MOST_AT_START;
        for (var key : scheduler.getJobKeys(GroupMatcher.anyJobGroup())) {
            if (left-- == 0) {
                return;
            }
            JobDetail job = scheduler.getJobDetail(key);
            if (job != null && !isSwitchedOff(job)) {
                require(job.getJobClass());
            }
        }
    }

    private static boolean isSwitchedOff(JobDetail job) {
        Object enabled = job.getJobDataMap().get(JobSettings.ENABLED);
        List<Guarded> guarded = JobSettings.annotations(job.getJobClass());
        return enabled == null
                ? !guarded.isEmpty() && !guarded.get(0).enabled()
                : enabled.toString().trim().equalsIgnoreCase("false");
    }
}
