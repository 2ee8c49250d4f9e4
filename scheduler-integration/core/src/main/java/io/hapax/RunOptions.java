package io.hapax;

import io.hapax.lease.VisibleText;
import io.hapax.ledger.AfterCrash;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * How a run is guarded. Immutable; start from {@link #DEFAULTS}.
 *
 * @param ttl how long a lease lives unless renewed; at least 100 ms; it is renewed every third of it
 * @param maxHold after how long a run is no longer renewed and told that it lost its lease; zero means never
 * @param waitTimeout how long a run waits for the key; used with {@link OnConflict#WAIT}
 * @param retention how long a completed occurrence is remembered; at least 1 ms
 * @param onConflict what happens if somebody else holds the key
 * @param onLeaseLost how a run is told that it lost its lease
 * @param whenUnavailable what happens if the store cannot tell
 * @param afterCrash what becomes of an occurrence whose run breaks off; anything but {@link AfterCrash#RERUN} needs a
 *     ledger and a run key
 * @param overlap what happens if another occurrence holds the lock key; instead of a conflict policy
 * @param concurrency how many runs may hold the lock key at once, from 1 to 100
 * @param minHold for how long after a run has begun no other one of its lock key may begin, even if it ends sooner; zero for
 *     as long as it works
 * @param throttle how many runs of the lock key may begin in a time; not together with {@code minHold}
 * @param mode when the lock key is taken
 * @param uniqueFor for how long a queued job keeps others of its lock key out of the queue at most
 */
public record RunOptions(
        Duration ttl,
        Duration maxHold,
        Duration waitTimeout,
        Duration retention,
        OnConflict onConflict,
        OnLeaseLost onLeaseLost,
        WhenUnavailable whenUnavailable,
        AfterCrash afterCrash,
        OverlapPolicy overlap,
        int concurrency,
        Duration minHold,
        Throttle throttle,
        LockMode mode,
        Duration uniqueFor) {

    // Before DEFAULTS, whose constructor reads it.
    private static final Duration SHORTEST_TTL = Duration.ofMillis(100);
    private static final int MOST_CONCURRENT = 100;
    private static final Duration LONGEST_ANSWER = Duration.ofSeconds(2);
    private static final int ANSWERS_PER_TTL = 6;
    private static final Duration LONGEST_PLACE = Duration.ofDays(366);

    /**
     * 30 s ttl, no maximal hold, 1 min wait timeout, 24 h retention, automatic policy, interrupt, fail closed, rerun; one at a
     * time, without minimal hold or throttle, locked while executing, unique in a queue for 24 h.
     */
    public static final RunOptions DEFAULTS = new RunOptions(
            Duration.ofSeconds(30),
            Duration.ZERO,
            Duration.ofMinutes(1),
            Duration.ofHours(24),
            OnConflict.AUTO,
            OnLeaseLost.INTERRUPT,
            WhenUnavailable.FAIL_CLOSED,
            AfterCrash.RERUN,
            OverlapPolicy.AUTO,
            1,
            Duration.ZERO,
            Throttle.NONE,
            LockMode.WHILE_EXECUTING,
            Duration.ofHours(24));

    /** The names that {@link #with(String, String)} understands. */
    public static final List<String> NAMES = List.of(
            "ttl",
            "maxHold",
            "waitTimeout",
            "retention",
            "onConflict",
            "onLeaseLost",
            "whenUnavailable",
            "afterCrash",
            "overlap",
            "concurrency",
            "minHold",
            "throttle",
            "mode",
            "uniqueFor");

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is out of range; the message names it
     */
    public RunOptions {
        DurationText.requireBetween("setting ttl:", ttl, SHORTEST_TTL, LONGEST_PLACE);
        DurationText.requireStorable("setting maxHold:", maxHold, 0);
        DurationText.requireStorable("setting waitTimeout:", waitTimeout, 0);
        DurationText.requireStorable("setting retention:", retention, 1);
        if (concurrency < 1 || concurrency > MOST_CONCURRENT) {
            throw new IllegalArgumentException("setting concurrency: from 1 to " + MOST_CONCURRENT
                    + " runs may hold a key at once, was " + concurrency + "; for no limit leave out the lock key");
        }
        DurationText.requireBetween("setting minHold:", minHold, Duration.ZERO, LONGEST_PLACE);
        DurationText.requireBetween("setting uniqueFor:", uniqueFor, Duration.ofMillis(1), LONGEST_PLACE);
    }

    /**
     * Checks that the options go together. Called for each run, so that the order in which they are set does not matter.
     *
     * @throws IllegalArgumentException if two of them contradict each other; the message names them
     */
    public void requireConsistent() {
        if (overlap != OverlapPolicy.AUTO && onConflict != OnConflict.AUTO) {
            throw contradiction("overlap=" + overlap, "onConflict=" + onConflict, "set one of them; the other is AUTO");
        }
        if (throttle.isLimited() && !minHold.isZero()) {
            throw contradiction(
                    "throttle=" + throttle.runs() + "/" + throttle.period(),
                    "minHold=" + minHold,
                    "a minHold is a throttle of one run in that time; set one of them");
        }
        if (concurrency > 1 && overlap.isTriedAgain()) {
            throw contradiction(
                    "concurrency=" + concurrency,
                    "overlap=" + overlap,
                    "with several at work nobody is the other one; use SKIP, or onConflict");
        }
        if (concurrency > 1 && overlap == OverlapPolicy.ALLOW) {
            throw contradiction(
                    "concurrency=" + concurrency, "overlap=ALLOW", "ALLOW sets no limit; leave out one of them");
        }
        if (concurrency > 1 && !minHold.isZero()) {
            throw contradiction(
                    "concurrency=" + concurrency,
                    "minHold=" + minHold,
                    "minHold lets one run begin in that time; use throttle=" + concurrency + "/…");
        }
        if (mode == LockMode.UNTIL_EXECUTING && (concurrency > 1 || overlap != OverlapPolicy.AUTO)) {
            throw contradiction(
                    "mode=UNTIL_EXECUTING",
                    concurrency > 1 ? "concurrency=" + concurrency : "overlap=" + overlap,
                    "no lock is held while the job works; use UNTIL_AND_WHILE_EXECUTING");
        }
        if (mode.isQueued() && overlap == OverlapPolicy.ALLOW) {
            throw contradiction(
                    "mode=" + mode, "overlap=ALLOW", "without a lock key nothing is unique; use UNTIL_EXECUTING");
        }
        if (whenUnavailable == WhenUnavailable.LEDGER_ONLY && needsMoreThanLease()) {
            throw contradiction(
                    "whenUnavailable=LEDGER_ONLY",
                    "concurrency, minHold, throttle or overlap=" + overlap,
                    "the ledger knows no such limits; use FAIL_CLOSED or FAIL_OPEN");
        }
    }

    private static IllegalArgumentException contradiction(String one, String other, String mend) {
        return new IllegalArgumentException("settings " + one + " and " + other + " contradict each other: " + mend);
    }

    /**
     * Works out an answer timeout for a store that is opened for these options: short enough for a renewal to be tried several
     * times.
     *
     * @return 2 s, or a sixth of the ttl if that is less
     */
    public Duration fittingAnswerTimeout() {
        Duration share = ttl.dividedBy(ANSWERS_PER_TTL);
        return share.compareTo(LONGEST_ANSWER) < 0 ? share : LONGEST_ANSWER;
    }

    /**
     * Works out the longest ttl for a store that is opened for these options.
     *
     * @return the default ttl, or this one if it is longer
     */
    public Duration fittingLongestTtl() {
        return ttl.compareTo(DEFAULTS.ttl) < 0 ? DEFAULTS.ttl : ttl;
    }

    /** Whether there is a limit that a ledger does not know. */
    boolean needsMoreThanLease() {
        return concurrency > 1 || needsReservations();
    }

    boolean needsReservations() {
        return isPaced() || overlap.isTriedAgain();
    }

    /** Whether only so many runs may begin in a time. */
    boolean isPaced() {
        return throttle.isLimited() || !minHold.isZero();
    }

    /** The limit of runs in a time, whichever setting made it. */
    Throttle pace() {
        return minHold.isZero() ? throttle : new Throttle(1, minHold);
    }

    /**
     * Replaces one value by its name, for settings that are read from text.
     *
     * @param name one of {@link #NAMES}
     * @param value a duration or the name of an enum constant, in any case
     * @return the changed options
     * @throws IllegalArgumentException if the name or the value is not known; the message lists what is allowed
     */
    public RunOptions with(String name, String value) {
        return switch (name) {
            case "ttl" -> withTtl(DurationText.parse(name, value));
            case "maxHold" -> withMaxHold(DurationText.parse(name, value));
            case "waitTimeout" -> withWaitTimeout(DurationText.parse(name, value));
            case "retention" -> withRetention(DurationText.parse(name, value));
            case "onConflict" -> withOnConflict(constant(name, value, OnConflict.class));
            case "onLeaseLost" -> withOnLeaseLost(constant(name, value, OnLeaseLost.class));
            case "whenUnavailable" -> withWhenUnavailable(constant(name, value, WhenUnavailable.class));
            case "afterCrash" -> withAfterCrash(constant(name, value, AfterCrash.class));
            case "overlap" -> withOverlap(constant(name, value, OverlapPolicy.class));
            case "concurrency" -> withConcurrency(number(name, value));
            case "minHold" -> withMinHold(DurationText.parse(name, value));
            case "throttle" -> withThrottle(Throttle.parse(value));
            case "mode" -> withMode(constant(name, value, LockMode.class));
            case "uniqueFor" -> withUniqueFor(DurationText.parse(name, value));
            default ->
                throw new IllegalArgumentException(
                        "unknown setting '" + VisibleText.of(name) + "'; allowed are " + NAMES);
        };
    }

    /**
     * Replaces several values by their names, as one layer of settings over another: what this layer sets takes the place of
     * what the layers below say in another way, {@code overlap} of {@code onConflict}, and {@code throttle} of
     * {@code minHold}, and the other way round.
     *
     * @param layer names of {@link #NAMES} and values
     * @return the changed options
     * @throws IllegalArgumentException if a name or a value is not known
     */
    public RunOptions with(Map<String, String> layer) {
        RunOptions options = above(layer.keySet());
        for (Map.Entry<String, String> each : layer.entrySet()) {
            options = options.with(each.getKey(), each.getValue());
        }
        return options;
    }

    private RunOptions above(Set<String> names) {
        RunOptions options = this;
        options = names.contains("overlap") ? options.withOnConflict(OnConflict.AUTO) : options;
        options = names.contains("onConflict") ? options.withOverlap(OverlapPolicy.AUTO) : options;
        options = names.contains("throttle") ? options.withMinHold(Duration.ZERO) : options;
        return names.contains("minHold") ? options.withThrottle(Throttle.NONE) : options;
    }

    /**
     * Replaces the values that an annotation sets.
     *
     * @param guarded the annotation of a job
     * @return the changed options
     * @throws IllegalArgumentException if a value of the annotation is wrong
     */
    public RunOptions with(Guarded guarded) {
        Map<String, String> layer = new LinkedHashMap<>();
        put(layer, "ttl", guarded.ttl());
        put(layer, "maxHold", guarded.maxHold());
        put(layer, "waitTimeout", guarded.waitTimeout());
        put(layer, "retention", guarded.retention());
        put(
                layer,
                "onConflict",
                guarded.onConflict() == OnConflict.AUTO
                        ? ""
                        : guarded.onConflict().name());
        put(layer, "onLeaseLost", first(guarded.onLeaseLost()));
        put(layer, "whenUnavailable", first(guarded.whenUnavailable()));
        put(layer, "afterCrash", first(guarded.afterCrash()));
        put(
                layer,
                "overlap",
                guarded.overlap() == OverlapPolicy.AUTO ? "" : guarded.overlap().name());
        put(layer, "concurrency", guarded.concurrency() == 0 ? "" : Integer.toString(guarded.concurrency()));
        put(layer, "minHold", guarded.minHold());
        put(layer, "throttle", guarded.throttle());
        put(layer, "mode", first(guarded.mode()));
        put(layer, "uniqueFor", guarded.uniqueFor());
        return with(layer);
    }

    private static void put(Map<String, String> layer, String name, String value) {
        if (!value.isEmpty()) {
            layer.put(name, value);
        }
    }

    private static String first(Enum<?>[] values) {
        return values.length == 0 ? "" : values[0].name();
    }

    /**
     * Replaces the ttl.
     *
     * @param ttl how long a lease lives unless renewed
     * @return the changed options
     */
    public RunOptions withTtl(Duration ttl) {
        return change(draft -> draft.ttl = ttl);
    }

    /**
     * Replaces the maximal hold.
     *
     * @param maxHold how long a run may hold its lease; zero for ever
     * @return the changed options
     */
    public RunOptions withMaxHold(Duration maxHold) {
        return change(draft -> draft.maxHold = maxHold);
    }

    /**
     * Replaces the wait timeout.
     *
     * @param waitTimeout how long a run waits for the key
     * @return the changed options
     */
    public RunOptions withWaitTimeout(Duration waitTimeout) {
        return change(draft -> draft.waitTimeout = waitTimeout);
    }

    /**
     * Replaces the retention.
     *
     * @param retention how long a completed occurrence is remembered
     * @return the changed options
     */
    public RunOptions withRetention(Duration retention) {
        return change(draft -> draft.retention = retention);
    }

    /**
     * Replaces the conflict policy.
     *
     * @param onConflict what happens if somebody else holds the key
     * @return the changed options
     */
    public RunOptions withOnConflict(OnConflict onConflict) {
        return change(draft -> draft.onConflict = onConflict);
    }

    /**
     * Replaces the way in which a run is told of a loss.
     *
     * @param onLeaseLost how
     * @return the changed options
     */
    public RunOptions withOnLeaseLost(OnLeaseLost onLeaseLost) {
        return change(draft -> draft.onLeaseLost = onLeaseLost);
    }

    /**
     * Replaces what happens if the store cannot tell.
     *
     * @param whenUnavailable fail closed, fail open, or trust the ledger alone
     * @return the changed options
     */
    public RunOptions withWhenUnavailable(WhenUnavailable whenUnavailable) {
        return change(draft -> draft.whenUnavailable = whenUnavailable);
    }

    /**
     * Replaces what becomes of an occurrence whose run breaks off.
     *
     * @param afterCrash run it again, or leave it for a person
     * @return the changed options
     */
    public RunOptions withAfterCrash(AfterCrash afterCrash) {
        return change(draft -> draft.afterCrash = afterCrash);
    }

    /**
     * Replaces the overlap policy.
     *
     * @param overlap what happens if another occurrence holds the lock key
     * @return the changed options
     */
    public RunOptions withOverlap(OverlapPolicy overlap) {
        return change(draft -> draft.overlap = overlap);
    }

    /**
     * Replaces the limit of runs at once.
     *
     * @param concurrency how many runs may hold the lock key at once
     * @return the changed options
     */
    public RunOptions withConcurrency(int concurrency) {
        return change(draft -> draft.concurrency = concurrency);
    }

    /**
     * Replaces the minimal hold.
     *
     * @param minHold for how long after a run has begun no other one may begin; zero for as long as it works
     * @return the changed options
     */
    public RunOptions withMinHold(Duration minHold) {
        return change(draft -> draft.minHold = minHold);
    }

    /**
     * Replaces the throttle.
     *
     * @param throttle how many runs may begin in a time
     * @return the changed options
     */
    public RunOptions withThrottle(Throttle throttle) {
        return change(draft -> draft.throttle = throttle);
    }

    /**
     * Replaces the lock mode.
     *
     * @param mode when the lock key is taken
     * @return the changed options
     */
    public RunOptions withMode(LockMode mode) {
        return change(draft -> draft.mode = mode);
    }

    /**
     * Replaces the time for which a queued job is unique.
     *
     * @param uniqueFor how long at most
     * @return the changed options
     */
    public RunOptions withUniqueFor(Duration uniqueFor) {
        return change(draft -> draft.uniqueFor = uniqueFor);
    }

    private RunOptions change(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.options();
    }

    /** Options that are being changed. */
    private static final class Draft {
        private Duration ttl;
        private Duration maxHold;
        private Duration waitTimeout;
        private Duration retention;
        private OnConflict onConflict;
        private OnLeaseLost onLeaseLost;
        private WhenUnavailable whenUnavailable;
        private AfterCrash afterCrash;
        private OverlapPolicy overlap;
        private int concurrency;
        private Duration minHold;
        private Throttle throttle;
        private LockMode mode;
        private Duration uniqueFor;

        Draft(RunOptions from) {
            ttl = from.ttl;
            maxHold = from.maxHold;
            waitTimeout = from.waitTimeout;
            retention = from.retention;
            onConflict = from.onConflict;
            onLeaseLost = from.onLeaseLost;
            whenUnavailable = from.whenUnavailable;
            afterCrash = from.afterCrash;
            overlap = from.overlap;
            concurrency = from.concurrency;
            minHold = from.minHold;
            throttle = from.throttle;
            mode = from.mode;
            uniqueFor = from.uniqueFor;
        }

        RunOptions options() {
            return new RunOptions(
                    ttl,
                    maxHold,
                    waitTimeout,
                    retention,
                    onConflict,
                    onLeaseLost,
                    whenUnavailable,
                    afterCrash,
                    overlap,
                    concurrency,
                    minHold,
                    throttle,
                    mode,
                    uniqueFor);
        }
    }

    private static int number(String setting, String text) {
        try {
            return Integer.parseInt(text.trim());
        } catch (NumberFormatException wrong) {
            throw new IllegalArgumentException(
                    "setting " + setting + ": '" + VisibleText.of(text) + "' is not a whole number", wrong);
        }
    }

    private static <E extends Enum<E>> E constant(String setting, String text, Class<E> type) {
        String wanted = text.trim().replace('-', '_').toUpperCase(Locale.ROOT);
        for (E each : type.getEnumConstants()) {
            if (each.name().equals(wanted)) {
                return each;
            }
        }
        throw new IllegalArgumentException("setting " + setting + ": '" + VisibleText.of(text)
                + "' is not known; allowed are " + Arrays.toString(type.getEnumConstants()));
    }
}
