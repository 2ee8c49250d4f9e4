package io.hapax.spring;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The firings of a fixed rate, which a scheduler counts from its own start on the monotonic clock, as slots of the wall clock,
 * which all replicas share: each has one firing of each replica. Thread-safe.
 */
final class RateSlots {

    /** More that are late are one. */
    private static final int MOST = 1_000;

    private static final long MOST_EARLY = Duration.ofMillis(10).toNanos();

    private final Object lock = new Object();
    private final Duration interval;
    private final long nanos;
    private final long startedAt;
    private final Deque<Long> untaken = new ArrayDeque<>();
    private Instant start;
    private long latest = -1;

    /**
     * @param interval longer than nothing
     * @param start when the first firing is planned
     * @param startedAt the same on the monotonic clock
     */
    RateSlots(Duration interval, Instant start, long startedAt) {
        this.interval = interval;
        this.nanos = interval.toNanos();
        this.start = start;
        this.startedAt = startedAt;
    }

    /** Takes the firing that starts now: the latest that is due and has not started, since an earlier one may have been dropped. */
    Occurrence take(Instant now, long monotonic) {
        synchronized (lock) {
            follow(now, monotonic);
            long due = Math.floorDiv(monotonic - startedAt + Math.min(MOST_EARLY, nanos / 2), nanos);
            for (long index = Math.max(latest + 1, due - MOST + 1); index <= due; index++) {
                untaken.addLast(index);
            }
            while (untaken.size() > MOST) {
                untaken.removeFirst();
            }
            latest = Math.max(latest, due);
            Long taken = untaken.pollLast();
            Instant planned = start.plus(interval.multipliedBy(taken == null ? latest : taken));
            return Occurrence.in(slot(planned), interval, planned.plus(interval));
        }
    }

    /** A wall clock that is set, or a machine that slept, moves the plan; one that only drifts must not make a slot twice or never. */
    private void follow(Instant now, long monotonic) {
        Duration apart = Duration.between(start, now).minusNanos(monotonic - startedAt);
        if (apart.abs().compareTo(interval.dividedBy(4)) >= 0) {
            start = start.plus(apart);
        }
    }

    private Instant slot(Instant planned) {
        Duration since = Duration.between(Instant.EPOCH, planned);
        return Instant.EPOCH.plus(interval.multipliedBy(Math.floorDiv(since.toNanos(), nanos)));
    }
}
