package io.hapax.spring;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.RunOptions;
import io.hapax.RunRequest;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.policy.GuardedAnnotations;
import io.hapax.policy.JobPolicy;
import io.hapax.policy.LateResults;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.scheduling.annotation.Async;

/**
 * A bean method with {@link Guarded}, its settings read and checked.
 *
 * @param schedulersOnly why the method makes sense as the job of a scheduler only; null if any code may call it
 */
record GuardedMethod(
        BeanMethod of,
        @Nullable KeyExpression key,
        @Nullable KeyExpression once,
        RunOptions options,
        @Nullable String schedulersOnly) {

    /**
     * Reads a method.
     *
     * @param of the method
     * @param hasJobs whether a scheduler may call bean methods as jobs, which it guards itself
     * @param resolved replaces placeholders of the environment
     * @throws InvalidSettingException if its annotation is wrong; the message names bean, method and attribute
     */
    static GuardedMethod of(
            BeanMethod of, Guarded guarded, JobGuard guard, boolean hasJobs, UnaryOperator<String> resolved) {
        Class<?> bean = of.type();
        Method method = of.method();
        String name = of.shown();
        return StoreOpening.check("@Guarded on " + name, () -> {
            ProxyReach.requireOverridable(bean, method);
            requireEnd(bean, method);
            // First as Spring merges it, with @AliasFor; below it what is inherited, as for jobs.
            List<Guarded> nearestFirst = new ArrayList<>(List.of(guarded));
            nearestFirst.addAll(GuardedAnnotations.of(bean, method));
            JobPolicy<KeyExpression> policy = JobPolicy.of(
                    plain(guard.defaults()), nearestFirst, text -> KeyExpression.parse(resolved.apply(text), method));
            RunOptions options = policy.options();
            guard.check(options);
            if (!hasJobs) {
                requireRunKey(options, policy);
            }
            String schedulersOnly = schedulersOnly(method, policy);
            if (schedulersOnly != null && !hasJobs) {
                throw new IllegalArgumentException(schedulersOnly);
            }
            if (schedulersOnly == null) {
                requireResult(method, options);
            }
            requireArguments("key", policy.key(), policy, method);
            requireArguments("once", policy.once(), policy, method);
            if (options.onConflict() == OnConflict.ALLOW && policy.key() != null) {
                throw new IllegalArgumentException("onConflict=ALLOW contradicts the key: leave out one of them");
            }
            return new GuardedMethod(of, policy.key(), policy.once(), options, schedulersOnly);
        });
    }

    /** The lease ends when the method returns, so the work has to be done by then. */
    private static void requireEnd(Class<?> bean, Method method) {
        if (AnnotatedElementUtils.hasAnnotation(method, Async.class)
                || AnnotatedElementUtils.hasAnnotation(bean, Async.class)) {
            throw new IllegalArgumentException(
                    "an @Async method returns before its work has begun, and its lease would be given"
                            + " back by then: put @Guarded on a method of another bean that it calls");
        }
        LateResults.refuse(method);
    }

    /** What must not be repeated after a crash needs a name; the call would fail each time. */
    private static void requireRunKey(RunOptions options, JobPolicy<KeyExpression> policy) {
        if (options.afterCrash() == AfterCrash.ABANDON && policy.once() == null) {
            throw new IllegalArgumentException("afterCrash = ABANDON needs once, which names what must not be repeated:"
                    + " add one, such as @Guarded(once = \"…/%0\"), or use RERUN");
        }
    }

    /** Defaults that only a scheduler can follow are not meant for methods. */
    private static RunOptions plain(RunOptions defaults) {
        RunOptions plain = defaults.onConflict() == OnConflict.RESCHEDULE
                        || defaults.onConflict().isAboutOthers()
                ? defaults.withOnConflict(OnConflict.AUTO)
                : defaults;
        return plain.mode().isQueued() ? plain.withMode(LockMode.WHILE_EXECUTING) : plain;
    }

    private static @Nullable String schedulersOnly(Method method, JobPolicy<KeyExpression> policy) {
        RunOptions options = policy.options();
        if (options.onConflict() == OnConflict.RESCHEDULE
                || options.onConflict().isAboutOthers()) {
            return "a method cannot be tried again later, as onConflict=" + options.onConflict()
                    + " wants: use SKIP, WAIT, FAIL or ALLOW";
        }
        if (options.mode().isQueued()) {
            return "a method is not queued, as mode=" + options.mode() + " wants: use WHILE_EXECUTING";
        }
        boolean keyless = policy.key() == null && policy.once() == null;
        return keyless && (method.getParameterCount() > 0 || options.onConflict() == OnConflict.ALLOW)
                ? "there is neither key nor once, which say what is guarded: add one, such as @Guarded(key = \"…/%0\")"
                : null;
    }

    private static void requireResult(Method method, RunOptions options) {
        Class<?> type = method.getReturnType();
        boolean fails = options.onConflict() == OnConflict.FAIL || options.onConflict() == OnConflict.WAIT;
        if (type.isPrimitive() && type != void.class && !fails) {
            throw new IllegalArgumentException("the method returns " + type
                    + ", so it has no value to return when it is skipped: set onConflict = FAIL or WAIT, or return an object,"
                    + " which is null then, or an Optional");
        }
    }

    private static void requireArguments(
            String attribute, @Nullable KeyExpression expression, JobPolicy<KeyExpression> policy, Method method) {
        if (expression == null || policy.ignoresArguments()) {
            return;
        }
        String text = expression.template().toString();
        if (!expression.template().dependsOnValues() && method.getParameterCount() > 0) {
            throw new IllegalArgumentException(attribute + " = \"" + text
                    + "\" is the same whatever the arguments, so different work would count as the same: add #{#"
                    + method.getParameters()[0].getName() + "} or %0, or set ignoreArguments = true");
        }
        if (expression.template().isConstant() && attribute.equals("once")) {
            throw new IllegalArgumentException("once = \"" + text
                    + "\" is the same for each call, so the method would run once for all: add an expression such as"
                    + " #{T(java.time.LocalDate).now()}, or set ignoreArguments = true");
        }
    }

    /** The keys of a call; without any it is the method itself that must not overlap. */
    JobIdentity identity(@Nullable Object bean, @Nullable Object[] arguments) {
        RunKey run = once == null ? null : new RunKey(once.value(bean, arguments));
        if (key != null) {
            return new JobIdentity(new LockKey(key.value(bean, arguments)), run);
        }
        return run == null ? new JobIdentity(new LockKey(of.key()), null) : new JobIdentity(null, run);
    }

    RunRequest request(JobIdentity identity) {
        return RunRequest.of(identity).job(of.shown()).tune(defaults -> options);
    }
}
