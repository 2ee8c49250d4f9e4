package io.hapax.quartz;

import java.lang.reflect.Field;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.core.QuartzScheduler;
import org.quartz.impl.StdScheduler;
import org.quartz.spi.JobFactory;

/**
 * The job factory of a scheduler, to be read and replaced.
 *
 * <p>{@link Scheduler} can set its job factory but not tell it; the object behind it can do both.
 */
final class SchedulerCore {

    private static final String FIELD = "sched";

    private final QuartzScheduler core;

    private SchedulerCore(QuartzScheduler core) {
        this.core = core;
    }

    static SchedulerCore of(Scheduler scheduler) throws SchedulerException {
        if (!(scheduler instanceof StdScheduler)) {
            throw new SchedulerException("Hapax guards schedulers of the class " + StdScheduler.class.getName()
                    + ", but this one is a " + scheduler.getClass().getName()
                    + "; install the plugin in the process that executes the jobs, on the scheduler itself");
        }
        try {
            Field field = StdScheduler.class.getDeclaredField(FIELD);
            field.setAccessible(true);
            return new SchedulerCore((QuartzScheduler) field.get(scheduler));
        } catch (ReflectiveOperationException | RuntimeException e) {
            throw new SchedulerException(
                    "Hapax must read the field " + StdScheduler.class.getName() + "." + FIELD
                            + " to wrap the job factory, but cannot; in a native image register it for reflection, "
                            + "with modules open the package org.quartz.impl of org.quartz",
                    e);
        }
    }

    void wrap(Gate gate) {
        try {
            core.setJobFactory(new GuardedJobFactory(factory(), gate));
        } catch (SchedulerException onlyForNull) {
            throw new IllegalStateException(onlyForNull);
        }
    }

    JobFactory factory() {
        return core.getJobFactory();
    }

    boolean isWrapped() {
        return factory() instanceof GuardedJobFactory;
    }
}
