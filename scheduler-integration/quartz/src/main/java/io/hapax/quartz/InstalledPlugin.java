package io.hapax.quartz;

import java.util.Optional;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.listeners.SchedulerListenerSupport;

/** The mark of a guarded scheduler: among its listeners, and not in its context, which job factories set as properties of jobs. */
final class InstalledPlugin extends SchedulerListenerSupport {

    private final HapaxPlugin plugin;

    InstalledPlugin(HapaxPlugin plugin) {
        this.plugin = plugin;
    }

    static Optional<HapaxPlugin> of(Scheduler scheduler) throws SchedulerException {
        return scheduler.getListenerManager().getSchedulerListeners().stream()
                .filter(InstalledPlugin.class::isInstance)
                .map(listener -> ((InstalledPlugin) listener).plugin)
                .findFirst();
    }
}
