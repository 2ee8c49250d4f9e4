package io.hapax.quartz;

import io.hapax.OnConflict;
import io.hapax.event.Refusal;
import io.hapax.event.Verdict;
import io.hapax.lease.VisibleText;
import io.hapax.policy.KeyPath;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.quartz.Calendar;
import org.quartz.JobExecutionContext;
import org.quartz.JobKey;
import org.quartz.ObjectAlreadyExistsException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.SimpleScheduleBuilder;
import org.quartz.SimpleTrigger;
import org.quartz.Trigger;
import org.quartz.Trigger.TriggerState;
import org.quartz.TriggerBuilder;
import org.quartz.TriggerKey;
import org.quartz.spi.OperableTrigger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tries a refused firing again later.
 *
 * <p>A trigger that does not fire again is rescheduled, so that it stays the user's: it can be seen, paused, unscheduled, and
 * rescheduled by its own job. The firing of a recurring one waits under a one-off trigger of ours, which asks for its
 * parent before it does anything. Its name follows from the firing, or from the parent if one firing at a time waits, so
 * replicas that share a job store make one of it.
 */
// Dates are what Quartz speaks.
@SuppressWarnings("JavaUtilDate")
final class RetryTriggers {

    static final String GROUP = "hapax-retry";

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.quartz");
    private static final Duration LONGEST_BACKOFF = Duration.ofMinutes(1);
    private static final Duration LONGEST_TURN = Duration.ofSeconds(3);
    private static final int SOON_ATTEMPTS = 30;
    // Quartz's tables have room for 200 characters.
    private static final int NAME_BYTES = 180;
    private static final int LARGEST_SHIFT = 10;

    private final Duration delay;
    private final int maxRetries;
    private final InstantSource clock;
    private final LongUnaryOperator below;
    private final Replacements replacements = new Replacements(Ticker.SYSTEM);

    /** @param below a random number from zero to below its argument */
    RetryTriggers(Duration delay, int maxRetries, InstantSource clock, LongUnaryOperator below) {
        this.delay = delay;
        this.maxRetries = maxRetries;
        this.clock = clock;
        this.below = below;
    }

    /** Learns what is said of triggers while they are replaced. */
    Replacements replacements() {
        return replacements;
    }

    /**
     * What became of a refused firing.
     *
     * @param comesAgain whether somebody tries it again
     * @param told what was done, for display
     */
    record Next(boolean comesAgain, String told) {}

    /** Schedules the next attempt at a firing. */
    Next schedule(JobExecutionContext context, FiringPlan plan, Refusal refusal) {
        if (plan.attempt() >= maxRetries) {
            LOG.error(
                    "GIVEN UP: job {} [{}] was refused {} times, maxRetries is {}; its work is not done. Last refusal: {}",
                    plan.job(),
                    plan.identity(),
                    plan.attempt() + 1,
                    maxRetries,
                    refusal);
            return new Next(false, "given up after " + maxRetries + " retries");
        }
        Duration wait = jittered(wait(plan.attempt(), refusal));
        try {
            return context.getTrigger().getNextFireTime() == null
                    ? underItsOwnKey(context, kept(context, plan, refusal), plan, wait)
                    : besideItsTrigger(context, plan, refusal, wait);
        } catch (SchedulerException | RuntimeException e) {
            LOG.error(
                    "LOST: job {} [{}] was refused and could not be scheduled for a retry; its work is not done. {}",
                    plan.job(),
                    plan.identity(),
                    refusal,
                    e);
            return new Next(false, "could not be scheduled for a retry");
        }
    }

    private Kept kept(JobExecutionContext context, FiringPlan plan, Refusal refusal) throws SchedulerException {
        Kept kept = Kept.of(context).with(plan, plan.attempt() + 1);
        TriggerKey parent = kept.parent();
        if (parent == null || refusal.verdict() == Verdict.UNAVAILABLE) {
            return kept;
        }
        // Looks for the run that has run it first of all.
        kept = kept.remembered(clock.instant().plus(plan.options().retention()));
        if (refusal.verdict() != Verdict.OVERLAP) {
            return kept;
        }
        Trigger found = context.getScheduler().getTrigger(parent);
        Date next = found == null ? null : found.getNextFireTime();
        return next == null ? kept : kept.standingForAllBefore(next);
    }

    private Next underItsOwnKey(JobExecutionContext context, Kept kept, FiringPlan plan, Duration wait)
            throws SchedulerException {
        try (Replacements.Replacement replacement = replacements.begin(context.getTrigger(), context.getScheduler())) {
            return underItsOwnKey(context, kept, plan, wait, replacement);
        }
    }

    private Next underItsOwnKey(
            JobExecutionContext context,
            Kept kept,
            FiringPlan plan,
            Duration wait,
            Replacements.Replacement replacement)
            throws SchedulerException {
        Scheduler scheduler = context.getScheduler();
        Trigger fired = context.getTrigger();
        Trigger stored = scheduler.getTrigger(fired.getKey());
        // It has been done with it, and wants what it has said last: the next link of a chain, or nothing.
        boolean isTheSame = stored != null
                && stored.getNextFireTime() == null
                && stored.getStartTime().getTime() == fired.getStartTime().getTime();
        boolean isPaused = isTheSame && scheduler.getTriggerState(fired.getKey()) == TriggerState.PAUSED;
        Date start = in(wait);
        if (!isTheSame || scheduler.rescheduleJob(fired.getKey(), again(context, kept, start)) == null) {
            LOG.info(
                    "job {} [{}] was refused and is not tried again: its trigger {} was unscheduled or rescheduled meanwhile",
                    plan.job(),
                    plan.identity(),
                    name(fired.getKey()));
            return new Next(false, "is not tried again, as its trigger was unscheduled or rescheduled meanwhile");
        }
        // Else Quartz would tell its listeners that the trigger has come to its end.
        ((OperableTrigger) fired).setNextFireTime(start);
        try {
            // Quartz forgets with the trigger that it replaces that somebody has paused it since it has fired.
            replacement.sayAgain(isPaused);
        } catch (SchedulerException e) {
            LOG.warn(
                    "job {} [{}] is tried again, but somebody has paused or resumed its trigger {} meanwhile, which could not be said again of"
                            + " the next attempt: look whether it is as it should be, and pause or resume it once more",
                    plan.job(),
                    plan.identity(),
                    name(fired.getKey()),
                    e);
        }
        return triedAgain(plan, wait);
    }

    /** The user's trigger, but for its time. */
    private static Trigger again(JobExecutionContext context, Kept kept, Date start) {
        Trigger fired = context.getTrigger();
        Calendar calendar = context.getCalendar();
        boolean isIncluded = calendar != null && calendar.isTimeIncluded(start.getTime());
        Date end = fired.getEndTime();
        return TriggerBuilder.newTrigger()
                .withIdentity(fired.getKey())
                .withDescription(fired.getDescription())
                .withPriority(fired.getPriority())
                .forJob(fired.getJobKey())
                // Both are about when it is due, and it was: with them, a late retry would never fire.
                .modifiedByCalendar(isIncluded ? fired.getCalendarName() : null)
                .endAt(end == null || !end.after(start) ? null : end)
                .usingJobData(kept.into(fired.getJobDataMap(), start))
                .startAt(start)
                .withSchedule(SimpleScheduleBuilder.simpleSchedule().withMisfireHandlingInstructionFireNow())
                .build();
    }

    private Next besideItsTrigger(JobExecutionContext context, FiringPlan plan, Refusal refusal, Duration wait)
            throws SchedulerException {
        Trigger fired = context.getTrigger();
        boolean onlyOne = refusal.verdict() == Verdict.OVERLAP && plan.options().onConflict() == OnConflict.AUTO;
        Date start = in(wait);
        Kept kept = Kept.of(context)
                .with(plan, plan.attempt() + 1)
                .waitingFor(
                        fired,
                        end(fired, context.getCalendar(), context.getFireTime()),
                        rememberedSince(context, refusal).plus(plan.options().retention()));
        Trigger retry = TriggerBuilder.newTrigger()
                .withIdentity(onlyOne ? turn(fired) : KeyPath.bounded(plan.runKey(), NAME_BYTES), GROUP)
                .withPriority(fired.getPriority())
                .forJob(fired.getJobKey())
                .usingJobData(kept.into(fired.getJobDataMap(), start))
                .startAt(start)
                .withSchedule(SimpleScheduleBuilder.simpleSchedule().withMisfireHandlingInstructionFireNow())
                .build();
        try {
            context.getScheduler().scheduleJob(retry);
        } catch (ObjectAlreadyExistsException waitsAlready) {
            return onlyOne
                    ? new Next(false, "is skipped, as a firing of its trigger waits already")
                    : new Next(true, "is tried again by another replica");
        }
        if (refusal.verdict() == Verdict.UNAVAILABLE) {
            LOG.info(
                    "job {} [{}] was due while nobody could tell whether it may run; it is tried again until {}. {}",
                    plan.job(),
                    plan.identity(),
                    kept.worthTryingUntil(),
                    refusal);
        }
        return triedAgain(plan, wait);
    }

    /** Since when others may remember the firing: since now if the store has answered, as it looks for those who have run it first. */
    private Instant rememberedSince(JobExecutionContext context, Refusal refusal) {
        Date planned = context.getScheduledFireTime();
        return refusal.verdict() != Verdict.UNAVAILABLE || planned == null ? clock.instant() : planned.toInstant();
    }

    /**
     * When the trigger fires again whose firing waits its turn, for itself and for those that were skipped meanwhile.
     *
     * @return null if no firing of a recurring trigger waits its turn here
     */
    static @Nullable Date nextBehindTurn(JobExecutionContext context, Kept kept) {
        TriggerKey own = context.getTrigger().getKey();
        TriggerKey parent = kept.parent();
        if (parent == null || !own.getGroup().equals(GROUP) || !own.getName().startsWith("/")) {
            return null;
        }
        try {
            Trigger found = context.getScheduler().getTrigger(parent);
            return found == null ? null : found.getNextFireTime();
        } catch (SchedulerException | RuntimeException unknown) {
            LOG.debug("the trigger {} could not be looked at", name(parent), unknown);
            return null;
        }
    }

    /** The name of the place where one firing of a trigger waits. No run key starts like that: it starts with a name. */
    private static String turn(Trigger trigger) {
        JobKey job = trigger.getJobKey();
        TriggerKey key = trigger.getKey();
        String path = KeyPath.of(job.getGroup(), job.getName(), key.getGroup(), key.getName());
        return KeyPath.bounded("/" + path, NAME_BYTES);
    }

    /** From when on a trigger that fires again may have come to its own end; null if it never does. */
    private static @Nullable Date end(Trigger trigger, @Nullable Calendar calendar, Date now) {
        if (!PlannedTimes.endsByItself(trigger, now)) {
            return null;
        }
        Date last = trigger instanceof SimpleTrigger && calendar == null ? trigger.getFinalFireTime() : null;
        // Certainly not before that.
        return last == null ? trigger.getNextFireTime() : last;
    }

    private static Next triedAgain(FiringPlan plan, Duration wait) {
        LOG.debug("job {} [{}] is tried again in {}", plan.job(), plan.identity(), wait);
        return new Next(true, "is tried again in " + wait.toMillis() + "ms");
    }

    /**
     * Asks for the trigger whose firing waits.
     *
     * @return why the firing does not take place now; null if it may
     */
    @Nullable
    String hindrance(JobExecutionContext context, FiringPlan plan) {
        TriggerKey parent = plan.kept().parent();
        if (parent == null) {
            return null;
        }
        Instant remembered = plan.kept().rememberedUntil();
        if (remembered != null && !clock.instant().isBefore(remembered)) {
            return forgotten(plan, remembered);
        }
        try {
            Scheduler scheduler = context.getScheduler();
            Trigger found = scheduler.getTrigger(parent);
            if (found == null
                    || !found.getJobKey().equals(context.getJobDetail().getKey())) {
                return plan.kept().parentMayHaveEnded(context.getFireTime()) ? null : unscheduled(plan, parent);
            }
            if (scheduler.getTriggerState(parent) == TriggerState.PAUSED) {
                Duration wait = jittered(backoff(plan.attempt()));
                return "its trigger " + name(parent) + " is paused; it "
                        + underItsOwnKey(context, Kept.of(context).with(plan, plan.attempt()), plan, wait)
                                .told();
            }
        } catch (SchedulerException | RuntimeException unknown) {
            // Job stores of others throw both.
            LOG.debug("job {}: its trigger {} could not be looked at", plan.job(), name(parent), unknown);
        }
        return null;
    }

    private static String forgotten(FiringPlan plan, Instant remembered) {
        LOG.warn(
                "GIVEN UP: job {} [{}] could not be asked for until {}; since then those who may have run it may have forgotten it, so its work may not be done",
                plan.job(),
                plan.identity(),
                remembered);
        return "others may have forgotten since " + remembered + " that they have run it";
    }

    private static String unscheduled(FiringPlan plan, TriggerKey parent) {
        LOG.info(
                "job {} [{}] is not tried again: its trigger {} was unscheduled while it waited",
                plan.job(),
                plan.identity(),
                name(parent));
        return "its trigger " + name(parent) + " was unscheduled";
    }

    private static String name(TriggerKey key) {
        return VisibleText.of(key.toString());
    }

    /**
     * A key that another run holds may become free at any moment; this very run elsewhere, or a store that cannot tell,
     * is worth asking again only when the lease can have ended.
     */
    private Duration wait(int attempt, Refusal refusal) {
        boolean onlyLater = refusal.verdict() != Verdict.OVERLAP;
        Duration backoff = backoff(attempt);
        // Who waits for a turn must not sleep through it; one that does not come for long may as well come later.
        boolean isSoon = !onlyLater && attempt < SOON_ATTEMPTS && delay.compareTo(LONGEST_TURN) < 0;
        Duration bounded = isSoon && backoff.compareTo(LONGEST_TURN) > 0 ? LONGEST_TURN : backoff;
        return onlyLater && refusal.retryAfter().compareTo(bounded) > 0 ? refusal.retryAfter() : bounded;
    }

    private Duration backoff(int attempt) {
        Duration longest = LONGEST_BACKOFF.compareTo(delay) > 0 ? LONGEST_BACKOFF : delay;
        Duration backoff = delay.multipliedBy(1L << Math.min(attempt, LARGEST_SHIFT));
        return backoff.compareTo(longest) > 0 ? longest : backoff;
    }

    private Duration jittered(Duration wait) {
        long millis = Math.min(Math.max(wait.toMillis(), 1), Duration.ofDays(1).toMillis());
        return Duration.ofMillis(millis + below.applyAsLong(millis / 5 + 1));
    }

    private Date in(Duration wait) {
        return Date.from(clock.instant().plus(wait));
    }
}
