package io.hapax.jobrunr;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jobrunr.jobs.Job;
import org.jobrunr.jobs.context.JobContext;
import org.jobrunr.jobs.mappers.MDCMapper;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * A lock key with placeholders: {@code %0} an argument, {@code %0.customer.id} a property of one, {@code %X{tenant}} an
 * MDC value from when the job was enqueued, {@code %%} a percent sign.
 *
 * <p>All are replaced in one pass, so {@code %10} is the eleventh argument, and nothing inside a value is replaced again.
 */
final class LockKeyTemplate {

    private static final Pattern PLACEHOLDER = Pattern.compile(
            "%(?:(?<percent>%)|X\\{(?<mdc>[^}]+)}" + "|(?<index>\\d+)(?<path>(?:\\.[\\p{L}_$][\\p{L}\\p{N}_$]*)*))?");

    private final String template;
    private final Job job;

    private LockKeyTemplate(String template, Job job) {
        this.template = template;
        this.job = job;
    }

    /**
     * Fills the placeholders in.
     *
     * @throws IllegalArgumentException if one has no value; the message names it and what is allowed
     */
    static String fill(String template, Job job) {
        return template.indexOf('%') < 0 ? template : new LockKeyTemplate(template, job).filled();
    }

    /** Whether an argument is part of the key. */
    static boolean hasArguments(String template) {
        Matcher matcher = PLACEHOLDER.matcher(template);
        while (matcher.find()) {
            if (matcher.group("index") != null) {
                return true;
            }
        }
        return false;
    }

    private String filled() {
        Matcher matcher = PLACEHOLDER.matcher(template);
        StringBuilder key = new StringBuilder();
        while (matcher.find()) {
            matcher.appendReplacement(key, Matcher.quoteReplacement(value(matcher)));
        }
        return matcher.appendTail(key).toString();
    }

    private String value(Matcher found) {
        if (found.group("percent") != null) {
            return "%";
        }
        String mdcKey = found.group("mdc");
        if (mdcKey != null) {
            return mdc(found.group(), mdcKey);
        }
        String index = found.group("index");
        if (index == null) {
            throw wrong(template.substring(found.start()), "is not a placeholder");
        }
        return argument(found.group(), index, found.group("path"));
    }

    private String mdc(String placeholder, String key) {
        Object stored = job.getMetadata().get(MDCMapper.JOBRUNR_MDC_KEY + "-" + key);
        String value = stored == null ? MDC.get(key) : stored.toString();
        if (value == null) {
            throw wrong(placeholder, "has no value: the MDC had no '" + key + "' when the job was enqueued");
        }
        return value;
    }

    private String argument(String placeholder, String index, String path) {
        Object[] arguments = job.getJobDetails().getJobParameterValues();
        int position = index.length() > 4 ? Integer.MAX_VALUE : Integer.parseInt(index);
        if (position >= arguments.length) {
            throw wrong(placeholder, "has no value: the job has " + arguments.length + " arguments, counted from %0");
        }
        Object value = checked(placeholder, "argument " + index, arguments[position]);
        for (String property :
                path.isEmpty() ? new String[0] : path.substring(1).split("\\.")) {
            try {
                value = checked(placeholder, "'" + property + "'", PropertyPath.read(value, property));
            } catch (IllegalArgumentException unreadable) {
                throw wrong(placeholder, "cannot be read: " + unreadable.getMessage());
            }
        }
        return text(placeholder, value);
    }

    private Object checked(String placeholder, String what, @Nullable Object value) {
        if (value == null || value instanceof JobContext) {
            throw wrong(placeholder, "has no value: " + what + " is " + (value == null ? "null" : "the job context"));
        }
        return value;
    }

    /** Without a text of its own, an object would give another key on each worker. */
    private String text(String placeholder, Object value) {
        try {
            boolean hasText = !value.getClass().isArray()
                    && value.getClass().getMethod("toString").getDeclaringClass() != Object.class;
            if (hasText) {
                return value.toString();
            }
        } catch (NoSuchMethodException everyObjectHasIt) {
            throw new IllegalStateException(everyObjectHasIt);
        }
        throw wrong(
                placeholder,
                "has no text that is alike on all workers: " + value.getClass().getTypeName()
                        + " has no toString of its own; name a property, as in %0.id");
    }

    private IllegalArgumentException wrong(String placeholder, String why) {
        return new IllegalArgumentException("@Guarded(key = \"" + template + "\") on "
                + job.getJobDetails().getClassName() + "." + job.getJobDetails().getMethodName() + ": '" + placeholder
                + "' " + why + ". Allowed are %0 (an argument), %0.property, %X{name} (from the MDC) and %% (a percent"
                + " sign)");
    }
}
