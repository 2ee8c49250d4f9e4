package io.hapax.spring;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is planned of a firing. Immutable.
 *
 * @param name names it, the same on all replicas; null if they plan nothing in common, as with a fixed delay
 * @param next when the next one is planned; null if that is not known
 * @param delay how long after a firing has started no other one may; null if that does not matter
 */
record Occurrence(
        @Nullable String name,
        @Nullable Instant next,
        @Nullable Duration delay) {

    /** Of a trigger: the same instant is the same firing. */
    static Occurrence at(Instant planned, @Nullable Instant next) {
        return new Occurrence(planned.toString(), next, null);
    }

    /** Of a fixed rate: a stretch of time as long as the interval, as replicas start to count when they start. */
    static Occurrence in(Instant slot, Duration interval, Instant next) {
        return new Occurrence(slot + "/" + interval, next, null);
    }

    /** Of a fixed delay. */
    static Occurrence after(Duration delay) {
        return new Occurrence(null, null, delay);
    }
}
