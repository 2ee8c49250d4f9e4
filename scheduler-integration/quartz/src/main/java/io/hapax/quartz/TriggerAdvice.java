package io.hapax.quartz;

import io.hapax.lease.VisibleText;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.quartz.CalendarIntervalTrigger;
import org.quartz.JobDataMap;
import org.quartz.JobDetail;
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
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class TriggerAdvice extends SchedulerListenerSupport {

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");
    // What Quartz makes up for triggers and jobs without a name: a piece of a UUID and a UUID.
    private static final Pattern GENERATED = Pattern.compile("[0-9a-f]{12}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    // What Scheduler.triggerJob makes up: nobody is warned of a firing by hand. Nothing but this warning depends on it.
    private static final Pattern BY_HAND = Pattern.compile("MT_[0-9a-z]{1,13}");
    private static final int MOST_AT_START = 200;
    private static final int MOST_TOLD = 1000;

    private final Scheduler scheduler;
    private final FiringIdentity identities;
    private final boolean sharedStore;
    private final Set<String> told = ConcurrentHashMap.newKeySet();

    TriggerAdvice(Scheduler scheduler, FiringIdentity identities) throws SchedulerException {
        this.scheduler = scheduler;
        this.identities = identities;
        this.sharedStore = scheduler.getMetaData().isJobStoreClustered();
    }

    /** Looks at the triggers that are there when the scheduler starts. */
    void lookAtAll() throws SchedulerException {
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
            String advice = told.size() < MOST_TOLD ? advice(trigger) : null;
            String job = String.valueOf(trigger.getJobKey());
            if (advice != null && told.add(job + advice)) {
                LOG.warn(
                        "job {}: trigger {} {}",
                        VisibleText.of(job),
                        VisibleText.of(trigger.getKey().toString()),
                        advice);
            }
        } catch (SchedulerException | RuntimeException harmless) {
            LOG.debug("no advice on {}", VisibleText.of(String.valueOf(trigger)), harmless);
        }
    }

    private @Nullable String advice(Trigger trigger) throws SchedulerException {
        if (Kept.of(trigger).runKey() != null || FiringIdentity.isRecovery(trigger)) {
            return null;
        }
        boolean once = trigger instanceof SimpleTrigger simple && simple.getRepeatCount() == 0;
        boolean generated = isGenerated(trigger.getKey().getName())
                || isGenerated(trigger.getJobKey().getName());
        if (sharedStore && (once || !generated)) {
            return null;
        }
        JobDetail job = scheduler.getJobDetail(trigger.getJobKey());
        JobDataMap data = job == null ? new JobDataMap() : new JobDataMap(job.getJobDataMap());
        data.putAll(trigger.getJobDataMap());
        if (saysWhatIsDoneOnce(job, data)) {
            return null;
        }
        if (generated) {
            return "or its job has a generated name, which is another one on each replica and after each restart, so duplicates are not recognised; give both a name with withIdentity(name, group)";
        }
        if (once) {
            return startsAnywhen(trigger);
        }
        return identities.interval(trigger, data) == null ? null : floats(trigger);
    }

    private static boolean saysWhatIsDoneOnce(@Nullable JobDetail job, JobDataMap data) {
        return data.containsKey(JobSettings.RUN_KEY)
                || data.containsKey(JobSettings.QUEUED)
                || (job != null
                        && JobSettings.annotations(job.getJobClass()).stream()
                                .anyMatch(guarded -> !guarded.once().isEmpty()));
    }

    /** A fixed time is a whole second; what starts now, or in a while, does not. */
    private static @Nullable String startsAnywhen(Trigger trigger) {
        boolean isFixed = trigger.getStartTime().getTime() % 1000 == 0;
        return isFixed || BY_HAND.matcher(trigger.getKey().getName()).matches()
                ? null
                : "fires once, at a time that is hardly the same on another replica: if more than one schedules it, each runs it. Set hapax.runKey in its data to what is to be done once, or give it a fixed time with startAt";
    }

    private static @Nullable String floats(Trigger trigger) {
        boolean isLong = trigger instanceof CalendarIntervalTrigger calendar
                && switch (calendar.getRepeatIntervalUnit()) {
                    case DAY, WEEK, MONTH, YEAR -> true;
                    default -> false;
                };
        boolean isFinite = trigger instanceof SimpleTrigger simple && simple.getRepeatCount() > 0;
        return isLong || isFinite
                ? "counts from its start, so it runs once in each interval of the wall clock; if each replica starts it at the same instant (startAt with a fixed time, not startNow), set fixedStart = true, and it runs once for each planned time"
                : null;
    }

    private static boolean isGenerated(String name) {
        return GENERATED.matcher(name).matches();
    }
}
