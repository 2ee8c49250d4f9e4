package io.hapax.quartz;

import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.quartz.JobDataMap;
import org.quartz.JobExecutionContext;
import org.quartz.Scheduler;
import org.quartz.Trigger;
import org.quartz.TriggerKey;

/**
 * What we keep with a trigger: entries of its data in the job store, where each node and each later plugin finds them. They are
 * taken off a trigger that fires, before a job factory or a job sees it.
 *
 * <p>Everything is text, as job stores with {@code useProperties} demand. What is kept for a retry names the start of the trigger
 * that it was made for: a trigger that a user makes out of that one inherits nothing. Immutable.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
record Kept(Map<String, String> entries) {

    static final Kept NOTHING = new Kept(Map.of());

    private static final String RETRY = JobSettings.PREFIX + "retry.";
    private static final String RUN_KEY = RETRY + "runKey";
    private static final String ATTEMPT = RETRY + "attempt";
    private static final String RETENTION = RETRY + "retention";
    private static final String START = RETRY + "start";
    private static final String PARENT_NAME = RETRY + "parent.name";
    private static final String PARENT_GROUP = RETRY + "parent.group";
    private static final String PARENT_NEXT = RETRY + "parent.next";
    private static final String PARENT_END = RETRY + "parent.end";
    private static final String REMEMBERED = RETRY + "remembered";

    static boolean isOwn(String dataKey) {
        return dataKey.startsWith(RETRY)
                || dataKey.equals(JobSettings.QUEUED)
                || dataKey.equals(Misfires.FIRST_PLANNED);
    }

    /** What is kept with the trigger of a firing. */
    static Kept of(JobExecutionContext context) {
        // Without our wrapper nobody has taken it off.
        return context.getJobInstance() instanceof GuardedJob guarded ? guarded.kept() : of(context.getTrigger());
    }

    static Kept of(Trigger trigger) {
        JobDataMap data = trigger.getJobDataMap();
        Map<String, String> entries = new HashMap<>();
        for (String key : data.getKeys()) {
            if (isOwn(key)) {
                entries.put(key, String.valueOf(data.get(key)));
            }
        }
        if (entries.isEmpty()) {
            return NOTHING;
        }
        if (!isMadeFor(trigger, number(entries.get(START)))) {
            entries.keySet().removeIf(key -> key.startsWith(RETRY));
        }
        return new Kept(Map.copyOf(entries));
    }

    private static boolean isMadeFor(Trigger trigger, @Nullable Long start) {
        if (start == null) {
            return false;
        }
        if (trigger.getStartTime().getTime() == start) {
            return true;
        }
        if (!FiringIdentity.isRecovery(trigger)) {
            return false;
        }
        // It has the data that the trigger of the lost firing had when the loss was noticed: perhaps those of a later
        // firing.
        Long scheduled = number(trigger.getJobDataMap()
                .getString(Scheduler.FAILED_JOB_ORIGINAL_TRIGGER_SCHEDULED_FIRETIME_IN_MILLISECONDS));
        return scheduled != null && start <= scheduled;
    }

    /** Never throws: jobs are made on the scheduler's thread. */
    private static @Nullable Long number(@Nullable String text) {
        try {
            return text == null ? null : Long.valueOf(text);
        } catch (NumberFormatException notOurs) {
            return null;
        }
    }

    /** Takes everything of ours off a trigger that fires; the job store has its own copy. */
    static Kept takeOff(Trigger trigger) {
        Kept kept = of(trigger);
        JobDataMap data = trigger.getJobDataMap();
        Stream.of(data.getKeys()).filter(Kept::isOwn).forEach(data::remove);
        return kept;
    }

    /** What is kept for the next attempt at a firing, without the start of its trigger. */
    Kept with(FiringPlan plan, int attempt) {
        Map<String, String> next = new HashMap<>(entries);
        next.put(RUN_KEY, plan.runKey());
        next.put(ATTEMPT, String.valueOf(attempt));
        next.put(RETENTION, plan.options().retention().toString());
        return new Kept(Map.copyOf(next));
    }

    /**
     * Says whose firing waits.
     *
     * @param end from when on the parent may have come to its end by itself; null if it never does
     * @param remembered how long those who have run the firing surely remember it
     */
    Kept waitingFor(Trigger parent, @Nullable Date end, Instant remembered) {
        Map<String, String> next = new HashMap<>(entries);
        next.put(PARENT_NAME, parent.getKey().getName());
        next.put(PARENT_GROUP, parent.getKey().getGroup());
        next.put(PARENT_NEXT, String.valueOf(parent.getNextFireTime().getTime()));
        if (end != null) {
            next.put(PARENT_END, String.valueOf(end.getTime()));
        }
        next.put(REMEMBERED, String.valueOf(remembered.toEpochMilli()));
        return new Kept(Map.copyOf(next));
    }

    /** Says that nobody had run the firing a moment ago, so that the one that runs it remembers it for longer. */
    Kept remembered(Instant until) {
        Map<String, String> next = new HashMap<>(entries);
        next.put(REMEMBERED, String.valueOf(until.toEpochMilli()));
        return new Kept(Map.copyOf(next));
    }

    /** Says that the firing also stands for others that were skipped on its account. */
    Kept standingForAllBefore(Date parentFiresNext) {
        Map<String, String> next = new HashMap<>(entries);
        next.put(PARENT_NEXT, String.valueOf(parentFiresNext.getTime()));
        return new Kept(Map.copyOf(next));
    }

    /** The data of a trigger that keeps this. */
    JobDataMap into(JobDataMap users, Date start) {
        JobDataMap data = new JobDataMap();
        data.putAll(users);
        data.putAll(entries);
        data.put(START, String.valueOf(start.getTime()));
        return data;
    }

    /** The run key of a firing that is tried again; null if this is its first attempt. */
    @Nullable
    String runKey() {
        return entries.get(RUN_KEY);
    }

    int attempt() {
        Long attempt = number(entries.get(ATTEMPT));
        return attempt == null ? 0 : attempt.intValue();
    }

    /** How long the firing has to be remembered; null if this is its first attempt. */
    @Nullable
    Duration retention() {
        String retention = entries.get(RETENTION);
        return retention == null ? null : Duration.parse(retention);
    }

    /** The recurring trigger whose firing waits under a trigger of ours; null if the trigger is the user's. */
    @Nullable
    TriggerKey parent() {
        String name = entries.get(PARENT_NAME);
        return name == null ? null : new TriggerKey(name, entries.get(PARENT_GROUP));
    }

    /**
     * Until when a waiting firing is worth trying: then its trigger fires again, or another replica may have forgotten that it has
     * run it.
     */
    @Nullable
    Instant worthTryingUntil() {
        Instant next = parentFiresNext();
        Instant remembered = rememberedUntil();
        return next == null || remembered == null || next.isBefore(remembered) ? next : remembered;
    }

    /** When that trigger fires again. */
    @Nullable
    Instant parentFiresNext() {
        Long next = number(entries.get(PARENT_NEXT));
        return next == null ? null : Instant.ofEpochMilli(next);
    }

    /** Until when those who have run the firing surely remember it; null if this is its first attempt. */
    @Nullable
    Instant rememberedUntil() {
        Long until = number(entries.get(REMEMBERED));
        return until == null ? null : Instant.ofEpochMilli(until);
    }

    /** Whether that trigger, if it is gone, may have come to its own end, and was not unscheduled. */
    boolean parentMayHaveEnded(Date now) {
        Long end = number(entries.get(PARENT_END));
        return end != null && now.getTime() >= end;
    }

    /** Under which id the trigger has a place in the queue. */
    @Nullable
    String queuedAs() {
        return entries.get(JobSettings.QUEUED);
    }

    /** What {@link Misfires} has noted. */
    @Nullable
    String firstPlanned() {
        return entries.get(Misfires.FIRST_PLANNED);
    }
}
