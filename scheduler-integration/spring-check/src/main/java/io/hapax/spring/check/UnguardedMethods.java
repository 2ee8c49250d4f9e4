package io.hapax.spring.check;

import io.hapax.policy.GuardedPlacement;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.context.event.ApplicationStartedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.scheduling.annotation.Schedules;
import org.springframework.util.ClassUtils;

/**
 * Warns of bean methods with {@link io.hapax.Guarded} where nobody guards them. Spring Boot finds it in {@code spring.factories};
 * applications do not name it.
 */
public final class UnguardedMethods implements ApplicationListener<ApplicationStartedEvent> {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.spring.check");

    /** Of the starter. */
    private static final String PROCESSOR = "io.hapax.spring.GuardedMethodPostProcessor";

    private static final String JOBRUNR = "org.jobrunr.server.BackgroundJobServer";

    /** Their methods are called by schedulers, whose modules look at them. */
    private static final List<String> JOBS = List.of("org.quartz.Job", "org.jobrunr.jobs.lambdas.JobRequestHandler");

    /** Where there are hundreds of beans without it. */
    private static final List<String> OTHERS = List.of("java.", "org.springframework.");

    private final String processor;
    private final String jobRunr;

    /** Created by Spring Boot. */
    public UnguardedMethods() {
        this(PROCESSOR, JOBRUNR);
    }

    /** For tests: by which classes it knows that the starter, and that JobRunr, are there. */
    UnguardedMethods(String processor, String jobRunr) {
        this.processor = processor;
        this.jobRunr = jobRunr;
    }

    @Override
    public void onApplicationEvent(ApplicationStartedEvent started) {
        ConfigurableListableBeanFactory beans = started.getApplicationContext().getBeanFactory();
        ClassLoader classes = beans.getBeanClassLoader();
        if (ClassUtils.isPresent(processor, classes)) {
            return;
        }
        // Any method may be a job of JobRunr, but nobody else fires one that is scheduled by Spring.
        boolean onlyScheduled = ClassUtils.isPresent(jobRunr, classes);
        for (String name : beans.getBeanDefinitionNames()) {
            try {
                unguarded(type(beans, name), onlyScheduled).ifPresent(method -> tell(name, method));
            } catch (RuntimeException | LinkageError unreadable) {
                // A class with methods for libraries that are not there.
                LOG.debug("bean '{}' could not be looked at", name, unreadable);
            }
        }
    }

    private static @Nullable Class<?> type(ConfigurableListableBeanFactory beans, String name) {
        // Not by AutoProxyUtils.determineTargetClass, which makes lazy factories of beans.
        Object original = beans.getBeanDefinition(name).getAttribute(AutoProxyUtils.ORIGINAL_TARGET_CLASS_ATTRIBUTE);
        Class<?> type = original instanceof Class<?> target ? target : beans.getType(name, false);
        return type == null ? null : ClassUtils.getUserClass(type);
    }

    private static Optional<Method> unguarded(@Nullable Class<?> type, boolean onlyScheduled) {
        if (type == null || OTHERS.stream().anyMatch(type.getName()::startsWith) || isJob(type)) {
            return Optional.empty();
        }
        return GuardedPlacement.methods(type).stream()
                .filter(method -> !onlyScheduled || isScheduled(method))
                .findFirst();
    }

    private static boolean isJob(Class<?> type) {
        return ClassUtils.getAllInterfacesForClassAsSet(type).stream().anyMatch(each -> JOBS.contains(each.getName()));
    }

    private static boolean isScheduled(Method method) {
        return AnnotatedElementUtils.hasAnnotation(method, Scheduled.class)
                || AnnotatedElementUtils.hasAnnotation(method, Schedules.class);
    }

    private static void tell(String bean, Method method) {
        LOG.warn(
                "@Guarded on {}.{} of bean '{}' guards NOTHING: bean methods are guarded by hapax-spring-boot-starter, which is not on the"
                        + " class path. Add io.hapax:hapax-spring-boot-starter, or call JobGuard.run in the method and"
                        + " leave the annotation out",
                method.getDeclaringClass().getSimpleName(),
                method.getName(),
                bean);
    }
}
