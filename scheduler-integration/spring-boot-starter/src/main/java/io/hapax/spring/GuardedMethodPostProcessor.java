package io.hapax.spring;

import io.hapax.CurrentRun;
import io.hapax.Guarded;
import io.hapax.GuardedRun;
import io.hapax.JobGuard;
import io.hapax.RunInterruptedException;
import io.hapax.RunRefusedException;
import io.hapax.RunRequest;
import io.hapax.RunResult;
import io.hapax.lease.JobIdentity;
import io.hapax.policy.LateResults;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.Advised;
import org.springframework.aop.framework.AopConfigException;
import org.springframework.aop.framework.AopInfrastructureBean;
import org.springframework.aop.framework.autoproxy.AbstractBeanFactoryAwareAdvisingPostProcessor;
import org.springframework.aop.interceptor.ExposeBeanNameAdvisors;
import org.springframework.aop.support.AopUtils;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.annotation.AnnotationMatchingPointcut;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.AnnotationUtils;
import org.springframework.util.ClassUtils;

/**
 * Guards bean methods with {@link Guarded}, outside of every other advice, so that a transaction of the method has ended before
 * its lease is given back. Reads and checks the annotations at start-up.
 */
final class GuardedMethodPostProcessor extends AbstractBeanFactoryAwareAdvisingPostProcessor
        implements SmartInitializingSingleton {

    private static final long serialVersionUID = 1L;
    private final transient ObjectProvider<JobGuard> guard;
    private final transient ObjectProvider<RunObserver> observer;
    /** By the bean's name: beans of one class have keys of their own. */
    private final transient Map<String, Map<Method, GuardedMethod>> methods = new ConcurrentHashMap<>();

    private transient UnaryOperator<String> placeholders = text -> text;
    private boolean hasJobs;
    private transient @Nullable ConfigurableListableBeanFactory all;
    /** Names of beans that came by here before the application had started. */
    private final transient Set<String> seen = ConcurrentHashMap.newKeySet();

    private volatile boolean started;

    GuardedMethodPostProcessor(ObjectProvider<JobGuard> guard, ObjectProvider<RunObserver> observer) {
        this.guard = guard;
        this.observer = observer;
        setBeforeExistingAdvisors(true);
        MethodInterceptor interceptor = this::invoke;
        this.advisor =
                new DefaultPointcutAdvisor(new AnnotationMatchingPointcut(null, Guarded.class, true), interceptor);
    }

    @Override
    public void setBeanFactory(BeanFactory beans) {
        super.setBeanFactory(beans);
        all = beans instanceof ConfigurableListableBeanFactory listed ? listed : null;
        if (beans instanceof ConfigurableBeanFactory configurable) {
            placeholders = text -> String.valueOf(configurable.resolveEmbeddedValue(text));
            hasJobs = ClassUtils.isPresent("org.jobrunr.server.BackgroundJobServer", configurable.getBeanClassLoader());
        }
    }

    @Override
    public Object postProcessAfterInitialization(Object bean, String name) {
        Class<?> type = AopUtils.getTargetClass(bean);
        if (!started) {
            seen.add(name);
        }
        if (ProxyReach.isJob(type)) {
            // Not where Quartz lets Spring make a job for a firing: an exception would break its trigger.
            if (all != null && all.containsBeanDefinition(name)) {
                ProxyReach.requireJobMethod(type, name);
            }
        } else if (AnnotationUtils.isCandidateClass(type, Guarded.class) && !(bean instanceof AopInfrastructureBean)) {
            requireMethods(type, name);
            Map<Method, GuardedMethod> guarded = guardedMethods(type, name);
            if (!guarded.isEmpty()) {
                methods.put(name, guarded);
                return proxied(bean, name, guarded.values());
            }
        }
        return super.postProcessAfterInitialization(bean, name);
    }

    private Object proxied(Object bean, String name, Collection<GuardedMethod> guarded) {
        Object proxy;
        try {
            proxy = super.postProcessAfterInitialization(bean, name);
        } catch (AopConfigException noProxy) {
            throw ProxyReach.noProxy(guarded.iterator().next().of(), noProxy);
        }
        ProxyReach.requireGuarded(proxy, Objects.requireNonNull(advisor), guarded);
        return knowingItsName(proxy, name);
    }

    /** Finds beans that were made before this post-processor, or without any. */
    @Override
    public void afterSingletonsInstantiated() {
        ConfigurableListableBeanFactory beans = all;
        if (beans == null) {
            return;
        }
        for (String name : beans.getSingletonNames()) {
            Object bean = seen.contains(name) ? null : beans.getSingleton(name);
            Class<?> type = bean == null ? Object.class : AopUtils.getTargetClass(bean);
            if (AnnotationUtils.isCandidateClass(type, Guarded.class) && !ProxyReach.isJob(type)) {
                requireNone(type, name);
            }
        }
        started = true;
        seen.clear();
    }

    private static void requireNone(Class<?> type, String name) {
        Optional<Method> guarded;
        try {
            guarded = MethodIntrospector.selectMethods(type, GuardedMethodPostProcessor::annotation).keySet().stream()
                    .findFirst();
        } catch (IllegalStateException | LinkageError unreadable) {
            // A class of the infrastructure with methods for libraries that are not there.
            return;
        }
        if (guarded.isPresent()) {
            throw ProxyReach.unprocessed(type, name, guarded.get());
        }
    }

    private Map<Method, GuardedMethod> guardedMethods(Class<?> type, String name) {
        Map<Method, GuardedMethod> found = new HashMap<>();
        MethodIntrospector.selectMethods(type, GuardedMethodPostProcessor::annotation)
                .forEach((method, guarded) -> found.put(
                        AopUtils.getMostSpecificMethod(method, type),
                        GuardedMethod.of(
                                new BeanMethod(name, type, method),
                                guarded,
                                guard.getObject(),
                                hasJobs,
                                placeholders)));
        return found;
    }

    private static Object knowingItsName(Object proxy, String name) {
        if (proxy instanceof Advised advised && !advised.isFrozen()) {
            advised.addAdvisor(0, ExposeBeanNameAdvisors.createAdvisorWithoutIntroduction(name));
        }
        return proxy;
    }

    /** Without JobRunr, whose jobs may have it on their class, nobody would look at it. */
    private void requireMethods(Class<?> type, String name) {
        if (!hasJobs && AnnotatedElementUtils.hasAnnotation(type, Guarded.class)) {
            throw new InvalidSettingException(
                    "@Guarded on " + type.getSimpleName(),
                    "the class of bean '" + name + "' is no job of a scheduler, so the annotation guards nothing there",
                    "Put it on the methods that are to be guarded",
                    null);
        }
    }

    @Override
    protected boolean isEligible(Class<?> targetClass) {
        return !ProxyReach.isJob(targetClass) && super.isEligible(targetClass);
    }

    private static @Nullable Guarded annotation(Method method) {
        Guarded guarded = AnnotatedElementUtils.findMergedAnnotation(method, Guarded.class);
        return guarded == null || !guarded.enabled() ? null : guarded;
    }

    private @Nullable Object invoke(MethodInvocation call) throws Throwable {
        Object bean = call.getThis();
        Method method = bean == null
                ? call.getMethod()
                : AopUtils.getMostSpecificMethod(call.getMethod(), AopUtils.getTargetClass(bean));
        GuardedMethod guarded = methods.getOrDefault(ExposeBeanNameAdvisors.getBeanName(call), Map.of())
                .get(method);
        if (guarded == null) {
            return call.proceed();
        }
        Optional<GuardedRun> current = CurrentRun.find();
        if (guarded.schedulersOnly() != null) {
            if (current.isEmpty()) {
                throw new IllegalStateException("@Guarded on " + guarded.of().shown()
                        + " is for the job of a scheduler, but other code has called the method: "
                        + guarded.schedulersOnly());
            }
            return done(guarded, call.proceed());
        }
        JobIdentity identity = guarded.identity(bean, call.getArguments());
        return current.filter(run -> isSame(run.identity(), guard.getObject().kept(identity)))
                        .isPresent()
                ? done(guarded, call.proceed())
                : run(guarded, guarded.request(identity), call);
    }

    private static @Nullable Object done(GuardedMethod guarded, @Nullable Object result) {
        LateResults.refuse(guarded.of().shown(), result);
        return result;
    }

    /** A scheduler, or an outer method, holds this key for this very call: asking again would refuse it. */
    private static boolean isSame(JobIdentity held, JobIdentity wanted) {
        boolean sameLock = wanted.lockKey() != null && wanted.lockKey().equals(held.lockKey());
        if (sameLock && wanted.runKey() != null && !wanted.runKey().equals(held.runKey())) {
            throw new IllegalStateException("a run of " + held + " calls a method that is guarded as " + wanted
                    + ": it holds that lock key already, so the inner run key could not be noted as done. Call the method"
                    + " outside of the run, or give it another lock key");
        }
        return wanted.lockKey() != null
                ? wanted.lockKey().equals(held.lockKey())
                : wanted.runKey() != null && wanted.runKey().equals(held.runKey());
    }

    /** Only an exception that the method declares gets through a proxy, and only its own name says where the flag went. */
    private static Exception notBegun(GuardedMethod guarded, Method called, InterruptedException interrupt) {
        List<Class<?>> declared = List.of(called.getExceptionTypes());
        if (declared.contains(InterruptedException.class)) {
            return interrupt;
        }
        Thread.currentThread().interrupt();
        return declared.stream().anyMatch(type -> type.isInstance(interrupt))
                ? interrupt
                : new RunInterruptedException(guarded.of().shown(), interrupt);
    }

    private @Nullable Object run(GuardedMethod guarded, RunRequest request, MethodInvocation call) throws Throwable {
        RunObserver observing = observer.getIfUnique(() -> RunObserver.NONE);
        AtomicBoolean begun = new AtomicBoolean();
        RunResult<@Nullable Object> result;
        try {
            result = guard.getObject().run(request, run -> {
                begun.set(true);
                try {
                    return done(guarded, observing.observe(guarded.of().shown(), call));
                } catch (Exception | Error thrown) {
                    throw thrown;
                } catch (Throwable thrown) {
                    throw new IllegalStateException(thrown);
                }
            });
        } catch (InterruptedException interrupt) {
            throw begun.get() ? interrupt : notBegun(guarded, call.getMethod(), interrupt);
        }
        if (result instanceof RunResult.Ran<@Nullable Object> ran) {
            return ran.value();
        }
        Class<?> type = guarded.of().method().getReturnType();
        if (type.isPrimitive() && type != void.class) {
            throw new RunRefusedException(request.identity(), ((RunResult.Refused<?>) result).refusal());
        }
        return type == Optional.class ? Optional.empty() : null;
    }
}
