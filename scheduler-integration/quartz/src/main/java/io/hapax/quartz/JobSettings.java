package io.hapax.quartz;

import io.hapax.Guarded;
import io.hapax.RunOptions;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.quartz.DisallowConcurrentExecution;
import org.quartz.Job;
import org.quartz.JobDataMap;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobKey;
import org.quartz.Trigger;

/** Reads how a firing is to be guarded: the guard's defaults, then {@link Guarded}, then the job data map. */
final class JobSettings {

    static final String PREFIX = "hapax.";
    static final String LOCK_KEY = PREFIX + "lockKey";
    static final String RUN_KEY = PREFIX + "runKey";
    static final String ENABLED = PREFIX + "enabled";

    private static final Pattern PLACEHOLDER = Pattern.compile("%\\{([^}]*)}");

    private final String scheduler;
    private final RunOptions defaults;

    JobSettings(String scheduler, RunOptions defaults) {
        this.scheduler = scheduler;
        this.defaults = defaults;
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
        Guarded guarded = annotation(detail.getJobClass());
        if (!enabled(guarded, data)) {
            return Optional.empty();
        }
        String runKey = FiringIdentity.runKey(context, scheduler, withRunKey(guarded, data));
        JobIdentity identity = new JobIdentity(lockKey(detail, guarded, data), new RunKey(runKey));
        int attempt = RetryTriggers.attempt(context.getTrigger());
        boolean oneShot = attempt > 0 || context.getTrigger().getNextFireTime() == null;
        RunOptions options = remembering(options(guarded, data), context.getTrigger());
        String job = KeyPath.printable(detail.getKey().toString());
        return Optional.of(new FiringPlan(job, identity, runKey, options, oneShot, attempt));
    }

    private static boolean enabled(@Nullable Guarded guarded, JobDataMap data) {
        Object value = data.get(ENABLED);
        if (value == null) {
            return guarded == null || guarded.enabled();
        }
        String text = value.toString().trim();
        if (!text.equalsIgnoreCase("true") && !text.equalsIgnoreCase("false")) {
            throw new IllegalArgumentException(
                    "job data " + ENABLED + ": '" + text + "' is not known; allowed are true and false");
        }
        return Boolean.parseBoolean(text);
    }

    private RunOptions options(@Nullable Guarded guarded, JobDataMap data) {
        RunOptions options = guarded == null ? defaults : defaults.with(guarded);
        for (String key : data.getKeys()) {
            if (key.startsWith(PREFIX) && !isOwn(key)) {
                options = with(options, key, String.valueOf(data.get(key)));
            }
        }
        return options;
    }

    /** A run that stands for a whole interval must be remembered until the interval is over. */
    private static RunOptions remembering(RunOptions options, Trigger trigger) {
        Duration interval = FiringIdentity.floatingInterval(trigger);
        return interval == null || interval.compareTo(options.retention()) <= 0
                ? options
                : options.withRetention(interval);
    }

    private static boolean isOwn(String key) {
        return key.equals(LOCK_KEY) || key.equals(RUN_KEY) || key.equals(ENABLED) || RetryTriggers.isOwn(key);
    }

    private static RunOptions with(RunOptions options, String key, String value) {
        String name = key.substring(PREFIX.length());
        if (!RunOptions.NAMES.contains(name)) {
            List<String> allowed = new ArrayList<>(List.of("enabled", "lockKey", "runKey"));
            allowed.addAll(RunOptions.NAMES);
            throw new IllegalArgumentException(
                    "job data " + key + ": there is no such setting; after '" + PREFIX + "' allowed are " + allowed);
        }
        return options.with(name, value);
    }

    private @Nullable LockKey lockKey(JobDetail detail, @Nullable Guarded guarded, JobDataMap data) {
        if (data.containsKey(LOCK_KEY)) {
            return chosen(String.valueOf(data.get(LOCK_KEY)), data);
        }
        if (guarded != null && !guarded.key().isEmpty()) {
            return chosen(guarded.key(), data);
        }
        JobKey job = detail.getKey();
        return disallowsConcurrency(detail.getJobClass())
                ? new LockKey(KeyPath.bounded(KeyPath.of(scheduler, job.getGroup(), job.getName())))
                : null;
    }

    private static LockKey chosen(String template, JobDataMap data) {
        return new LockKey(KeyPath.bounded(KeyPath.printable(filled(template, data))));
    }

    /** What the annotation chooses as run key counts as if the job data had said it. */
    private static JobDataMap withRunKey(@Nullable Guarded guarded, JobDataMap data) {
        if (guarded == null || guarded.once().isEmpty() || data.containsKey(RUN_KEY)) {
            return data;
        }
        JobDataMap chosen = new JobDataMap(data);
        chosen.put(RUN_KEY, filled(guarded.once(), data));
        return chosen;
    }

    private static String filled(String template, JobDataMap data) {
        Matcher matcher = PLACEHOLDER.matcher(template);
        return matcher.replaceAll(found -> Matcher.quoteReplacement(value(template, found.group(1), data)));
    }

    private static String value(String template, String name, JobDataMap data) {
        Object value = data.get(name);
        if (value == null) {
            throw new IllegalArgumentException("lock key '" + template + "': the job data has no value for %{" + name
                    + "}; it has " + new TreeSet<>(List.of(data.getKeys())));
        }
        return value.toString();
    }

    private static @Nullable Guarded annotation(Class<? extends Job> type) {
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
