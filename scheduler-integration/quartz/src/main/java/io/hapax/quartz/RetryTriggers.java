package io.hapax.quartz;

import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.policy.KeyPath;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.quartz.DateBuilder;
import org.quartz.DateBuilder.IntervalUnit;
import org.quartz.JobDataMap;
import org.quartz.JobExecutionContext;
import org.quartz.ObjectAlreadyExistsException;
import org.quartz.SchedulerException;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tries a refused firing again later, by a one-off trigger that carries the identity of the firing.
 *
 * <p>The trigger's name follows from the firing and the attempt, so replicas that share a job store make one of it.
 * Everything in its data map is text, as job stores with {@code useProperties} demand.
 */
final class RetryTriggers {

    static final String GROUP = "hapax-retry";

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");
    private static final String RUN_KEY = "hapax.retry.runKey";
    private static final String ATTEMPT = "hapax.retry.attempt";
    private static final String RETENTION = "hapax.retry.retention";
    private static final Duration LONGEST_BACKOFF = Duration.ofMinutes(1);
    // Quartz's tables have room for 200 characters.
    private static final int NAME_BYTES = 180;
    private static final int LARGEST_SHIFT = 10;

    private final Duration delay;
    private final int maxRetries;

    RetryTriggers(Duration delay, int maxRetries) {
        this.delay = delay;
        this.maxRetries = maxRetries;
    }

    static boolean isOwn(String dataKey) {
        return dataKey.equals(RUN_KEY)
                || dataKey.equals(ATTEMPT)
                || dataKey.equals(RETENTION)
                || dataKey.equals(JobSettings.QUEUED);
    }

    static @Nullable String runKey(Trigger trigger) {
        return trigger.getJobDataMap().getString(RUN_KEY);
    }

    /** How long the firing has to be remembered; null if this is its first attempt. */
    static @Nullable Duration retention(Trigger trigger) {
        String retention = trigger.getJobDataMap().getString(RETENTION);
        return retention == null ? null : Duration.parse(retention);
    }

    static int attempt(Trigger trigger) {
        String attempt = trigger.getJobDataMap().getString(ATTEMPT);
        return attempt == null ? 0 : Integer.parseInt(attempt);
    }

    /**
     * Schedules the next attempt at a firing.
     *
     * @return what was done, for people
     */
    String schedule(JobExecutionContext context, FiringPlan plan, Refusal refusal) {
        if (plan.attempt() >= maxRetries) {
            LOG.error(
                    "GIVEN UP: job {} [{}] was refused {} times, maxRetries is {}; its work is not done. Last refusal: {}",
                    plan.job(),
                    plan.identity(),
                    plan.attempt() + 1,
                    maxRetries,
                    refusal);
            return "given up after " + maxRetries + " retries";
        }
        Duration wait = jittered(wait(plan.attempt(), refusal));
        try {
            context.getScheduler().scheduleJob(trigger(context, plan, wait));
        } catch (ObjectAlreadyExistsException anotherReplicaWasFaster) {
            return "is tried again by another replica";
        } catch (SchedulerException | RuntimeException e) {
            LOG.error(
                    "LOST: job {} [{}] was refused and could not be scheduled for a retry; its work is not done. {}",
                    plan.job(),
                    plan.identity(),
                    refusal,
                    e);
            return "could not be scheduled for a retry";
        }
        LOG.debug("job {} [{}] is tried again in {}", plan.job(), plan.identity(), wait);
        return "is tried again in " + wait.toMillis() + "ms";
    }

    private Trigger trigger(JobExecutionContext context, FiringPlan plan, Duration wait) {
        int attempt = plan.attempt() + 1;
        JobDataMap data = new JobDataMap();
        data.putAll(context.getTrigger().getJobDataMap());
        data.put(RUN_KEY, plan.runKey());
        data.put(ATTEMPT, String.valueOf(attempt));
        data.put(RETENTION, plan.options().retention().toString());
        return TriggerBuilder.newTrigger()
                .withIdentity(new TriggerKey(KeyPath.bounded(plan.runKey(), NAME_BYTES) + "#" + attempt, GROUP))
                .forJob(context.getJobDetail().getKey())
                .withPriority(context.getTrigger().getPriority())
                .usingJobData(data)
                .startAt(DateBuilder.futureDate((int) wait.toMillis(), IntervalUnit.MILLISECOND))
                .withSchedule(SimpleScheduleBuilder.simpleSchedule().withMisfireHandlingInstructionFireNow())
                .build();
    }

    /**
     * A key that another run holds may become free at any moment; this very run elsewhere, or a store that cannot tell,
     * is worth asking again only when the lease can have ended.
     */
    private Duration wait(int attempt, Refusal refusal) {
        Duration longest = LONGEST_BACKOFF.compareTo(delay) > 0 ? LONGEST_BACKOFF : delay;
        Duration backoff = delay.multipliedBy(1L << Math.min(attempt, LARGEST_SHIFT));
        Duration bounded = backoff.compareTo(longest) > 0 ? longest : backoff;
        boolean onlyLater = refusal.verdict() != Verdict.OVERLAP;
        return onlyLater && refusal.retryAfter().compareTo(bounded) > 0 ? refusal.retryAfter() : bounded;
    }

    private static Duration jittered(Duration wait) {
        long millis = Math.min(Math.max(wait.toMillis(), 1), Duration.ofDays(1).toMillis());
        return Duration.ofMillis(millis + ThreadLocalRandom.current().nextLong(millis / 5 + 1));
    }
}
