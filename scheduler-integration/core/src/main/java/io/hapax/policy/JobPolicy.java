package io.hapax.policy;

import io.hapax.Guarded;
import io.hapax.OnConflict;
import io.hapax.RunOptions;
import io.hapax.Setting;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How one kind of job is guarded. For each setting the nearest layer that has it decides: entries of the job, then its
 * annotations, nearest first, then the defaults of scheduler and guard. Immutable; made once for each kind of job.
 *
 * @param <K> a key, parsed
 */
public final class JobPolicy<K> {

    private final Function<String, K> parser;
    private final @Nullable K key;
    private final @Nullable K once;
    private final RunOptions options;
    private final Set<Setting<?>> own;
    private final boolean enabled;
    private final boolean ignoresArguments;

    private JobPolicy(
            Function<String, K> parser,
            @Nullable K key,
            @Nullable K once,
            Draft settings,
            boolean enabled,
            boolean ignores) {
        this.parser = parser;
        this.key = key;
        this.once = once;
        this.options = settings.options;
        this.own = Set.copyOf(settings.own);
        this.enabled = enabled;
        this.ignoresArguments = ignores;
    }

    /** Options, and which of them the job itself has set. */
    private static final class Draft {
        private RunOptions options;
        private final Set<Setting<?>> own;

        Draft(RunOptions options, Set<Setting<?>> own) {
            this.options = options;
            this.own = new HashSet<>(own);
        }

        <T> void set(Setting<T> setting, Object value) {
            options = options.with(
                    setting,
                    value instanceof String text
                            ? setting.parse(text)
                            : setting.type().cast(value));
            own.add(setting);
        }
    }

    /**
     * Reads the annotations of a job.
     *
     * @param defaults of scheduler and guard
     * @param nearestFirst the annotations, see {@link GuardedAnnotations}
     * @param parser reads a key
     * @param <K> what a key is read to
     * @return the policy
     * @throws IllegalArgumentException if a value is wrong; the message names it
     */
    public static <K> JobPolicy<K> of(RunOptions defaults, List<Guarded> nearestFirst, Function<String, K> parser) {
        Draft settings = new Draft(defaults, Set.of());
        String key = "";
        String once = "";
        for (int n = nearestFirst.size() - 1; n >= 0; n--) {
            Guarded guarded = nearestFirst.get(n);
            key = guarded.key().isEmpty() ? key : guarded.key();
            once = guarded.once().isEmpty() ? once : guarded.once();
            for (Setting<?> setting : Setting.ALL) {
                Object value = attribute(guarded, setting);
                if (value != null) {
                    settings.set(setting, value);
                }
            }
        }
        Guarded nearest = nearestFirst.isEmpty() ? null : nearestFirst.get(0);
        return new JobPolicy<>(
                parser,
                key.isEmpty() ? null : parser.apply(key),
                once.isEmpty() ? null : parser.apply(once),
                settings,
                nearest == null || nearest.enabled(),
                nearest != null && nearest.ignoreArguments());
    }

    /** What the annotation says of a setting; null if nothing. */
    private static @Nullable Object attribute(Guarded guarded, Setting<?> setting) {
        Object value;
        try {
            value = Guarded.class.getMethod(setting.name()).invoke(guarded);
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException missing) {
            throw new IllegalStateException("@Guarded has no attribute " + setting, missing);
        }
        if (value.getClass().isArray()) {
            return several(value, setting);
        }
        return value.equals("") || value.equals(0) ? null : value;
    }

    private static @Nullable Object several(Object values, Setting<?> setting) {
        int many = Array.getLength(values);
        if (many > 1) {
            throw new IllegalArgumentException("setting " + setting + ": write one value, not " + many);
        }
        return many == 0 ? null : Array.get(values, 0);
    }

    /**
     * Adds the entries of one job, which are nearer than all else.
     *
     * @param entries names of {@link Setting#names()} and values
     * @param otherKey its lock key; null if it names none
     * @param otherOnce its run key; null if it names none
     * @param otherEnabled whether it is guarded; null if it does not say
     * @return the policy for this job
     * @throws IllegalArgumentException if a name or a value is wrong
     */
    public JobPolicy<K> with(
            Map<String, String> entries,
            @Nullable String otherKey,
            @Nullable String otherOnce,
            @Nullable Boolean otherEnabled) {
        if (entries.isEmpty() && otherKey == null && otherOnce == null && otherEnabled == null) {
            return this;
        }
        Draft settings = new Draft(options, own);
        entries.forEach((name, text) -> settings.set(Setting.named(name), text));
        // A key among the entries of a job says for which work it is.
        return new JobPolicy<>(
                parser,
                otherKey == null ? key : parser.apply(otherKey),
                otherOnce == null ? once : parser.apply(otherOnce),
                settings,
                otherEnabled == null ? enabled : otherEnabled,
                ignoresArguments);
    }

    /**
     * Returns the lock key.
     *
     * @return the key; null if the job names none
     */
    public @Nullable K key() {
        return key;
    }

    /**
     * Returns the run key.
     *
     * @return the key; null if the job names none
     */
    public @Nullable K once() {
        return once;
    }

    /**
     * Returns the settings of its runs.
     *
     * @return the options
     */
    public RunOptions options() {
        return options;
    }

    /**
     * Tells whether the job is guarded.
     *
     * @return false if the guard is switched off for it
     */
    public boolean isEnabled() {
        return enabled;
    }

    /**
     * Tells whether a key that is the same for all arguments is meant so.
     *
     * @return whether it is
     */
    public boolean ignoresArguments() {
        return ignoresArguments;
    }

    /**
     * Tells whether its settings make no sense without a lock key, so that where none is named the job itself is one.
     *
     * @return whether something limits its runs, or says what happens when two of them meet
     */
    public boolean needsKey() {
        OnConflict policy = options.onConflict();
        return options.concurrency() > 1 || (policy != OnConflict.AUTO && policy != OnConflict.ALLOW);
    }

    /**
     * Tells whether that is so, and not only because of a default that was chosen for other jobs, too.
     *
     * @return whether the job has to name a key
     */
    public boolean needsOwnKey() {
        return needsKey()
                && (options.concurrency() > 1
                        || options.onConflict().isAboutOthers()
                        || own.contains(Setting.ON_CONFLICT));
    }

    /**
     * Names the setting that {@linkplain #needsKey() needs a key}, for messages.
     *
     * @return such as {@code concurrency=3}
     */
    public String needingKey() {
        return options.concurrency() > 1
                ? "concurrency=" + options.concurrency()
                : "onConflict=" + options.onConflict();
    }
}
