package io.hapax;

import io.hapax.ledger.AfterCrash;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Settings of the guard for one job: on a job class or on the method that does the work.
 *
 * <p>What is left out is taken from the guard's defaults. Durations are written {@code 500ms}, {@code 30s}, {@code 5m},
 * {@code 24h}, {@code 7d}, or as ISO-8601 ({@code PT30S}).
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
public @interface Guarded {

    /**
     * Names what must not overlap; the adapter says which placeholders it knows. Empty means the adapter's default.
     *
     * @return the lock key
     */
    String key() default "";

    /**
     * Names what must not happen twice, for example an order that a shop may queue more than once; the same placeholders
     * as in {@link #key()}. Empty means the adapter's default: the planned firing, or the id of the job.
     *
     * @return the run key
     */
    String once() default "";

    /**
     * Says how long a lease lives unless renewed.
     *
     * @return a duration, or empty for the guard's default
     */
    String ttl() default "";

    /**
     * Says how long a run may hold its lease at most, {@code 0} for ever.
     *
     * @return a duration, or empty for the guard's default
     */
    String maxHold() default "";

    /**
     * Says how long a run waits for the key, with {@link OnConflict#WAIT}.
     *
     * @return a duration, or empty for the guard's default
     */
    String waitTimeout() default "";

    /**
     * Says how long a completed occurrence is remembered.
     *
     * @return a duration, or empty for the guard's default
     */
    String retention() default "";

    /**
     * Says what happens while another run holds the lock key.
     *
     * @return one value, or none for the guard's default
     */
    OnConflict[] onConflict() default {};

    /**
     * Says how a run is notified that it lost its lease.
     *
     * @return one value, or none for the guard's default
     */
    OnLeaseLost[] onLeaseLost() default {};

    /**
     * Says what happens if the store does not answer.
     *
     * @return one value, or none for the guard's default
     */
    WhenUnavailable[] whenUnavailable() default {};

    /**
     * Says what happens to an occurrence whose run crashes, because its process died or lost its lease. Anything but
     * {@link AfterCrash#RERUN} needs a ledger.
     *
     * @return one value, or none for the guard's default
     */
    AfterCrash[] afterCrash() default {};

    /**
     * Says what happens to a planned firing whose job fails.
     *
     * @return one value, or none for the guard's default
     */
    OnFailure[] onFailure() default {};

    /**
     * Says how many runs may hold the lock key at once, from 1 to 100. If callers state different numbers, as while a deploy changes it, the
     * smallest one that any holder or asker states is kept; 1 is a number like any other.
     *
     * @return a number, or 0 for the guard's default
     */
    int concurrency() default 0;

    /**
     * Says how many runs of the lock key may start in a time, {@code 3/1m} for three in any minute. {@code 1/10m} is a cooldown:
     * after a run has started no other one starts for ten minutes, even if it ends sooner. Without a lock key it is for all runs
     * of the job.
     *
     * @return a {@link Throttle}, or empty for the guard's default
     */
    String throttle() default "";

    /**
     * Says when the lock key is taken. Anything but {@link LockMode#WHILE_EXECUTING} needs a {@link #key()}, and is for jobs
     * that are put into a queue.
     *
     * @return one value, or none for the guard's default
     */
    LockMode[] mode() default {};

    /**
     * Says for how long a queued job keeps others of its lock key out of the queue at most.
     *
     * @return a duration, or empty for the guard's default
     */
    String uniqueFor() default "";

    /**
     * Says whether the guard only observes this job: nothing is refused or interrupted, and what would have been refused is reported.
     *
     * @return one value, or none for the guard's default
     */
    boolean[] observe() default {};

    /**
     * Says that a {@link #key()} or {@link #once()} without a placeholder is meant for all arguments of the job alike. Without
     * it such a key on a job with arguments is refused, because it makes different work the same.
     *
     * @return whether arguments do not matter
     */
    boolean ignoreArguments() default false;

    /**
     * Switches the guard off for this job.
     *
     * @return whether the job is guarded
     */
    boolean enabled() default true;
}
