package io.hapax.quartz;

import io.hapax.lease.VisibleText;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.quartz.CalendarIntervalTrigger;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SimpleTrigger;
import org.quartz.Trigger;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;
import org.quartz.listeners.SchedulerListenerSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Warns about triggers whose firings cannot be recognised on another replica. Says each thing once a job. */
final class TriggerAdvice extends SchedulerListenerSupport {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");
    // What Quartz makes up for triggers and jobs without a name: a piece of a UUID and a UUID.
    private static final Pattern GENERATED = Pattern.compile("[0-9a-f]{12}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    private static final int MOST_AT_START = 200;
    private static final int MOST_TOLD = 1000;

    private final boolean sharedStore;
    private final Set<String> told = ConcurrentHashMap.newKeySet();

    TriggerAdvice(boolean sharedStore) {
        this.sharedStore = sharedStore;
    }

    /** Looks at the triggers that are there when the scheduler starts. */
    void lookAt(Scheduler scheduler) throws SchedulerException {
        for (TriggerKey key : scheduler.getTriggerKeys(GroupMatcher.anyGroup()).stream()
                .limit(MOST_AT_START)
                .toList()) {
            Trigger trigger = scheduler.getTrigger(key);
            if (trigger != null) {
                jobScheduled(trigger);
            }
        }
    }

    @Override
    public void jobScheduled(Trigger trigger) {
        try {
            String advice = advice(trigger);
            String job = String.valueOf(trigger.getJobKey());
            if (advice != null && told.size() < MOST_TOLD && told.add(job + advice)) {
                LOG.warn(
                        "job {}: trigger {} {}",
                        VisibleText.of(job),
                        VisibleText.of(trigger.getKey().toString()),
                        advice);
            }
        } catch (RuntimeException harmless) {
            LOG.debug("no advice on {}", VisibleText.of(String.valueOf(trigger)), harmless);
        }
    }

    private @Nullable String advice(Trigger trigger) {
        String group = trigger.getKey().getGroup();
        String name = trigger.getKey().getName();
        if (group.equals(RetryTriggers.GROUP)
                || group.equals(Scheduler.DEFAULT_RECOVERY_GROUP)
                || name.startsWith(FiringIdentity.MANUAL_TRIGGER)) {
            return null;
        }
        boolean recurs = !(trigger instanceof SimpleTrigger simple && simple.getRepeatCount() == 0);
        if (isGenerated(name) || isGenerated(trigger.getJobKey().getName())) {
            return sharedStore && !recurs
                    ? null
                    : "or its job has a generated name, which is another one on each replica and after each restart, so duplicates are not recognised; give both a name with withIdentity(name, group)";
        }
        return sharedStore ? null : floats(trigger);
    }

    private static @Nullable String floats(Trigger trigger) {
        if (FiringIdentity.floatingInterval(trigger) != null) {
            return null;
        }
        boolean floats = trigger instanceof CalendarIntervalTrigger
                || (trigger instanceof SimpleTrigger simple && simple.getRepeatCount() > 0);
        return floats
                ? "counts from its start: if that is not the same instant on every replica (startAt with a fixed time, not startNow), duplicates are not recognised; a cron trigger is safe"
                : null;
    }

    private static boolean isGenerated(String name) {
        return GENERATED.matcher(name).matches();
    }
}
