package io.hapax;

import io.hapax.ledger.AfterCrash;
import io.hapax.time.DurationText;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

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
 */
public record RunOptions(
        Duration ttl,
        Duration maxHold,
        Duration waitTimeout,
        Duration retention,
        OnConflict onConflict,
        OnLeaseLost onLeaseLost,
        WhenUnavailable whenUnavailable,
        AfterCrash afterCrash) {

    // Before DEFAULTS, whose constructor reads it.
    private static final Duration SHORTEST_TTL = Duration.ofMillis(100);

    /** 30 s ttl, no maximal hold, 1 min wait timeout, 24 h retention, automatic policy, interrupt, fail closed, rerun. */
    public static final RunOptions DEFAULTS = new RunOptions(
            Duration.ofSeconds(30),
            Duration.ZERO,
            Duration.ofMinutes(1),
            Duration.ofHours(24),
            OnConflict.AUTO,
            OnLeaseLost.INTERRUPT,
            WhenUnavailable.FAIL_CLOSED,
            AfterCrash.RERUN);

    /** The names that {@link #with(String, String)} understands. */
    public static final List<String> NAMES = List.of(
            "ttl", "maxHold", "waitTimeout", "retention", "onConflict", "onLeaseLost", "whenUnavailable", "afterCrash");

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is out of range; the message names it
     */
    public RunOptions {
        if (ttl.compareTo(SHORTEST_TTL) < 0) {
            throw new IllegalArgumentException(
                    "setting ttl: must be at least " + SHORTEST_TTL.toMillis() + "ms, was " + ttl);
        }
        if (maxHold.isNegative() || waitTimeout.isNegative()) {
            throw new IllegalArgumentException(
                    "settings maxHold and waitTimeout must not be negative, were " + maxHold + " and " + waitTimeout);
        }
        if (retention.toMillis() < 1) {
            throw new IllegalArgumentException("setting retention: must be at least 1ms, was " + retention);
        }
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
            default -> throw new IllegalArgumentException("unknown setting '" + name + "'; allowed are " + NAMES);
        };
    }

    /**
     * Replaces the values that an annotation sets.
     *
     * @param guarded the annotation of a job
     * @return the changed options
     * @throws IllegalArgumentException if a value of the annotation is wrong
     */
    public RunOptions with(Guarded guarded) {
        RunOptions options = this;
        options = guarded.ttl().isEmpty() ? options : options.with("ttl", guarded.ttl());
        options = guarded.maxHold().isEmpty() ? options : options.with("maxHold", guarded.maxHold());
        options = guarded.waitTimeout().isEmpty() ? options : options.with("waitTimeout", guarded.waitTimeout());
        options = guarded.retention().isEmpty() ? options : options.with("retention", guarded.retention());
        options = guarded.onConflict() == OnConflict.AUTO ? options : options.withOnConflict(guarded.onConflict());
        options = guarded.onLeaseLost().length == 0 ? options : options.withOnLeaseLost(guarded.onLeaseLost()[0]);
        options = guarded.afterCrash().length == 0 ? options : options.withAfterCrash(guarded.afterCrash()[0]);
        return guarded.whenUnavailable().length == 0
                ? options
                : options.withWhenUnavailable(guarded.whenUnavailable()[0]);
    }

    /**
     * Replaces the ttl.
     *
     * @param ttl how long a lease lives unless renewed
     * @return the changed options
     */
    public RunOptions withTtl(Duration ttl) {
        return new RunOptions(
                ttl, maxHold, waitTimeout, retention, onConflict, onLeaseLost, whenUnavailable, afterCrash);
    }

    /**
     * Replaces the maximal hold.
     *
     * @param maxHold how long a run may hold its lease; zero for ever
     * @return the changed options
     */
    public RunOptions withMaxHold(Duration maxHold) {
        return new RunOptions(
                ttl, maxHold, waitTimeout, retention, onConflict, onLeaseLost, whenUnavailable, afterCrash);
    }

    /**
     * Replaces the wait timeout.
     *
     * @param waitTimeout how long a run waits for the key
     * @return the changed options
     */
    public RunOptions withWaitTimeout(Duration waitTimeout) {
        return new RunOptions(
                ttl, maxHold, waitTimeout, retention, onConflict, onLeaseLost, whenUnavailable, afterCrash);
    }

    /**
     * Replaces the retention.
     *
     * @param retention how long a completed occurrence is remembered
     * @return the changed options
     */
    public RunOptions withRetention(Duration retention) {
        return new RunOptions(
                ttl, maxHold, waitTimeout, retention, onConflict, onLeaseLost, whenUnavailable, afterCrash);
    }

    /**
     * Replaces the conflict policy.
     *
     * @param onConflict what happens if somebody else holds the key
     * @return the changed options
     */
    public RunOptions withOnConflict(OnConflict onConflict) {
        return new RunOptions(
                ttl, maxHold, waitTimeout, retention, onConflict, onLeaseLost, whenUnavailable, afterCrash);
    }

    /**
     * Replaces the way in which a run is told of a loss.
     *
     * @param onLeaseLost how
     * @return the changed options
     */
    public RunOptions withOnLeaseLost(OnLeaseLost onLeaseLost) {
        return new RunOptions(
                ttl, maxHold, waitTimeout, retention, onConflict, onLeaseLost, whenUnavailable, afterCrash);
    }

    /**
     * Replaces what happens if the store cannot tell.
     *
     * @param whenUnavailable fail closed, fail open, or trust the ledger alone
     * @return the changed options
     */
    public RunOptions withWhenUnavailable(WhenUnavailable whenUnavailable) {
        return new RunOptions(
                ttl, maxHold, waitTimeout, retention, onConflict, onLeaseLost, whenUnavailable, afterCrash);
    }

    /**
     * Replaces what becomes of an occurrence whose run breaks off.
     *
     * @param afterCrash run it again, or leave it for a person
     * @return the changed options
     */
    public RunOptions withAfterCrash(AfterCrash afterCrash) {
        return new RunOptions(
                ttl, maxHold, waitTimeout, retention, onConflict, onLeaseLost, whenUnavailable, afterCrash);
    }

    private static <E extends Enum<E>> E constant(String setting, String text, Class<E> type) {
        String wanted = text.trim().replace('-', '_').toUpperCase(Locale.ROOT);
        for (E each : type.getEnumConstants()) {
            if (each.name().equals(wanted)) {
                return each;
            }
        }
        throw new IllegalArgumentException("setting " + setting + ": '" + text + "' is not known; allowed are "
                + Arrays.toString(type.getEnumConstants()));
    }
}
