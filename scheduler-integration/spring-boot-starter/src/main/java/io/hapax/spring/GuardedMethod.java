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
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.scheduling.annotation.Schedules;

/**
 * A bean method with {@link Guarded}, its settings read and checked.
 *
 * @param result when its work has ended
 * @param isScheduled whether a scheduler of Spring's fires it, which can do so again
 * @param schedulersOnly why the method makes sense as the job of a scheduler only; null if any code may call it
 */
record GuardedMethod(
        BeanMethod of,
        @Nullable KeyExpression key,
        @Nullable KeyExpression once,
        RunOptions options,
        ResultKind result,
        boolean isScheduled,
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
            requireBegun(bean, method);
            ResultKind result = ResultKind.of(method);
            // First as Spring merges it, with @AliasFor; below it what is inherited, as for jobs.
            List<Guarded> nearestFirst = new ArrayList<>(List.of(guarded));
            nearestFirst.addAll(GuardedAnnotations.of(bean, method));
            Set<Scheduled> schedules =
                    AnnotatedElementUtils.getMergedRepeatableAnnotations(method, Scheduled.class, Schedules.class);
            boolean isScheduled = !schedules.isEmpty();
            JobPolicy<KeyExpression> policy = JobPolicy.of(
                    plain(guard.defaults(), isScheduled),
                    nearestFirst,
                    text -> KeyExpression.parse(resolved.apply(text), method));
            RunOptions options = policy.options();
            guard.check(options);
            if (!hasJobs && !arePlanned(schedules)) {
                requireRunKey(options, policy);
            }
            String schedulersOnly = schedulersOnly(method, policy, isScheduled);
            if (schedulersOnly != null && (!hasJobs || SuspendFunction.is(method))) {
                throw new IllegalArgumentException(schedulersOnly);
            }
            if (schedulersOnly == null) {
                requireResult(method, options);
            } else {
                LateResults.refuse(method);
            }
            requireArguments("key", policy.key(), policy, method);
            requireArguments("once", policy.once(), policy, method);
            if (options.onConflict() == OnConflict.ALLOW && policy.key() != null) {
                throw new IllegalArgumentException("onConflict=ALLOW contradicts the key: leave out one of them");
            }
            return new GuardedMethod(of, policy.key(), policy.once(), options, result, isScheduled, schedulersOnly);
        });
    }

    /** The lease may end when the method returns, so the work has to have started by then. */
    private static void requireBegun(Class<?> bean, Method method) {
        if (AnnotatedElementUtils.hasAnnotation(method, Async.class)
                || AnnotatedElementUtils.hasAnnotation(bean, Async.class)) {
            throw new IllegalArgumentException(
                    "an @Async method returns before its work has started, and its lease would be given"
                            + " back by then: put @Guarded on a method of another bean that it calls");
        }
    }

    /** What must not be repeated after a crash needs a name; the call would fail each time. */
    private static void requireRunKey(RunOptions options, JobPolicy<KeyExpression> policy) {
        if (options.afterCrash() == AfterCrash.ABANDON && policy.once() == null) {
            throw new IllegalArgumentException("afterCrash = ABANDON needs once, which names what must not be repeated:"
                    + " add one, such as @Guarded(once = \"…/%0\"), or use RERUN");
        }
    }

    /** Defaults that only a scheduler can follow are not meant for methods. */
    private static RunOptions plain(RunOptions defaults, boolean isScheduled) {
        RunOptions plain = (defaults.onConflict() == OnConflict.RESCHEDULE && !isScheduled)
                        || defaults.onConflict().isAboutOthers()
                ? defaults.withOnConflict(OnConflict.AUTO)
                : defaults;
        return plain.mode().isQueued() ? plain.withMode(LockMode.WHILE_EXECUTING) : plain;
    }

    /** Whether each firing has a planned time, which is its name; those after a delay, or once after the start, have none. */
    private static boolean arePlanned(Set<Scheduled> schedules) {
        return !schedules.isEmpty()
                && schedules.stream()
                        .allMatch(each -> !each.cron().isEmpty()
                                || each.fixedRate() >= 0
                                || !each.fixedRateString().isEmpty());
    }

    private static @Nullable String schedulersOnly(
            Method method, JobPolicy<KeyExpression> policy, boolean isScheduled) {
        RunOptions options = policy.options();
        if ((options.onConflict() == OnConflict.RESCHEDULE && !isScheduled)
                || options.onConflict().isAboutOthers()) {
            return "a method cannot be tried again later, as onConflict=" + options.onConflict()
                    + " wants: use SKIP, WAIT, FAIL or ALLOW";
        }
        if (options.mode().isQueued()) {
            return "a method is not queued, as mode=" + options.mode() + " wants: use WHILE_EXECUTING";
        }
        boolean keyless = policy.key() == null && policy.once() == null;
        return keyless && (SuspendFunction.arguments(method) > 0 || options.onConflict() == OnConflict.ALLOW)
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
        if (!fails && !mayBeNothing(method)) {
            throw new IllegalArgumentException("the suspend function returns " + SuspendFunction.result(method)
                    + ", which is never null, so it has no value to return when it is skipped: set onConflict = FAIL or WAIT, or"
                    + " let it return a nullable type");
        }
    }

    private static boolean mayBeNothing(Method method) {
        return !SuspendFunction.is(method) || SuspendFunction.mayBeNothing(method);
    }

    /** What stands for a late result that there is not; null if it is empty. */
    @Nullable
    Object nothing() {
        return result == ResultKind.SUSPENDED ? SuspendFunction.nothing(of.method()) : null;
    }

    /** Whether a late result may be none. */
    boolean mayBeNothing() {
        return mayBeNothing(of.method());
    }

    private static void requireArguments(
            String attribute, @Nullable KeyExpression expression, JobPolicy<KeyExpression> policy, Method method) {
        if (expression == null || policy.ignoresArguments()) {
            return;
        }
        String text = expression.template().toString();
        if (!expression.template().dependsOnValues() && SuspendFunction.arguments(method) > 0) {
            throw new IllegalArgumentException(attribute + " = \"" + text
                    + "\" is the same whatever the arguments, so different work would count as the same: add #{#"
                    + KeyExpression.parameter(method, 0) + "} or %0, or set ignoreArguments = true");
        }
        if (expression.template().isConstant() && attribute.equals("once")) {
            throw new IllegalArgumentException("once = \"" + text
                    + "\" is the same for each call, so the method would run once for all: add an expression such as"
                    + " #{T(java.time.LocalDate).now()}, or set ignoreArguments = true");
        }
    }

    /** The keys of a call; without any it is the method itself that must not overlap. */
    JobIdentity identity(@Nullable Object bean, @Nullable Object[] passed) {
        @Nullable Object[] arguments = SuspendFunction.arguments(of.method(), passed);
        RunKey run = once == null ? null : new RunKey(once.value(bean, arguments));
        if (key != null) {
            return new JobIdentity(new LockKey(key.value(bean, arguments)), run);
        }
        return run == null ? new JobIdentity(new LockKey(of.key()), null) : new JobIdentity(null, run);
    }

    /** @param firing which one of its scheduler the call is; null if other code calls the method */
    RunRequest request(JobIdentity identity, @Nullable Firing firing) {
        RunRequest request = RunRequest.of(identity).job(of.shown()).tune(defaults -> options);
        if (firing != null) {
            return firing.request(request, of, options, once != null);
        }
        // Nobody would try again what other code has called.
        return options.onConflict() == OnConflict.RESCHEDULE
                ? request.tune(own -> own.withOnConflict(OnConflict.AUTO))
                : request;
    }
}
