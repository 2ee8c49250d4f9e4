package io.hapax;

import io.hapax.ledger.AfterCrash;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How a run is guarded: a value for each {@link Setting}. Immutable; start from {@link #DEFAULTS}. */
public final class RunOptions {

    private static final Duration LONGEST_ANSWER = Duration.ofSeconds(2);
    private static final int ANSWERS_PER_TTL = 6;

    /** The default of each setting. */
    public static final RunOptions DEFAULTS =
            new RunOptions(Setting.ALL.stream().map(Setting::defaultValue).toArray());

    private final Object[] values;

    private RunOptions(Object[] values) {
        this.values = values;
    }

    /**
     * Returns a value.
     *
     * @param setting of which setting
     * @param <T> its type
     * @return the value
     */
    public <T> T get(Setting<T> setting) {
        return setting.type().cast(values[setting.index()]);
    }

    /**
     * Replaces a value.
     *
     * @param setting of which setting
     * @param value the new value
     * @param <T> its type
     * @return the changed options
     * @throws IllegalArgumentException if the value is not allowed; the message names the setting
     */
    public <T> RunOptions with(Setting<T> setting, T value) {
        Object[] changed = values.clone();
        changed[setting.index()] = setting.checked(value);
        return new RunOptions(changed);
    }

    /**
     * Replaces a value by its name, for settings that are read from text.
     *
     * @param name one of {@link Setting#names()}
     * @param value as {@link Setting#parse} reads it
     * @return the changed options
     * @throws IllegalArgumentException if the name or the value is not known; the message lists what is allowed
     */
    public RunOptions with(String name, String value) {
        return parsed(Setting.named(name), value);
    }

    private <T> RunOptions parsed(Setting<T> setting, String value) {
        return with(setting, setting.parse(value));
    }

    /**
     * Replaces several values by their names.
     *
     * @param layer names of {@link Setting#names()} and values
     * @return the changed options
     * @throws IllegalArgumentException if a name or a value is not known
     */
    public RunOptions with(Map<String, String> layer) {
        RunOptions options = this;
        for (Map.Entry<String, String> each : layer.entrySet()) {
            options = options.with(each.getKey(), each.getValue());
        }
        return options;
    }

    /**
     * Checks that the options go together. Called for each run, so that the order in which they are set does not matter.
     *
     * @throws IllegalArgumentException if two of them contradict each other; the message names them
     */
    public void requireConsistent() {
        Contradictions.refuse(this);
    }

    /**
     * Works out an answer timeout for a store that is opened for these options: short enough for a renewal to be tried several
     * times.
     *
     * @return 2 s, or a sixth of the ttl if that is less
     */
    public Duration fittingAnswerTimeout() {
        Duration share = ttl().dividedBy(ANSWERS_PER_TTL);
        return share.compareTo(LONGEST_ANSWER) < 0 ? share : LONGEST_ANSWER;
    }

    /**
     * Works out the longest ttl for a store that is opened for these options.
     *
     * @return the default ttl, or this one if it is longer
     */
    public Duration fittingLongestTtl() {
        Duration usual = Setting.TTL.defaultValue();
        return ttl().compareTo(usual) < 0 ? usual : ttl();
    }

    /** Whether there is a limit that a ledger does not know. */
    boolean needsMoreThanLease() {
        return concurrency() > 1 || needsReservations();
    }

    boolean needsReservations() {
        return throttle().isLimited() || onConflict().isAboutOthers();
    }

    /**
     * Tells how long a lease lives unless renewed.
     *
     * @return how long; at least 100 ms; a lease is renewed every third of it
     */
    public Duration ttl() {
        return get(Setting.TTL);
    }

    /**
     * Tells after how long a run is no longer renewed, and notified that it lost its lease.
     *
     * @return how long; zero for never
     */
    public Duration maxHold() {
        return get(Setting.MAX_HOLD);
    }

    /**
     * Tells how long a run waits for its key, with {@link OnConflict#WAIT}.
     *
     * @return how long at most
     */
    public Duration waitTimeout() {
        return get(Setting.WAIT_TIMEOUT);
    }

    /**
     * Tells how long an occurrence that is over is remembered.
     *
     * @return how long; at least 1 ms
     */
    public Duration retention() {
        return get(Setting.RETENTION);
    }

    /**
     * Tells what happens to a run while another one holds its lock key.
     *
     * @return the conflict policy
     */
    public OnConflict onConflict() {
        return get(Setting.ON_CONFLICT);
    }

    /**
     * Returns how a run is notified that it lost its lease.
     *
     * @return how
     */
    public OnLeaseLost onLeaseLost() {
        return get(Setting.ON_LEASE_LOST);
    }

    /**
     * Tells what happens if the store does not answer.
     *
     * @return fail closed, fail open, or trust the ledger alone
     */
    public WhenUnavailable whenUnavailable() {
        return get(Setting.WHEN_UNAVAILABLE);
    }

    /**
     * Tells what happens to an occurrence whose run crashes.
     *
     * @return run it again, or leave it for a person, which needs a ledger and a run key
     */
    public AfterCrash afterCrash() {
        return get(Setting.AFTER_CRASH);
    }

    /**
     * Tells what happens to a planned firing whose job fails.
     *
     * @return it is over, or free for another attempt
     */
    public OnFailure onFailure() {
        return get(Setting.ON_FAILURE);
    }

    /**
     * Tells how many runs may hold the lock key at once: the smallest number that any holder or asker states is kept.
     *
     * @return from 1 to 100
     */
    public int concurrency() {
        return get(Setting.CONCURRENCY);
    }

    /**
     * Tells how many runs of the lock key may start in a time.
     *
     * @return the limit
     */
    public Throttle throttle() {
        return get(Setting.THROTTLE);
    }

    /**
     * Tells when the lock key is taken.
     *
     * @return the lock mode
     */
    public LockMode mode() {
        return get(Setting.MODE);
    }

    /**
     * Tells for how long a queued job keeps others of its lock key out of the queue.
     *
     * @return how long at most
     */
    public Duration uniqueFor() {
        return get(Setting.UNIQUE_FOR);
    }

    /**
     * Tells whether the guard only observes: it asks, notes and tells as usual, but the run takes place whatever the answer is, and
     * is neither delayed nor interrupted.
     *
     * @return whether nothing is refused
     */
    public boolean observe() {
        return get(Setting.OBSERVE);
    }

    /**
     * Replaces how long a lease lives unless renewed.
     *
     * @param ttl how long; at least 100 ms; a lease is renewed every third of it
     * @return the changed options
     */
    public RunOptions withTtl(Duration ttl) {
        return with(Setting.TTL, ttl);
    }

    /**
     * Replaces after how long a run is no longer renewed, and notified that it lost its lease.
     *
     * @param maxHold how long; zero for never
     * @return the changed options
     */
    public RunOptions withMaxHold(Duration maxHold) {
        return with(Setting.MAX_HOLD, maxHold);
    }

    /**
     * Replaces how long a run waits for its key, with {@link OnConflict#WAIT}.
     *
     * @param waitTimeout how long at most
     * @return the changed options
     */
    public RunOptions withWaitTimeout(Duration waitTimeout) {
        return with(Setting.WAIT_TIMEOUT, waitTimeout);
    }

    /**
     * Replaces how long an occurrence that is over is remembered.
     *
     * @param retention how long; at least 1 ms
     * @return the changed options
     */
    public RunOptions withRetention(Duration retention) {
        return with(Setting.RETENTION, retention);
    }

    /**
     * Replaces what happens to a run while another one holds its lock key.
     *
     * @param onConflict the conflict policy
     * @return the changed options
     */
    public RunOptions withOnConflict(OnConflict onConflict) {
        return with(Setting.ON_CONFLICT, onConflict);
    }

    /**
     * Replaces how a run is notified that it lost its lease.
     *
     * @param onLeaseLost how
     * @return the changed options
     */
    public RunOptions withOnLeaseLost(OnLeaseLost onLeaseLost) {
        return with(Setting.ON_LEASE_LOST, onLeaseLost);
    }

    /**
     * Replaces what happens if the store does not answer.
     *
     * @param whenUnavailable fail closed, fail open, or trust the ledger alone
     * @return the changed options
     */
    public RunOptions withWhenUnavailable(WhenUnavailable whenUnavailable) {
        return with(Setting.WHEN_UNAVAILABLE, whenUnavailable);
    }

    /**
     * Replaces what happens to an occurrence whose run crashes.
     *
     * @param afterCrash run it again, or leave it for a person, which needs a ledger and a run key
     * @return the changed options
     */
    public RunOptions withAfterCrash(AfterCrash afterCrash) {
        return with(Setting.AFTER_CRASH, afterCrash);
    }

    /**
     * Replaces what happens to a planned firing whose job fails.
     *
     * @param onFailure it is over, or free for another attempt
     * @return the changed options
     */
    public RunOptions withOnFailure(OnFailure onFailure) {
        return with(Setting.ON_FAILURE, onFailure);
    }

    /**
     * Replaces how many runs may hold the lock key at once.
     *
     * @param concurrency from 1 to 100
     * @return the changed options
     */
    public RunOptions withConcurrency(int concurrency) {
        return with(Setting.CONCURRENCY, concurrency);
    }

    /**
     * Replaces how many runs of the lock key may start in a time.
     *
     * @param throttle the limit
     * @return the changed options
     */
    public RunOptions withThrottle(Throttle throttle) {
        return with(Setting.THROTTLE, throttle);
    }

    /**
     * Replaces when the lock key is taken.
     *
     * @param mode the lock mode
     * @return the changed options
     */
    public RunOptions withMode(LockMode mode) {
        return with(Setting.MODE, mode);
    }

    /**
     * Replaces for how long a queued job keeps others of its lock key out of the queue.
     *
     * @param uniqueFor how long at most
     * @return the changed options
     */
    public RunOptions withUniqueFor(Duration uniqueFor) {
        return with(Setting.UNIQUE_FOR, uniqueFor);
    }

    /**
     * Replaces whether the guard only observes.
     *
     * @param observe whether nothing is refused
     * @return the changed options
     */
    public RunOptions withObserve(boolean observe) {
        return with(Setting.OBSERVE, observe);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RunOptions options && Arrays.equals(values, options.values);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(values);
    }

    /** Names what differs from the defaults. */
    @Override
    public String toString() {
        return Setting.ALL.stream()
                .filter(setting -> !get(setting).equals(setting.defaultValue()))
                .map(setting -> setting + "=" + get(setting))
                .collect(Collectors.joining(", ", "RunOptions[", "]"));
    }
}
