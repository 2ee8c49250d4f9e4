package io.hapax.quartz;

import java.util.Properties;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SchedulerMetaData;
import org.quartz.simpl.RAMJobStore;
import org.quartz.simpl.SimpleThreadPool;

/** The scheduler of the histories: in memory, but it says that its store is shared. */
final class HistoryScheduler {

    static final String NAME = "histories";

    private HistoryScheduler() {}

    /** Something that the store may refuse. */
    @FunctionalInterface
    interface Step<T> {
        T take() throws SchedulerException;
    }

    static <T> T quietly(Step<T> step) {
        try {
            return step.take();
        } catch (SchedulerException e) {
            throw new IllegalStateException(e);
        }
    }

    /** One for all histories, which never starts. */
    static Scheduler inMemory() throws SchedulerException {
        Properties properties = new Properties();
        properties.setProperty("org.quartz.scheduler.instanceName", NAME);
        properties.setProperty("org.quartz.scheduler.skipUpdateCheck", "true");
        properties.setProperty("org.quartz.threadPool.class", SimpleThreadPool.class.getName());
        properties.setProperty("org.quartz.threadPool.threadCount", "1");
        return Fleet.create(properties);
    }

    static SchedulerMetaData shared() {
        return new SchedulerMetaData(
                NAME,
                "one",
                Scheduler.class,
                false,
                false,
                true,
                false,
                null,
                0,
                RAMJobStore.class,
                true,
                true,
                SimpleThreadPool.class,
                1,
                "");
    }
}
