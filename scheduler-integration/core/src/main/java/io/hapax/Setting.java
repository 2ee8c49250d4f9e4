package io.hapax;

import io.hapax.lease.VisibleText;
import io.hapax.ledger.AfterCrash;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * One setting of a run. This table is the only place where a setting has its name, type, default, range and meaning:
 * {@link RunOptions}, {@link Guarded}, properties, options of commands, messages and documentation follow it. Immutable.
 *
 * @param <T> the type of its values
 */
public final class Setting<T> {

    private static final Duration LONGEST_PLACE = Duration.ofDays(366);
    private static final int MOST_CONCURRENT = 100;
    private static int made;

    /** See {@link RunOptions#ttl()}. */
    public static final Setting<Duration> TTL = new Setting<>(
            "ttl",
            Duration.ofSeconds(30),
            SettingFormat.duration(Duration.ofMillis(100), LONGEST_PLACE),
            "how long a lease lives unless renewed; it is renewed every third of it");

    /** See {@link RunOptions#maxHold()}. */
    public static final Setting<Duration> MAX_HOLD = new Setting<>(
            "maxHold",
            Duration.ZERO,
            SettingFormat.duration(Duration.ZERO, DurationText.LONGEST),
            "after how long a run is no longer renewed and is notified that it lost its lease; 0 for never");

    /** See {@link RunOptions#waitTimeout()}. */
    public static final Setting<Duration> WAIT_TIMEOUT = new Setting<>(
            "waitTimeout",
            Duration.ofMinutes(1),
            SettingFormat.duration(Duration.ZERO, DurationText.LONGEST),
            "how long a run waits for its key, with onConflict = WAIT");

    /** See {@link RunOptions#retention()}. */
    public static final Setting<Duration> RETENTION = new Setting<>(
            "retention",
            Duration.ofHours(24),
            SettingFormat.duration(Duration.ofMillis(1), DurationText.LONGEST),
            "how long an occurrence that is over is remembered; longer than a scheduler may be late");

    /** See {@link RunOptions#onConflict()}. */
    public static final Setting<OnConflict> ON_CONFLICT = new Setting<>(
            "onConflict",
            OnConflict.AUTO,
            SettingFormat.choice(OnConflict.class),
            "what happens to a run while another one holds its lock key");

    /** See {@link RunOptions#onLeaseLost()}. */
    public static final Setting<OnLeaseLost> ON_LEASE_LOST = new Setting<>(
            "onLeaseLost",
            OnLeaseLost.INTERRUPT,
            SettingFormat.choice(OnLeaseLost.class),
            "how a run is notified that it lost its lease");

    /** See {@link RunOptions#whenUnavailable()}. */
    public static final Setting<WhenUnavailable> WHEN_UNAVAILABLE = new Setting<>(
            "whenUnavailable",
            WhenUnavailable.FAIL_CLOSED,
            SettingFormat.choice(WhenUnavailable.class),
            "what happens if the store does not answer");

    /** See {@link RunOptions#afterCrash()}. */
    public static final Setting<AfterCrash> AFTER_CRASH = new Setting<>(
            "afterCrash",
            AfterCrash.RERUN,
            SettingFormat.choice(AfterCrash.class),
            "what happens to an occurrence whose run crashes; ABANDON needs a ledger");

    /** See {@link RunOptions#onFailure()}. */
    public static final Setting<OnFailure> ON_FAILURE = new Setting<>(
            "onFailure",
            OnFailure.OVER,
            SettingFormat.choice(OnFailure.class),
            "what happens to a planned firing whose job fails");

    /** See {@link RunOptions#concurrency()}. */
    public static final Setting<Integer> CONCURRENCY = new Setting<>(
            "concurrency",
            1,
            SettingFormat.number(
                    1, MOST_CONCURRENT, "runs may hold a key at once", "for no limit leave out the lock key"),
            "how many runs may hold the lock key at once");

    /** See {@link RunOptions#throttle()}. */
    public static final Setting<Throttle> THROTTLE = new Setting<>(
            "throttle",
            Throttle.NONE,
            SettingFormat.THROTTLE,
            "how many runs of the lock key may start in a period, as 3/1m; 1/10m is a cooldown of ten minutes");

    /** See {@link RunOptions#mode()}. */
    public static final Setting<LockMode> MODE = new Setting<>(
            "mode", LockMode.WHILE_EXECUTING, SettingFormat.choice(LockMode.class), "when the lock key is taken");

    /** See {@link RunOptions#uniqueFor()}. */
    public static final Setting<Duration> UNIQUE_FOR = new Setting<>(
            "uniqueFor",
            Duration.ofHours(24),
            SettingFormat.duration(Duration.ofMillis(1), LONGEST_PLACE),
            "for how long a queued job keeps others of its lock key out of the queue at most");

    /** See {@link RunOptions#observe()}. */
    public static final Setting<Boolean> OBSERVE = new Setting<>(
            "observe",
            false,
            SettingFormat.FLAG,
            "whether the guard only observes: it refuses and interrupts nothing, and tells what it would have refused");

    /** All settings, in the order of the documentation. */
    public static final List<Setting<?>> ALL = List.of(
            TTL,
            MAX_HOLD,
            WAIT_TIMEOUT,
            RETENTION,
            ON_CONFLICT,
            ON_LEASE_LOST,
            WHEN_UNAVAILABLE,
            AFTER_CRASH,
            ON_FAILURE,
            CONCURRENCY,
            THROTTLE,
            MODE,
            UNIQUE_FOR,
            OBSERVE);

    private final int index;
    private final String name;
    private final T otherwise;
    private final SettingFormat<T> format;
    private final String meaning;

    Setting(String name, T otherwise, SettingFormat<T> format, String meaning) {
        this.index = made++;
        this.name = name;
        this.otherwise = otherwise;
        this.format = format;
        this.meaning = meaning;
    }

    /** Where {@link RunOptions} keep its value. */
    int index() {
        return index;
    }

    /**
     * Finds a setting by its name.
     *
     * @param name as in {@link #name()}
     * @return the setting
     * @throws IllegalArgumentException if there is none; the message lists the known ones
     */
    public static Setting<?> named(String name) {
        return ALL.stream()
                .filter(setting -> setting.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "unknown setting '" + VisibleText.of(name) + "'; allowed are " + names()));
    }

    /**
     * Lists the names.
     *
     * @return of all settings, in their order
     */
    public static List<String> names() {
        return ALL.stream().<String>map(setting -> setting.name).toList();
    }

    /**
     * Returns the name, by which attributes of {@link Guarded}, entries of jobs and properties are called.
     *
     * @return in camel case
     */
    public String name() {
        return name;
    }

    /**
     * Returns the name as properties of Spring and options of commands are written.
     *
     * @return in lower case, with hyphens
     */
    public String kebabName() {
        return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    /**
     * Returns the type of its values.
     *
     * @return the class
     */
    public Class<T> type() {
        return format.type();
    }

    /**
     * Returns the value that holds where nobody sets another one.
     *
     * @return the default
     */
    public T defaultValue() {
        return otherwise;
    }

    /**
     * Writes a value as {@link #parse} reads it.
     *
     * @param value an allowed value
     * @return the text
     */
    public String text(T value) {
        return format.writer().apply(value);
    }

    /**
     * Says which values are allowed.
     *
     * @return a few words for display
     */
    public String allowed() {
        return format.allowed();
    }

    /**
     * Says what it is.
     *
     * @return one line for display, in lower case and without a full stop
     */
    public String meaning() {
        return meaning;
    }

    /**
     * Reads a value.
     *
     * @param text what somebody wrote
     * @return the value
     * @throws IllegalArgumentException if it is not allowed; the message names the setting and says what is
     */
    public T parse(String text) {
        return checked(format.parser().apply(name, text));
    }

    /**
     * Checks a value.
     *
     * @param value any value
     * @return the value
     * @throws IllegalArgumentException if it is not allowed; the message names the setting and says what is
     */
    public T checked(T value) {
        format.check().accept(name, value);
        return value;
    }

    @Override
    public String toString() {
        return name;
    }
}
