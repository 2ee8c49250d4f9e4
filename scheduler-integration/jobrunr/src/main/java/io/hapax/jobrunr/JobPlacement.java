package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.LockMode;
import io.hapax.policy.GuardedPlacement;
import io.hapax.policy.LateResults;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.jobs.lambdas.JobRequestHandler;

/**
 * Where the annotations of a job stand.
 *
 * @param named the class or interface by which the job was enqueued
 * @param type the class that does its work
 */
record JobPlacement(JobDetails details, Class<?> named, Class<?> type) {

    /** @throws IllegalArgumentException if one of them guards nothing */
    void require(Method method) {
        List<Guarded> guarded = JobPolicies.annotations(details, type);
        if (!guarded.isEmpty() && !guarded.get(0).enabled()) {
            return;
        }
        if (JobRequestHandler.class.isAssignableFrom(type)) {
            GuardedPlacement.requireReached(
                    type,
                    each -> each.getName().equals("run"),
                    "JobRunr calls run only, so put it there, or on the class");
        }
        if (guarded.isEmpty()) {
            return;
        }
        requireSeen(guarded, JobPolicies.annotations(details, named));
        Method performing = performing(method);
        try {
            LateResults.refuse(performing);
        } catch (IllegalArgumentException late) {
            throw wrong(String.valueOf(late.getMessage()));
        }
        if (performing.getReturnType() == Object.class) {
            throw wrong(
                    "the method returns Object, and JobRunr does not show its content, so its work might go on when the"
                            + " lease is given back: declare void, or the type of what it returns");
        }
    }

    /** A place in the queue is taken where the job is enqueued. */
    private void requireSeen(List<Guarded> guarded, List<Guarded> seen) {
        LockMode mode = JobPolicies.options(guarded).mode();
        LockMode modeSeen = JobPolicies.options(seen).mode();
        if ((mode.isQueued() || modeSeen.isQueued()) && !guarded.equals(seen)) {
            throw wrong("mode=" + (mode.isQueued() ? mode : modeSeen)
                    + " applies where the job is enqueued, which is as " + named.getName()
                    + ", which has another annotation: put it on " + named.getName() + " alone");
        }
    }

    /** The method itself, which may say more of its result than the one of the interface. */
    private Method performing(Method method) {
        for (Class<?> each = type; each != null; each = each.getSuperclass()) {
            for (Method own : each.getDeclaredMethods()) {
                if (!own.isBridge()
                        && own.getName().equals(method.getName())
                        && Arrays.equals(own.getParameterTypes(), method.getParameterTypes())) {
                    return own;
                }
            }
        }
        return method;
    }

    private IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException(
                "@Guarded on " + type.getName() + "." + details.getMethodName() + ": " + what);
    }
}
