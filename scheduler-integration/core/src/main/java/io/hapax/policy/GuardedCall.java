package io.hapax.policy;

import io.hapax.CurrentRun;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.LockMode;
import io.hapax.OnConflict;
import io.hapax.RunInterruptedException;
import io.hapax.RunOptions;
import io.hapax.RunRefusedException;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.event.Refusal;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.ledger.AfterCrash;
import io.hapax.policy.KeyTemplate.Kind;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A method of a bean with {@link io.hapax.Guarded}, its settings read and checked: what the interceptor of a framework needs,
 * {@code GuardedCall.of(guard, bean, method)} once for each method and {@link #call} for each call. Immutable and thread-safe.
 *
 * <p>Keys may use {@code %0}, <code>%{name}</code> and <code>%X{name}</code>. Without a key it is the method itself that must not
 * overlap. A call within a run that holds the same key takes part in that run. The run ends when the method returns, so a method
 * whose work goes on then is refused, and a transaction has to start and end within the method: let the interceptor come before
 * that of transactions, and have {@link io.hapax.JobGuardBuilder#obstacle} refuse calls in a transaction.
 */
public final class GuardedCall {

    private static final Logger LOG = LoggerFactory.getLogger(GuardedCall.class);
    private static final KeySyntax SYNTAX =
            new KeySyntax("a bean method", EnumSet.of(Kind.ARGUMENT, Kind.NAME, Kind.MDC), "%0 for an argument");

    private final JobGuard guard;
    private final Class<?> bean;
    private final Method method;
    private final JobPolicy<KeyTemplate> policy;

    private GuardedCall(JobGuard guard, Class<?> bean, Method method, JobPolicy<KeyTemplate> policy) {
        this.guard = guard;
        this.bean = bean;
        this.method = method;
        this.policy = policy;
    }

    /**
     * Reads a method.
     *
     * @param guard asks for its runs
     * @param bean the class of the bean, not that of its proxy
     * @param method the method
     * @return how to call it
     * @throws IllegalArgumentException if its annotation is wrong; the message names class, method and attribute, and says what is
     *     allowed
     */
    public static GuardedCall of(JobGuard guard, Class<?> bean, Method method) {
        try {
            JobPolicy<KeyTemplate> policy = JobPolicy.of(
                    plain(guard.defaults()),
                    GuardedAnnotations.of(bean, method),
                    text -> template(guard.resolve(text), method));
            if (policy.isEnabled()) {
                check(guard, method, policy);
            }
            return new GuardedCall(guard, bean, method, policy);
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("@Guarded on " + shown(bean, method) + ": " + wrong.getMessage(), wrong);
        }
    }

    /** Defaults that only a scheduler can follow are not meant for methods. */
    private static RunOptions plain(RunOptions defaults) {
        OnConflict policy = defaults.onConflict();
        RunOptions plain = policy == OnConflict.RESCHEDULE || policy.isAboutOthers()
                ? defaults.withOnConflict(OnConflict.AUTO)
                : defaults;
        return plain.mode().isQueued() ? plain.withMode(LockMode.WHILE_EXECUTING) : plain;
    }

    private static KeyTemplate template(String text, Method method) {
        KeyTemplate template = KeyTemplate.parse(text, SYNTAX);
        template.requireArguments(method.getParameterCount());
        List<String> names = names(method);
        for (String name : template.named(Kind.NAME)) {
            if (!names.contains(name)) {
                throw new IllegalArgumentException("key '" + text + "': no parameter is called '" + name
                        + "'; there are " + names + (names.isEmpty() ? " (javac -parameters keeps them)" : ""));
            }
        }
        return template;
    }

    private static void check(JobGuard guard, Method method, JobPolicy<KeyTemplate> policy) {
        RunOptions options = policy.options();
        if (options.afterCrash() == AfterCrash.ABANDON && policy.once() == null) {
            throw new IllegalArgumentException("afterCrash = ABANDON needs once, which names what must not be repeated:"
                    + " add one, such as @Guarded(once = \"…/%0\"), or use RERUN");
        }
        guard.check(options);
        if (Modifier.isStatic(method.getModifiers()) || Modifier.isPrivate(method.getModifiers())) {
            throw new IllegalArgumentException("no interceptor is called for a method that is private or static");
        }
        if (options.onConflict() == OnConflict.RESCHEDULE
                || options.onConflict().isAboutOthers()) {
            throw new IllegalArgumentException("a method cannot be tried again later, as onConflict="
                    + options.onConflict() + " wants: use SKIP, WAIT, FAIL or ALLOW");
        }
        if (options.mode().isQueued()) {
            throw new IllegalArgumentException(
                    "a method is not queued, as mode=" + options.mode() + " wants: use WHILE_EXECUTING");
        }
        LateResults.refuse(method);
        requireResult(method, options);
        requireKeys(method, policy);
    }

    private static void requireKeys(Method method, JobPolicy<KeyTemplate> policy) {
        boolean allowed = policy.options().onConflict() == OnConflict.ALLOW;
        boolean keyless = policy.key() == null && policy.once() == null;
        if (keyless && (allowed || method.getParameterCount() > 0)) {
            throw new IllegalArgumentException(
                    "there is neither key nor once, which say what is guarded: add one, such as @Guarded(key = \"…/%0\")");
        }
        if (allowed && policy.key() != null) {
            throw new IllegalArgumentException("onConflict=ALLOW contradicts the key: leave out one of them");
        }
        requireArguments("key", policy.key(), policy, method);
        requireArguments("once", policy.once(), policy, method);
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
            String attribute, @Nullable KeyTemplate template, JobPolicy<KeyTemplate> policy, Method method) {
        if (template == null || policy.ignoresArguments()) {
            return;
        }
        if (!template.dependsOnValues() && method.getParameterCount() > 0) {
            throw new IllegalArgumentException(attribute + " = \"" + template
                    + "\" is the same whatever the arguments, so different work would count"
                    + " as the same: add %0, or set ignoreArguments = true");
        }
        if (template.isConstant() && attribute.equals("once")) {
            throw new IllegalArgumentException("once = \"" + template
                    + "\" is the same for each call, so the method would run once for all: let it have an argument and use"
                    + " %0, or set ignoreArguments = true");
        }
    }

    private static List<String> names(Method method) {
        return Arrays.stream(method.getParameters())
                .filter(Parameter::isNamePresent)
                .map(Parameter::getName)
                .toList();
    }

    /**
     * Tells whether the method is guarded.
     *
     * @return false if its annotation switches the guard off
     */
    public boolean isEnabled() {
        return policy.isEnabled();
    }

    /**
     * Returns how the method is guarded.
     *
     * @return its keys, before values are filled in, and its options
     */
    public JobPolicy<KeyTemplate> policy() {
        return policy;
    }

    /**
     * Names the method as log lines and meters do.
     *
     * @return class and method, without packages
     */
    public String shown() {
        return shown(bean, method);
    }

    private static String shown(Class<?> bean, Method method) {
        return bean.getSimpleName() + "." + method.getName();
    }

    /**
     * Names the method for stores: the lock key of one that sets none. It has class, method and parameters, so that an overloaded
     * method never changes the key of a live fleet.
     *
     * @return the name, not yet {@linkplain KeyPath#bounded(String) shortened}
     */
    public String path() {
        String parameters = Arrays.stream(method.getParameterTypes())
                .map(Class::getTypeName)
                .collect(Collectors.joining(","));
        return KeyPath.of(bean.getName() + "." + method.getName() + "(" + parameters + ")");
    }

    /**
     * Asks for a run of the method.
     *
     * @param arguments those of the call
     * @return the request, which a framework may add to: what it fires, and when
     * @throws IllegalArgumentException if a part of a key has no value
     */
    public RunRequest request(@Nullable Object... arguments) {
        Values values = new Values(names(method), Arrays.asList(arguments));
        KeyTemplate key = policy.key();
        KeyTemplate once = policy.once();
        RunKey run = once == null ? null : new RunKey(once.fill(values));
        LockKey lock =
                key != null ? new LockKey(key.fill(values)) : run == null ? new LockKey(KeyPath.bounded(path())) : null;
        return RunRequest.of(new JobIdentity(lock, run)).job(shown()).tune(defaults -> policy.options());
    }

    /**
     * Calls the method under a run of its own, or within the run of its caller that holds the same key.
     *
     * @param arguments those of the call
     * @param proceed calls the method itself
     * @return what the method returned; if the run was refused, null or an empty {@link Optional}
     * @throws Exception what the method threw
     * @throws RunRefusedException if the run was refused, and the conflict policy is {@link OnConflict#FAIL} or the method returns
     *     a primitive type
     * @throws RunInterruptedException if the thread was interrupted before the run could start; its flag is set again
     */
    public @Nullable Object call(@Nullable Object[] arguments, Callable<? extends @Nullable Object> proceed)
            throws Exception {
        return call(arguments, UnaryOperator.identity(), proceed);
    }

    /**
     * Calls the method as {@link #call(Object[], Callable)} does.
     *
     * @param arguments those of the call
     * @param adding what its scheduler adds to the request, such as the planned time
     * @param proceed calls the method itself
     * @return what the method returned, or what stands for it
     * @throws Exception what the method threw
     */
    public @Nullable Object call(
            @Nullable Object[] arguments,
            UnaryOperator<RunRequest> adding,
            Callable<? extends @Nullable Object> proceed)
            throws Exception {
        if (!policy.isEnabled()) {
            return proceed.call();
        }
        RunRequest request;
        try {
            request = adding.apply(request(arguments));
        } catch (IllegalArgumentException wrong) {
            if (!policy.options().observe()) {
                throw wrong;
            }
            LOG.warn("{} would have failed, but only observes: {}", shown(), wrong.getMessage());
            return proceed.call();
        }
        return call(request, proceed);
    }

    private @Nullable Object call(RunRequest request, Callable<? extends @Nullable Object> proceed) throws Exception {
        JobIdentity kept = guard.kept(request.identity());
        Optional<GuardedRun> outer = CurrentRun.find();
        if (outer.filter(run -> run.covers(kept)).isPresent()) {
            return done(proceed.call());
        }
        AtomicBoolean begun = new AtomicBoolean();
        RunResult<@Nullable Object> result;
        try {
            result = guard.run(request, run -> {
                begun.set(true);
                return done(proceed.call());
            });
        } catch (InterruptedException interrupt) {
            if (begun.get()) {
                throw interrupt;
            }
            Thread.currentThread().interrupt();
            throw new RunInterruptedException(shown(), interrupt);
        }
        return result instanceof RunResult.Ran<@Nullable Object> ran
                ? ran.value()
                : nothing(kept, ((RunResult.Refused<?>) result).refusal());
    }

    private @Nullable Object done(@Nullable Object result) {
        if (!policy.options().observe()) {
            LateResults.refuse(shown(), result);
        }
        return result;
    }

    private @Nullable Object nothing(JobIdentity identity, Refusal refusal) {
        Class<?> type = method.getReturnType();
        if (type.isPrimitive() && type != void.class) {
            throw new RunRefusedException(identity, refusal);
        }
        return type == Optional.class ? Optional.empty() : null;
    }

    /** The values of one call. */
    private record Values(List<String> names, List<@Nullable Object> arguments) implements KeyValues {

        @Override
        public @Nullable Object named(String name) {
            int position = names.indexOf(name);
            return position < 0 ? null : arguments.get(position);
        }
    }
}
