package io.hapax.jobrunr;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.RunOptions;
import io.hapax.policy.GuardedAnnotations;
import io.hapax.policy.JobPolicy;
import io.hapax.policy.KeyTemplate;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jobrunr.jobs.JobDetails;
import org.jobrunr.scheduling.exceptions.JobNotFoundException;
import org.jobrunr.utils.JobUtils;
import org.jspecify.annotations.Nullable;

/** The policies of the jobs of one guard; what annotations say is read once for each method. Thread-safe. */
final class JobPolicies {

    private static final ReentrantLock LOCK = new ReentrantLock();
    /** Guarded by LOCK. */
    private static final Map<JobGuard, JobPolicies> ALL = new WeakHashMap<>();

    /** Not the guard itself, or it would be kept for ever as key of the map. */
    private final WeakReference<JobGuard> guard;

    private final RunOptions defaults;
    private final JobPolicy<KeyTemplate> plain;
    private final ClassValue<Map<Method, JobPolicy<KeyTemplate>>> known = new ClassValue<>() {
        @Override
        protected Map<Method, JobPolicy<KeyTemplate>> computeValue(Class<?> job) {
            return new ConcurrentHashMap<>();
        }
    };

    private JobPolicies(JobGuard guard) {
        this.guard = new WeakReference<>(guard);
        this.defaults = guard.defaults();
        this.plain = JobPolicy.of(defaults, List.of(), this::parse);
    }

    static JobPolicies of(JobGuard guard) {
        LOCK.lock();
        try {
            return ALL.computeIfAbsent(guard, JobPolicies::new);
        } finally {
            LOCK.unlock();
        }
    }

    private KeyTemplate parse(String text) {
        // The one that asks has it.
        return KeyTemplate.parse(Objects.requireNonNull(guard.get()).resolve(text), JobValues.SYNTAX);
    }

    /**
     * Finds the policy of a job.
     *
     * @param performing the class that does the work, if that is another one than the job names
     * @throws IllegalArgumentException if an annotation is wrong; the message names the method
     */
    JobPolicy<KeyTemplate> of(JobDetails details, @Nullable Class<?> performing) {
        if (details.hasStaticFieldName()) {
            return plain;
        }
        Class<?> job;
        Method method;
        try {
            job = performing == null ? JobUtils.getJobClass(details) : performing;
            method = JobUtils.getJobMethod(details);
        } catch (JobNotFoundException unknown) {
            // JobRunr is about to say so, and better.
            return plain;
        }
        Map<Method, JobPolicy<KeyTemplate>> ofClass = known.get(job);
        JobPolicy<KeyTemplate> policy = ofClass.get(method);
        if (policy == null) {
            try {
                policy = JobPolicy.of(defaults, GuardedAnnotations.of(job, method), this::parse);
            } catch (IllegalArgumentException refused) {
                throw wrong(details, String.valueOf(refused.getMessage()));
            }
            ofClass.put(method, policy);
        }
        return policy;
    }

    /**
     * Finds the annotations of a job.
     *
     * @param performing the class that does the work
     */
    static List<Guarded> annotations(JobDetails details, Class<?> performing) {
        return GuardedAnnotations.of(performing, JobUtils.getJobMethod(details));
    }

    /** What a job's annotations say where there is no guard. */
    static RunOptions withoutGuard(JobDetails details) {
        if (details.hasStaticFieldName()) {
            return RunOptions.DEFAULTS;
        }
        try {
            return options(annotations(details, JobUtils.getJobClass(details)));
        } catch (JobNotFoundException | IllegalArgumentException unusable) {
            return RunOptions.DEFAULTS;
        }
    }

    static RunOptions options(List<Guarded> nearestFirst) {
        return JobPolicy.of(RunOptions.DEFAULTS, nearestFirst, text -> text).options();
    }

    static IllegalArgumentException wrong(JobDetails job, String what) {
        return new IllegalArgumentException(
                "@Guarded on " + job.getClassName() + "." + job.getMethodName() + ": " + what);
    }
}
