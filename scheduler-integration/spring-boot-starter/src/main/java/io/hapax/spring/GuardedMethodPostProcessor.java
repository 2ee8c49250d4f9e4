package io.hapax.spring;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.ledger.RunLedger;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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
    private final transient ObjectProvider<RunLedger> ledger;
    private transient Transactions transactions = Transactions.NONE;
    private transient GuardInterceptor calls;
    /** By the bean's name: beans of one class have keys of their own. */
    private final transient Map<String, Map<Method, GuardedMethod>> methods = new ConcurrentHashMap<>();

    private transient UnaryOperator<String> placeholders = text -> text;
    private boolean hasJobs;
    private transient @Nullable ConfigurableListableBeanFactory all;
    /** Names of beans that came by here before the application had started. */
    private final transient Set<String> seen = ConcurrentHashMap.newKeySet();

    private volatile boolean started;

    GuardedMethodPostProcessor(
            ObjectProvider<JobGuard> guard, ObjectProvider<RunObserver> observer, ObjectProvider<RunLedger> ledger) {
        this.guard = guard;
        this.observer = observer;
        this.ledger = ledger;
        this.calls = calls(Transactions.NONE);
        setBeforeExistingAdvisors(true);
        MethodInterceptor interceptor = this::invoke;
        this.advisor =
                new DefaultPointcutAdvisor(new AnnotationMatchingPointcut(null, Guarded.class, true), interceptor);
    }

    private GuardInterceptor calls(Transactions transactions) {
        return new GuardInterceptor(guard::getObject, () -> observer.getIfUnique(() -> RunObserver.NONE), transactions);
    }

    @Override
    public void setBeanFactory(BeanFactory beans) {
        super.setBeanFactory(beans);
        all = beans instanceof ConfigurableListableBeanFactory listed ? listed : null;
        ClassLoader classes = beans instanceof ConfigurableBeanFactory known ? known.getBeanClassLoader() : null;
        if (Transactions.areThere(classes)) {
            transactions = new SpringTransactions(beans, LedgerCompletion.of(ledger, classes));
            calls = calls(transactions);
        }
        if (beans instanceof ConfigurableBeanFactory configurable) {
            placeholders = text -> String.valueOf(configurable.resolveEmbeddedValue(text));
            hasJobs = ClassUtils.isPresent("org.jobrunr.server.BackgroundJobServer", configurable.getBeanClassLoader());
        }
    }

    @Override
    public Object postProcessAfterInitialization(Object bean, String name) {
        Object processed = processed(bean, name);
        // Jobs of schedulers too, and whatever they call.
        transactions.watch(processed, methods.containsKey(name));
        return processed;
    }

    private Object processed(Object bean, String name) {
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
                if (started) {
                    requireKnownTransactions();
                }
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
        if (!methods.isEmpty()) {
            requireKnownTransactions();
        }
        started = true;
        seen.clear();
    }

    /** Once there are guarded methods, which may be called in a transaction. */
    private void requireKnownTransactions() {
        ConfigurableListableBeanFactory beans = all;
        if (beans != null) {
            transactions.requireKnown(beans);
        }
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

    /** Whether a scheduler of Spring's fires a guarded method. */
    boolean hasScheduled() {
        return count(true) > 0;
    }

    /** How many guarded methods there are, or how many of them are scheduled. */
    int count(boolean scheduled) {
        return Math.toIntExact(methods.values().stream()
                .flatMap(each -> each.values().stream())
                .filter(method -> method.isScheduled() || !scheduled)
                .count());
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
        return guarded == null ? call.proceed() : calls.invoke(guarded, call);
    }
}
