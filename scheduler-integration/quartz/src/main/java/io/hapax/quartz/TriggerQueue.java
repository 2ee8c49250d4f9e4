package io.hapax.quartz;

import io.hapax.JobQueue;
import io.hapax.lease.OwnerId;
import io.hapax.policy.KeyPath;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerKey;
import org.quartz.impl.matchers.GroupMatcher;

/**
 * The triggers of one scheduler that were scheduled as unique, by the ids that their places have. An id names the trigger and
 * the ask, since the name of a trigger may be used again. A store in memory knows the triggers of its own scheduler only, so
 * that is named, too. Thread-safe.
 */
final class TriggerQueue implements JobQueue {

    /** Leaves room for what stands behind the names. */
    private static final int NAME_BYTES = 900;

    private static final int NAMES = 3;
    /** During a look one trigger may take the place of another. */
    private static final int LOOKS = 2;

    /** Where triggers take the place of others. */
    private static final List<String> GROUPS = List.of(RetryTriggers.GROUP, Scheduler.DEFAULT_RECOVERY_GROUP);

    private final Scheduler scheduler;
    private final String name;
    private final String ending;

    TriggerQueue(Scheduler scheduler) throws SchedulerException {
        this.scheduler = scheduler;
        this.name = scheduler.getSchedulerName();
        this.ending = scheduler.getMetaData().isJobStoreSupportsPersistence() ? "" : "/" + OwnerId.random();
    }

    /** The id of a place for a trigger that is about to be scheduled. */
    String newId(Trigger trigger) {
        String names =
                KeyPath.of(name, trigger.getKey().getGroup(), trigger.getKey().getName());
        return KeyPath.bounded(names, NAME_BYTES) + "/" + OwnerId.random() + ending;
    }

    @Override
    public Fate fateOf(String id) {
        TriggerKey key = keyIn(id);
        if (key == null) {
            return Fate.UNKNOWN;
        }
        try {
            for (int look = 0; look < LOOKS; look++) {
                if (isThere(id, key)) {
                    return Fate.PRESENT;
                }
            }
            return Fate.MISSING;
        } catch (SchedulerException away) {
            return Fate.UNKNOWN;
        }
    }

    /** The trigger that an id of this queue names; null if it is not of this queue, or its names were too long. */
    private @Nullable TriggerKey keyIn(String id) {
        List<String> parts = KeyPath.parts(id);
        boolean isShortened = id.contains("~");
        boolean ours = !isShortened
                && parts.size() == (ending.isEmpty() ? NAMES + 1 : NAMES + 2)
                && parts.get(0).equals(name)
                && id.endsWith(ending);
        return ours ? TriggerKey.triggerKey(parts.get(2), parts.get(1)) : null;
    }

    private boolean isThere(String id, TriggerKey key) throws SchedulerException {
        if (isOf(id, scheduler.getTrigger(key))) {
            return true;
        }
        for (String group : GROUPS) {
            for (TriggerKey other : scheduler.getTriggerKeys(GroupMatcher.triggerGroupEquals(group))) {
                if (isOf(id, scheduler.getTrigger(other))) {
                    return true;
                }
            }
        }
        for (JobExecutionContext executing : scheduler.getCurrentlyExecutingJobs()) {
            // The trigger of a guarded firing has lost what we keep with it.
            if (id.equals(Kept.of(executing).queuedAs())) {
                return true;
            }
        }
        return false;
    }

    private static boolean isOf(String id, @Nullable Trigger trigger) {
        return trigger != null && id.equals(trigger.getJobDataMap().get(JobSettings.QUEUED));
    }
}
