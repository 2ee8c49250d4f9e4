package io.hapax.spring;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * The firings that a trigger has planned and that have not started: a scheduler may plan the next one before the last one has its
 * thread, and may drop one for which there is none. Thread-safe.
 */
final class PlannedTimes {

    /** More cannot be late at once, so these were dropped. */
    private static final int MOST = 1_000;

    private final Object lock = new Object();
    private final Deque<Instant> pending = new ArrayDeque<>();

    void plan(Instant time) {
        synchronized (lock) {
            if (pending.size() == MOST) {
                pending.removeFirst();
            }
            pending.addLast(time);
        }
    }

    /**
     * Takes the firing that starts now: the latest that is due, since an earlier one that is left may have been dropped. Timers
     * may be early, so if none is due it is the first.
     *
     * @return null if none is planned
     */
    @Nullable
    Instant take(Instant now) {
        synchronized (lock) {
            Iterator<Instant> latestFirst = pending.descendingIterator();
            while (latestFirst.hasNext()) {
                Instant time = latestFirst.next();
                if (!time.isAfter(now)) {
                    latestFirst.remove();
                    return time;
                }
            }
            return pending.pollFirst();
        }
    }
}
