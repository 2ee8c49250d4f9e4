package io.hapax.spring;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanClassLoaderAware;
import org.springframework.boot.context.event.ApplicationStartedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.core.Ordered;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.annotation.SchedulingConfigurer;
import org.springframework.scheduling.config.ScheduledTaskRegistrar;

/** Puts the guard in front of the schedulers of {@code @Scheduled} methods, and of the tasks of other configurers, after these. */
final class GuardedScheduling
        implements SchedulingConfigurer, Ordered, BeanClassLoaderAware, ApplicationListener<ApplicationStartedEvent> {

    private final BooleanSupplier isNeeded;
    private final BooleanSupplier isStopping;
    private @Nullable ClassLoader classes;
    private volatile @Nullable ScheduledTaskRegistrar tasks;
    private volatile @Nullable TaskScheduler planning;

    /**
     * @param isNeeded whether there are guarded methods that are scheduled
     * @param isStopping whether the application stops
     */
    GuardedScheduling(BooleanSupplier isNeeded, BooleanSupplier isStopping) {
        this.isNeeded = isNeeded;
        this.isStopping = isStopping;
    }

    @Override
    public void setBeanClassLoader(ClassLoader loader) {
        classes = loader;
    }

    @Override
    public int getOrder() {
        return LOWEST_PRECEDENCE;
    }

    @Override
    public void configureTasks(ScheduledTaskRegistrar registrar) {
        TaskScheduler scheduler = registrar.getScheduler();
        if (scheduler != null) {
            TaskScheduler planned = new PlanningScheduler(scheduler, System::nanoTime, classes, isStopping);
            registrar.setTaskScheduler(planned);
            tasks = registrar;
            planning = planned;
        }
    }

    /** Refuses a configurer that comes after this one. */
    @Override
    public void onApplicationEvent(ApplicationStartedEvent started) {
        ScheduledTaskRegistrar registrar = tasks;
        if (registrar != null && registrar.getScheduler() != planning && isNeeded.getAsBoolean()) {
            throw new InvalidSettingException(
                    "@Scheduled with @Guarded",
                    "a SchedulingConfigurer has set another scheduler after the guard was put in front of it, so firings do not"
                            + " tell when they were planned",
                    "Let that configurer come earlier, by @Order or as a bean of the application",
                    null);
        }
    }
}
