package io.hapax.micronaut;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.policy.GuardedCall;
import io.hapax.policy.GuardedPlacement;
import io.micronaut.aop.InterceptorBinding;
import io.micronaut.context.BeanContext;
import io.micronaut.context.annotation.Context;
import io.micronaut.context.annotation.Value;
import io.micronaut.context.exceptions.ConfigurationException;
import io.micronaut.inject.BeanDefinition;
import io.micronaut.inject.ExecutableMethod;
import io.micronaut.inject.ProxyBeanDefinition;
import io.micronaut.scheduling.annotation.Async;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The guarded methods of all beans, read and checked before the application starts: one that would run unguarded fails the start.
 * Thread-safe.
 */
@Context
final class GuardedBeans {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.micronaut");

    private static final Set<String> JOBS = Set.of("org.quartz.Job", "org.jobrunr.jobs.lambdas.JobRequestHandler");

    private record Key(Class<?> bean, Method method) {}

    /** One that overrides another has the same. */
    private record Signature(Class<?> bean, String name, List<Class<?>> parameters) {

        static Signature of(Class<?> bean, Method method) {
            return new Signature(bean, method.getName(), List.of(method.getParameterTypes()));
        }
    }

    private final Optional<JobGuard> guard;
    private final Map<Key, GuardedCall> calls = new ConcurrentHashMap<>();

    GuardedBeans(BeanContext beans, @Value("${hapax.enabled:true}") boolean isEnabled) {
        guard = isEnabled ? beans.findBean(JobGuard.class) : Optional.empty();
        if (!isEnabled) {
            LOG.warn("Hapax is switched off (hapax.enabled=false): jobs run unguarded");
            return;
        }
        Collection<BeanDefinition<?>> definitions = beans.getAllBeanDefinitions();
        Set<Signature> advised = new HashSet<>();
        for (BeanDefinition<?> definition : definitions) {
            if (isJob(type(definition))) {
                continue;
            }
            for (ExecutableMethod<?, ?> method : definition.getExecutableMethods()) {
                if (method.hasStereotype(Guarded.class) && method.hasStereotype(InterceptorBinding.class)) {
                    if (method.hasStereotype(Async.class)) {
                        throw new ConfigurationException(
                                "@Guarded on " + type(definition).getSimpleName() + "." + method.getMethodName()
                                        + ": an @Async method returns before its work has started, so its run would end too early. Put"
                                        + " @Guarded on a method of another bean that it calls");
                    }
                    advised.add(Signature.of(type(definition), method.getTargetMethod()));
                    check(type(definition), method.getTargetMethod());
                }
            }
        }
        definitions.stream()
                .map(GuardedBeans::type)
                .distinct()
                .filter(type -> !type.getName().startsWith("io.micronaut.") && !isJob(type))
                .forEach(type -> requireAdvised(type, advised));
    }

    /** Whether schedulers call its methods, whose modules look at the annotation. */
    static boolean isJob(Class<?> type) {
        for (Class<?> each = type; each != null; each = each.getSuperclass()) {
            for (Class<?> implemented : each.getInterfaces()) {
                if (JOBS.contains(implemented.getName()) || isJob(implemented)) {
                    return true;
                }
            }
        }
        return JOBS.contains(type.getName());
    }

    private static Class<?> type(BeanDefinition<?> definition) {
        return definition instanceof ProxyBeanDefinition<?> proxy ? proxy.getTargetType() : definition.getBeanType();
    }

    private void requireAdvised(Class<?> bean, Set<Signature> advised) {
        List<Method> methods;
        try {
            methods = GuardedPlacement.methods(bean);
        } catch (LinkageError unreadable) {
            // It has methods for libraries that are not there.
            return;
        }
        for (Method method : methods) {
            // What implements the method of an interface may have other parameters.
            boolean isSeen = method.getDeclaringClass().isInterface() || advised.contains(Signature.of(bean, method));
            if (!isSeen) {
                throw new ConfigurationException("@Guarded on " + bean.getSimpleName() + "." + method.getName()
                        + " would guard nothing: its class was compiled without hapax-micronaut, or its bean is made by a"
                        + " factory. Add io.hapax:hapax-micronaut to the annotation processors, beside"
                        + " micronaut-inject-java, or put the annotation on a method of another bean that calls it");
            }
        }
    }

    private void check(Class<?> bean, Method method) {
        try {
            var unused = of(bean, method);
        } catch (IllegalArgumentException wrong) {
            throw new ConfigurationException(String.valueOf(wrong.getMessage()), wrong);
        }
    }

    GuardedCall of(Class<?> bean, Method method) {
        JobGuard asked = guard.orElseThrow(() -> new ConfigurationException("@Guarded on " + bean.getSimpleName() + "."
                + method.getName() + ": there is no guard. Add a bean of type io.hapax.lease.LeaseStore, or one of type"
                + " io.hapax.JobGuard, or set hapax.enabled=false to run unguarded"));
        return calls.computeIfAbsent(new Key(bean, method), key -> GuardedCall.of(asked, bean, method));
    }
}
