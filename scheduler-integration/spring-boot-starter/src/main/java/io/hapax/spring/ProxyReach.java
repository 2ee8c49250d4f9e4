package io.hapax.spring;

import io.hapax.Guarded;
import io.hapax.policy.GuardedPlacement;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.springframework.aop.Advisor;
import org.springframework.aop.framework.Advised;
import org.springframework.aop.support.AopUtils;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.util.ClassUtils;

/** Finds methods that are called past the guard, which sits in front of their bean. */
final class ProxyReach {

    /** Their schedulers guard these, by keys of their own, and call this one method of them. */
    private static final String[][] JOBS = {
        {"org.quartz.Job", "execute"}, {"org.jobrunr.jobs.lambdas.JobRequestHandler", "run"}
    };

    private ProxyReach() {}

    /** Whether a scheduler guards the beans of a class. */
    static boolean isJob(Class<?> type) {
        return !jobMethods(type).isEmpty();
    }

    private static Set<String> jobMethods(Class<?> type) {
        Set<String> found = new HashSet<>();
        for (Class<?> each : ClassUtils.getAllInterfacesForClassAsSet(type)) {
            for (String[] job : JOBS) {
                if (each.getName().equals(job[0])) {
                    found.add(job[1]);
                }
            }
        }
        return found;
    }

    /** Refuses a job with the annotation on a method that its scheduler never calls. */
    static void requireJobMethod(Class<?> type, String bean) {
        Set<String> called = jobMethods(type);
        StoreOpening.check("bean '" + bean + "'", () -> {
            GuardedPlacement.requireReached(
                    type,
                    method -> called.contains(method.getName()),
                    "its scheduler guards the job as a whole, so put it on the class, or on "
                            + String.join(" or ", called) + "; a method that other code calls belongs into another"
                            + " bean");
            return bean;
        });
    }

    /** @throws IllegalArgumentException if no proxy can be in front of the method */
    static void requireOverridable(Class<?> bean, Method method) {
        int modifiers = method.getModifiers();
        if (Modifier.isPrivate(modifiers) || Modifier.isFinal(modifiers) || Modifier.isStatic(modifiers)) {
            throw new IllegalArgumentException("a private, final or static method cannot be guarded, as Spring calls it"
                    + " past the guard: make it an ordinary method, which in Kotlin is one that is open");
        }
        boolean ofPackage = !Modifier.isPublic(modifiers) && !Modifier.isProtected(modifiers);
        if (ofPackage && !method.getDeclaringClass().getPackageName().equals(bean.getPackageName())) {
            throw new IllegalArgumentException(
                    "the method is visible in the package of "
                            + method.getDeclaringClass().getName()
                            + " only, where no proxy of the bean is, so it is called past the guard: make it public or protected");
        }
        if (AnnotatedElementUtils.hasAnnotation(method, Bean.class)) {
            throw new IllegalArgumentException("a @Bean method makes a bean, and guarding it would not guard that bean:"
                    + " put @Guarded on the methods of the bean's class");
        }
    }

    /**
     * Refuses a proxy that does not have all methods.
     *
     * @param proxy what other beans get
     * @param methods those to be guarded
     */
    static void requireGuarded(Object proxy, Advisor advisor, Collection<GuardedMethod> methods) {
        boolean advised = proxy instanceof Advised advice
                && Arrays.asList(advice.getAdvisors()).contains(advisor);
        for (GuardedMethod guarded : methods) {
            if (!advised) {
                throw refused(
                        guarded.of(),
                        "there is no way to put the guard in front of the bean",
                        "Put the method into another bean");
            }
            if (AopUtils.isJdkDynamicProxy(proxy) && !isOfInterface(proxy, guarded.of())) {
                throw refused(
                        guarded.of(),
                        "other beans see its bean through its interfaces, none of which has the method, so only the bean"
                                + " itself can call it, past the guard",
                        "Add the method to an interface, or put it into another bean, or set"
                                + " spring.aop.proxy-target-class=true");
            }
            if (AopUtils.isJdkDynamicProxy(proxy)
                    && guarded.isScheduled()
                    && guarded.result() == ResultKind.SUSPENDED) {
                throw refused(
                        guarded.of(),
                        "Spring schedules a suspend function on its bean's class, which is hidden behind its interfaces, so"
                                + " each firing would fail",
                        "Let the class be open, and set spring.aop.proxy-target-class=true, or put the method into another"
                                + " bean");
            }
        }
    }

    private static boolean isOfInterface(Object proxy, BeanMethod guarded) {
        Method target = AopUtils.getMostSpecificMethod(guarded.method(), guarded.type());
        for (Class<?> each : proxy.getClass().getInterfaces()) {
            for (Method method : each.getMethods()) {
                if (AopUtils.getMostSpecificMethod(method, guarded.type()).equals(target)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** A bean that no post-processor has seen. */
    static InvalidSettingException unprocessed(Class<?> type, String bean, Method method) {
        return refused(
                new BeanMethod(bean, type, method),
                "bean '" + bean + "' was created before the guard could be put in front of it, because a"
                        + " BeanPostProcessor, or what one needs, depends on it, or it was registered as a singleton by hand",
                "Let the bean that needs it so early ask an ObjectProvider for it, register a bean definition instead of a"
                        + " singleton, or put the method into another bean");
    }

    static InvalidSettingException noProxy(BeanMethod of, RuntimeException cause) {
        String why = Modifier.isFinal(of.type().getModifiers())
                ? "its class is final, so no proxy of it can be made"
                : "no proxy of its class can be made (" + cause.getMessage() + ")";
        return new InvalidSettingException(
                where(of),
                why + ", and the guard has no place in front of the method",
                "Let the class be open, or put the method on an interface through which the bean is used",
                cause);
    }

    private static InvalidSettingException refused(BeanMethod of, String what, String mend) {
        return new InvalidSettingException(where(of), what, mend, null);
    }

    private static String where(BeanMethod of) {
        return "@" + Guarded.class.getSimpleName() + " on " + of.shown();
    }
}
