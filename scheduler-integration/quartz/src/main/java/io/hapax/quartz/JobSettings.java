package io.hapax.quartz;

import io.hapax.Guarded;
import io.hapax.JobGuard;
import io.hapax.OnConflict;
import io.hapax.QueuedJob;
import io.hapax.RunOptions;
import io.hapax.Setting;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.VisibleText;
import io.hapax.policy.GuardedAnnotations;
import io.hapax.policy.JobPolicy;
import io.hapax.policy.KeyPath;
import io.hapax.policy.KeyTemplate;
import java.lang.reflect.Method;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.quartz.DisallowConcurrentExecution;
import org.quartz.JobDataMap;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobKey;
import org.quartz.SimpleTrigger;
import org.quartz.Trigger;

/** Reads how a firing is to be guarded: by the job data, its annotations, and the defaults. */
final class JobSettings {

    static final String PREFIX = "hapax.";
    static final String LOCK_KEY = PREFIX + "lockKey";
    static final String RUN_KEY = PREFIX + "runKey";
    static final String ENABLED = PREFIX + "enabled";
    /** Whether the job's triggers start at the same instant on each replica. */
    static final String FIXED_START = PREFIX + "fixedStart";
    /** Whether no other replica runs the job's scheduler. */
    static final String ALONE = PREFIX + "alone";
    /** Under which id the trigger has a place in the queue. */
    static final String QUEUED = PREFIX + "queued.id";

    private static final Set<String> OWN = Set.of(LOCK_KEY, RUN_KEY, ENABLED, FIXED_START, ALONE);

    private final String scheduler;
    private final JobGuard guard;
    /** What annotations say is read once for each class. */
    private final ClassValue<JobPolicy<KeyTemplate>> policies;

    private final FiringIdentity identities;

    JobSettings(String scheduler, JobGuard guard, RunOptions defaults, FiringIdentity identities) {
        this.scheduler = scheduler;
        this.guard = guard;
        this.identities = identities;
        this.policies = new ClassValue<>() {
            @Override
            protected JobPolicy<KeyTemplate> computeValue(Class<?> job) {
                return JobPolicy.of(
                        defaults,
                        annotations(job),
                        text -> KeyTemplate.parse(guard.resolve(text), JobDataValues.SYNTAX));
            }
        };
    }

    /**
     * Plans one firing.
     *
     * @return the plan; empty if the job is not to be guarded
     * @throws IllegalArgumentException if a setting is wrong; the message names it
     */
    Optional<FiringPlan> plan(JobExecutionContext context) {
        JobDetail detail = context.getJobDetail();
        JobDataMap data = context.getMergedJobDataMap();
        JobPolicy<KeyTemplate> policy = policy(detail, data);
        if (!policy.isEnabled()) {
            return Optional.empty();
        }
        String once = once(policy, data);
        String runKey = identities.runKey(context, once);
        Kept kept = Kept.of(context);
        RunOptions options = remembering(policy.options(), context.getTrigger(), kept, data);
        options.requireConsistent();
        LockKey lock = lockKey(detail, policy, data);
        boolean oneShot = kept.attempt() > 0 || context.getTrigger().getNextFireTime() == null;
        String job = name(detail);
        String queuedAs = kept.queuedAs();
        QueuedJob queued = queuedAs == null || lock == null || !options.mode().isQueued()
                ? null
                : new QueuedJob(guard, job, lock, queuedAs, options);
        LockKey held = options.mode().isLockedWhileExecuting() ? lock : null;
        JobIdentity identity = guard.kept(new JobIdentity(held, new RunKey(runKey)));
        return Optional.of(
                new FiringPlan(job, identity, options, oneShot, kept, once == null, queued, untilNext(context, kept)));
    }

    // Dates are what Quartz speaks.
    @SuppressWarnings("JavaUtilDate")
    private static @Nullable Duration untilNext(JobExecutionContext context, Kept kept) {
        Date next = context.getTrigger().getNextFireTime();
        Date behindTurn = RetryTriggers.nextBehindTurn(context, kept);
        next = next == null ? behindTurn : next;
        Instant after = next == null ? kept.parentFiresNext() : next.toInstant();
        Date now = context.getFireTime();
        return after == null || now == null ? null : Duration.between(now.toInstant(), after);
    }

    /**
     * Reads the place in the queue of a job that is about to be scheduled.
     *
     * @param id the id of the place
     * @throws IllegalArgumentException if its settings are wrong, or say nothing of a queue
     */
    QueuedJob queued(JobDetail detail, Trigger trigger, String id) {
        JobDataMap data = new JobDataMap(detail.getJobDataMap());
        data.putAll(trigger.getJobDataMap());
        JobPolicy<KeyTemplate> policy = policy(detail, data);
        RunOptions options = policy.options();
        options.requireConsistent();
        LockKey lock = lockKey(detail, policy, data);
        if (!options.mode().isQueued() || lock == null) {
            throw new IllegalArgumentException("job " + name(detail) + " is not unique in a queue, as its mode is "
                    + options.mode()
                    + ": set @Guarded(mode = LockMode.UNTIL_EXECUTED, key = …) or another mode, or schedule"
                    + " it by the scheduler itself");
        }
        if (!firesOnce(trigger)) {
            throw new IllegalArgumentException("trigger "
                    + VisibleText.of(trigger.getKey().toString()) + " fires more than once, so job " + name(detail)
                    + " cannot be unique in a queue: use a trigger that fires once, or onConflict");
        }
        return new QueuedJob(guard, name(detail), lock, id, options);
    }

    /**
     * Checks what a job's annotations and its own data say.
     *
     * @param completedByTriggers whether triggers may come that bring a key
     * @throws IllegalArgumentException if they are wrong; the message names job, annotation and setting
     */
    void check(JobDetail detail, boolean completedByTriggers) {
        JobDataMap data = detail.getJobDataMap();
        try {
            JobPolicy<KeyTemplate> policy = policy(detail, data);
            guard.check(policy.options());
            checkContradictions(detail, policy, disallowsConcurrency(detail.getJobClass()));
            if (!completedByTriggers) {
                requireKey(detail, policy);
                checkOnce(policy, data);
                KeyTemplate chosen = policy.key();
                if (chosen != null && policy.options().mode().isQueued()) {
                    requireValues(detail, policy, chosen, data.containsKey(LOCK_KEY));
                }
            }
        } catch (IllegalArgumentException wrong) {
            Class<?> type = detail.getJobClass();
            String annotation = annotations(type).isEmpty() ? "" : ", @Guarded on " + type.getName();
            throw new IllegalArgumentException("job " + name(detail) + annotation + ": " + wrong.getMessage(), wrong);
        }
    }

    /** What the keys of a job that is fine name, and its own data does not have. */
    Set<String> missing(JobDetail detail) {
        JobDataMap data = detail.getJobDataMap();
        JobPolicy<KeyTemplate> policy = policy(detail, data);
        return Stream.of(Optional.ofNullable(policy.key()), Optional.ofNullable(policy.once()))
                .flatMap(Optional::stream)
                .flatMap(key -> key.named(KeyTemplate.Kind.NAME).stream())
                .filter(name -> data.get(name) == null)
                .collect(Collectors.toSet());
    }

    /** Whether some of a job's settings are in its data. */
    static boolean hasSettings(JobDataMap data) {
        return Stream.of(data.getKeys()).anyMatch(key -> key.startsWith(PREFIX) && !Kept.isOwn(key));
    }

    /** The name of a job for display: users who may schedule jobs must not be able to write lines of the log by it. */
    static String name(JobDetail detail) {
        return VisibleText.of(detail.getKey().toString());
    }

    private static boolean firesOnce(Trigger trigger) {
        return trigger instanceof SimpleTrigger simple && simple.getRepeatCount() == 0;
    }

    /** What the job's class says, and nearer what its data says. */
    private JobPolicy<KeyTemplate> policy(JobDetail detail, JobDataMap data) {
        Map<String, String> entries = new LinkedHashMap<>();
        for (String key : data.getKeys()) {
            if (key.startsWith(PREFIX) && !isOwn(key)) {
                entries.put(setting(key), String.valueOf(data.get(key)));
            }
        }
        return policies.get(detail.getJobClass())
                .with(entries, text(data, LOCK_KEY), text(data, RUN_KEY), enabled(data));
    }

    private static @Nullable String text(JobDataMap data, String key) {
        return data.containsKey(key) ? String.valueOf(data.get(key)) : null;
    }

    private static @Nullable Boolean enabled(JobDataMap data) {
        return data.get(ENABLED) == null ? null : flag(ENABLED, data);
    }

    static boolean flag(String name, JobDataMap data) {
        String text = String.valueOf(data.get(name)).trim();
        if (!text.equalsIgnoreCase("true") && !text.equalsIgnoreCase("false")) {
            throw new IllegalArgumentException(
                    "job data " + name + ": '" + text + "' is not known; allowed are true and false");
        }
        return Boolean.parseBoolean(text);
    }

    /** A run that stands for a whole interval must be remembered until the interval is over. */
    private RunOptions remembering(RunOptions options, Trigger trigger, Kept kept, JobDataMap data) {
        Duration retried = kept.retention();
        Duration interval = retried == null ? identities.interval(trigger, data) : retried;
        return interval == null || interval.compareTo(options.retention()) <= 0
                ? options
                : options.withRetention(interval);
    }

    private static boolean isOwn(String key) {
        return OWN.contains(key) || Kept.isOwn(key);
    }

    private static String setting(String key) {
        String name = key.substring(PREFIX.length());
        if (!Setting.names().contains(name)) {
            List<String> allowed = new ArrayList<>(List.of("enabled", "lockKey", "runKey", "fixedStart", "alone"));
            allowed.addAll(Setting.names());
            throw new IllegalArgumentException(
                    "job data " + key + ": there is no such setting; after '" + PREFIX + "' allowed are " + allowed);
        }
        return name;
    }

    private @Nullable LockKey lockKey(JobDetail detail, JobPolicy<KeyTemplate> policy, JobDataMap data) {
        boolean disallows = disallowsConcurrency(detail.getJobClass());
        checkContradictions(detail, policy, disallows);
        requireKey(detail, policy);
        KeyTemplate chosen = policy.key();
        if (chosen != null && policy.options().mode().isQueued()) {
            requireValues(detail, policy, chosen, data.containsKey(LOCK_KEY));
        }
        if (policy.options().onConflict() == OnConflict.ALLOW) {
            return null;
        }
        if (chosen != null) {
            return new LockKey(chosen.fill(new JobDataValues(data)));
        }
        JobKey job = detail.getKey();
        return disallows || policy.needsKey()
                ? new LockKey(KeyPath.bounded(KeyPath.of(scheduler, job.getGroup(), job.getName())))
                : null;
    }

    /** Refuses what contradicts the lock key, or a job that does not overlap. */
    private static void checkContradictions(JobDetail detail, JobPolicy<KeyTemplate> policy, boolean disallows) {
        KeyTemplate chosen = policy.key();
        RunOptions options = policy.options();
        if (options.onConflict() == OnConflict.ALLOW && (disallows || chosen != null)) {
            throw new IllegalArgumentException("onConflict=ALLOW of job " + name(detail) + " contradicts "
                    + (disallows ? "its @DisallowConcurrentExecution" : "its lock key '" + chosen + "'")
                    + ": leave out one of them");
        }
        if (options.concurrency() > 1 && disallows) {
            throw new IllegalArgumentException("concurrency=" + options.concurrency() + " of job " + name(detail)
                    + " contradicts its @DisallowConcurrentExecution: leave out one of them");
        }
    }

    private static void requireKey(JobDetail detail, JobPolicy<KeyTemplate> policy) {
        RunOptions options = policy.options();
        if (options.mode().isQueued() && policy.key() == null) {
            throw new IllegalArgumentException("mode=" + options.mode() + " of job " + name(detail)
                    + " needs a key that says what is to be in the queue once: set @Guarded(key = \"import/%{id}\")");
        }
    }

    /** A key in the job's own data says for which work it is. */
    private static void requireValues(
            JobDetail detail, JobPolicy<KeyTemplate> policy, KeyTemplate chosen, boolean ofData) {
        if (!ofData && !policy.ignoresArguments() && !chosen.dependsOnValues()) {
            throw new IllegalArgumentException("key '" + chosen + "' of job " + name(detail)
                    + " is the same whatever its data, so with mode="
                    + policy.options().mode()
                    + " work with other data would be dropped: add %{name} of an entry of the job data, or set"
                    + " ignoreArguments = true");
        }
    }

    /** The run key that the job data or the annotation chooses, filled in; null if none does. */
    private static @Nullable String once(JobPolicy<KeyTemplate> policy, JobDataMap data) {
        checkOnce(policy, data);
        KeyTemplate once = policy.once();
        return once == null ? null : once.fill(new JobDataValues(data));
    }

    private static void checkOnce(JobPolicy<KeyTemplate> policy, JobDataMap data) {
        KeyTemplate once = policy.once();
        if (once != null && !data.containsKey(RUN_KEY) && once.isConstant() && !policy.ignoresArguments()) {
            throw new IllegalArgumentException("once '" + once
                    + "' is the same for each firing, so the job would run once for all: add %{name} of an entry of the job"
                    + " data, or set ignoreArguments = true");
        }
    }

    /** The annotations of a job, nearest first. */
    static List<Guarded> annotations(Class<?> job) {
        return GuardedAnnotations.of(job, execute(job));
    }

    private static @Nullable Method execute(Class<?> job) {
        try {
            return job.getMethod("execute", JobExecutionContext.class);
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
