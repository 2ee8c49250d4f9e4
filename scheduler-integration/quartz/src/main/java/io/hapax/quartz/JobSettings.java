package io.hapax.quartz;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.OnFailure;
import io.hapax.OverlapPolicy;
import io.hapax.QueuedJob;
import io.hapax.RunOptions;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import io.hapax.policy.KeyPath;
import io.hapax.policy.KeyTemplate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.quartz.DisallowConcurrentExecution;
import org.quartz.Job;
import org.quartz.JobDataMap;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobKey;
import org.quartz.SimpleTrigger;
import org.quartz.Trigger;

/** Reads how a firing is to be guarded: the guard's defaults, then {@link Guarded}, then the job data map. */
final class JobSettings {

    static final String PREFIX = "hapax.";
    static final String LOCK_KEY = PREFIX + "lockKey";
    static final String RUN_KEY = PREFIX + "runKey";
    static final String ENABLED = PREFIX + "enabled";
    /** Whether the job's triggers start at the same instant on each replica. */
    static final String FIXED_START = PREFIX + "fixedStart";
    /** What becomes of a firing whose job fails. */
    static final String ON_FAILURE = PREFIX + "onFailure";
    /** Under which id the trigger has a place in the queue. */
    static final String QUEUED = PREFIX + "queued.id";

    private static final Set<String> OWN = Set.of(LOCK_KEY, RUN_KEY, ENABLED, FIXED_START, ON_FAILURE);

    private final String scheduler;
    private final RunOptions defaults;
    private final FiringIdentity identities;

    JobSettings(String scheduler, RunOptions defaults, FiringIdentity identities) {
        this.scheduler = scheduler;
        this.defaults = defaults;
        this.identities = identities;
    }

    /**
     * Plans one firing.
     *
     * @return the plan; empty if the job is not to be guarded
     * @throws IllegalArgumentException if a setting is wrong; the message names it
     */
    Optional<FiringPlan> plan(JobGuard guard, JobExecutionContext context) {
        JobDetail detail = context.getJobDetail();
        JobDataMap data = context.getMergedJobDataMap();
        Guarded guarded = annotation(detail.getJobClass());
        if (!enabled(guarded, data)) {
            return Optional.empty();
        }
        JobDataMap chosen = withRunKey(guard, guarded, data);
        String runKey = identities.runKey(context, chosen);
        boolean planned = !chosen.containsKey(RUN_KEY);
        RunOptions options = remembering(options(guarded, data), context.getTrigger(), data);
        options.requireConsistent();
        LockKey lock = lockKey(guard, detail, guarded, data, options);
        int attempt = RetryTriggers.attempt(context.getTrigger());
        boolean oneShot = attempt > 0 || context.getTrigger().getNextFireTime() == null;
        String job = name(detail);
        String queuedAs = context.getTrigger().getJobDataMap().getString(QUEUED);
        QueuedJob queued = queuedAs == null || lock == null || !options.mode().isQueued()
                ? null
                : new QueuedJob(guard, job, lock, queuedAs, options);
        LockKey held = options.mode().isLockedWhileExecuting() ? lock : null;
        JobIdentity identity = guard.kept(new JobIdentity(held, new RunKey(runKey)));
        FiringPlan plan = new FiringPlan(job, identity, options, oneShot, attempt, planned, queued);
        return Optional.of(plan.onFailure(onFailure(data)).next(context));
    }

    /**
     * Reads the place in the queue of a job that is about to be scheduled.
     *
     * @throws IllegalArgumentException if its settings are wrong, or say nothing of a queue
     */
    QueuedJob queued(JobGuard guard, JobDetail detail, Trigger trigger) {
        JobDataMap data = new JobDataMap(detail.getJobDataMap());
        data.putAll(trigger.getJobDataMap());
        Guarded guarded = annotation(detail.getJobClass());
        RunOptions options = options(guarded, data);
        options.requireConsistent();
        LockKey lock = lockKey(guard, detail, guarded, data, options);
        if (!options.mode().isQueued() || lock == null) {
            throw new IllegalArgumentException("job " + name(detail) + " is not unique in a queue, as its mode is "
                    + options.mode()
                    + ": set @Guarded(mode = LockMode.UNTIL_EXECUTED, key = …) or another mode, or schedule"
                    + " it by the scheduler itself");
        }
        if (!firesOnce(trigger)) {
            throw new IllegalArgumentException("trigger "
                    + VisibleText.of(trigger.getKey().toString()) + " fires more than once, so job " + name(detail)
                    + " cannot be unique in a queue: use a trigger that fires once, or an overlap policy");
        }
        return new QueuedJob(guard, name(detail), lock, queuedId(scheduler, trigger), options);
    }

    /** The name of a job for people: who may schedule jobs must not be able to write lines of the log by it. */
    static String name(JobDetail detail) {
        return VisibleText.of(detail.getKey().toString());
    }

    private static boolean firesOnce(Trigger trigger) {
        return trigger instanceof SimpleTrigger simple && simple.getRepeatCount() == 0;
    }

    static String queuedId(String scheduler, Trigger trigger) {
        return KeyPath.bounded(KeyPath.of(
                scheduler, trigger.getKey().getGroup(), trigger.getKey().getName()));
    }

    private static boolean enabled(@Nullable Guarded guarded, JobDataMap data) {
        return data.get(ENABLED) == null ? guarded == null || guarded.enabled() : flag(ENABLED, data);
    }

    static boolean flag(String name, JobDataMap data) {
        String text = String.valueOf(data.get(name)).trim();
        if (!text.equalsIgnoreCase("true") && !text.equalsIgnoreCase("false")) {
            throw new IllegalArgumentException(
                    "job data " + name + ": '" + text + "' is not known; allowed are true and false");
        }
        return Boolean.parseBoolean(text);
    }

    private static OnFailure onFailure(JobDataMap data) {
        String text = data.containsKey(ON_FAILURE)
                ? String.valueOf(data.get(ON_FAILURE)).trim()
                : "OVER";
        try {
            return OnFailure.valueOf(text.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException unknown) {
            throw new IllegalArgumentException(
                    "job data " + ON_FAILURE + ": '" + text + "' is not known; allowed are OVER and RELEASE");
        }
    }

    private RunOptions options(@Nullable Guarded guarded, JobDataMap data) {
        RunOptions options = guarded == null ? defaults : defaults.with(guarded);
        Map<String, String> layer = new LinkedHashMap<>();
        for (String key : data.getKeys()) {
            if (key.startsWith(PREFIX) && !isOwn(key)) {
                layer.put(name(key), String.valueOf(data.get(key)));
            }
        }
        return layer.isEmpty() ? options : options.with(layer);
    }

    /** A run that stands for a whole interval must be remembered until the interval is over. */
    private RunOptions remembering(RunOptions options, Trigger trigger, JobDataMap data) {
        Duration retried = RetryTriggers.retention(trigger);
        Duration interval = retried == null ? identities.interval(trigger, data) : retried;
        return interval == null || interval.compareTo(options.retention()) <= 0
                ? options
                : options.withRetention(interval);
    }

    private static boolean isOwn(String key) {
        return OWN.contains(key) || isWrittenByUs(key);
    }

    /** Whether an entry of a trigger's data was not made by the user. */
    static boolean isWrittenByUs(String key) {
        return key.equals(Misfires.FIRST_PLANNED) || RetryTriggers.isOwn(key);
    }

    private static String name(String key) {
        String name = key.substring(PREFIX.length());
        if (!RunOptions.NAMES.contains(name)) {
            List<String> allowed = new ArrayList<>(List.of("enabled", "lockKey", "runKey", "fixedStart", "onFailure"));
            allowed.addAll(RunOptions.NAMES);
            throw new IllegalArgumentException(
                    "job data " + key + ": there is no such setting; after '" + PREFIX + "' allowed are " + allowed);
        }
        return name;
    }

    private @Nullable LockKey lockKey(
            JobGuard guard, JobDetail detail, @Nullable Guarded guarded, JobDataMap data, RunOptions options) {
        String text =
                data.containsKey(LOCK_KEY) ? String.valueOf(data.get(LOCK_KEY)) : guarded == null ? "" : guarded.key();
        KeyTemplate chosen = text.isEmpty() ? null : guard.template(text, JobDataValues.SYNTAX);
        boolean disallows = disallowsConcurrency(detail.getJobClass());
        checkKey(detail, chosen, disallows, options);
        if (chosen != null && options.mode().isQueued()) {
            requireValues(detail, guarded, chosen, options, data.containsKey(LOCK_KEY));
        }
        if (options.overlap() == OverlapPolicy.ALLOW) {
            return null;
        }
        if (chosen != null) {
            return new LockKey(chosen.fill(new JobDataValues(data)));
        }
        boolean needsOne = options.overlap() != OverlapPolicy.AUTO || options.concurrency() > 1;
        JobKey job = detail.getKey();
        return disallows || needsOne
                ? new LockKey(KeyPath.bounded(KeyPath.of(scheduler, job.getGroup(), job.getName())))
                : null;
    }

    /** Refuses what contradicts the lock key, or the lack of one. */
    private static void checkKey(
            JobDetail detail, @Nullable KeyTemplate chosen, boolean disallows, RunOptions options) {
        if (options.overlap() == OverlapPolicy.ALLOW && (disallows || chosen != null)) {
            throw new IllegalArgumentException("overlap=ALLOW of job " + name(detail) + " contradicts "
                    + (disallows ? "its @DisallowConcurrentExecution" : "its lock key '" + chosen + "'")
                    + ": leave out one of them");
        }
        if (options.concurrency() > 1 && disallows) {
            throw new IllegalArgumentException("concurrency=" + options.concurrency() + " of job " + name(detail)
                    + " contradicts its @DisallowConcurrentExecution: leave out one of them");
        }
        if (options.mode().isQueued() && chosen == null) {
            throw new IllegalArgumentException("mode=" + options.mode() + " of job " + name(detail)
                    + " needs a key that says what is to be in the queue once: set @Guarded(key = \"import/%{id}\")");
        }
    }

    /** A key in the job's own data says for which work it is. */
    private static void requireValues(
            JobDetail detail, @Nullable Guarded guarded, KeyTemplate chosen, RunOptions options, boolean ofData) {
        boolean says = ofData || (guarded != null && guarded.ignoreArguments());
        if (!says && !chosen.dependsOnValues()) {
            throw new IllegalArgumentException("key '" + chosen + "' of job " + name(detail)
                    + " is the same whatever its data, so with mode=" + options.mode()
                    + " work with other data would be dropped: add %{name} of an entry of the job data, or set"
                    + " ignoreArguments = true");
        }
    }

    /** The run key that the job data or the annotation chooses, filled in. */
    private static JobDataMap withRunKey(JobGuard guard, @Nullable Guarded guarded, JobDataMap data) {
        boolean ofData = data.containsKey(RUN_KEY);
        String text = ofData ? String.valueOf(data.get(RUN_KEY)) : guarded == null ? "" : guarded.once();
        if (text.isEmpty()) {
            return data;
        }
        KeyTemplate once = guard.template(text, JobDataValues.SYNTAX);
        if (!ofData && once.isConstant() && !(guarded != null && guarded.ignoreArguments())) {
            throw new IllegalArgumentException("once '" + text
                    + "' is the same for each firing, so the job would run once for all: add %{name} of an entry of the job"
                    + " data, or set ignoreArguments = true");
        }
        JobDataMap chosen = new JobDataMap(data);
        chosen.put(RUN_KEY, once.fill(new JobDataValues(data)));
        return chosen;
    }

    static @Nullable Guarded annotation(Class<? extends Job> type) {
        Guarded onClass = type.getAnnotation(Guarded.class);
        if (onClass != null) {
            return onClass;
        }
        try {
            return type.getMethod("execute", JobExecutionContext.class).getAnnotation(Guarded.class);
        } catch (NoSuchMethodException notPublic) {
            return null;
        }
    }

    /** Quartz renamed its own method for this between 2.4 and 2.5, so the annotation is looked up here. */
    static boolean disallowsConcurrency(@Nullable Class<?> type) {
        if (type == null) {
            return false;
        }
        if (type.isAnnotationPresent(DisallowConcurrentExecution.class) || disallowsConcurrency(type.getSuperclass())) {
            return true;
        }
        for (Class<?> each : type.getInterfaces()) {
            if (disallowsConcurrency(each)) {
                return true;
            }
        }
        return false;
    }
}
