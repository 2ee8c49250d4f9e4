package io.hapax;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Lets one of those who wait for the same thing ask again from time to time, and not each: whether a key is free is the same for
 * all. They take turns, and the store wakes each after a release besides, if messages arrive. Thread-safe; nobody is woken
 * up under the lock.
 */
final class Polls {

    /** Once a run of this process has ended, a store whose messages arrive has woken up the next one by then. */
    private static final Duration AFTER_RELEASE = Duration.ofMillis(50);

    private final Duration longest;
    private final Ticker ticker;
    private final ConcurrentHashMap<What, Line> lines = new ConcurrentHashMap<>();
    private final Object lock = new Object();
    private boolean closed;

    /**
     * What is waited for, where the answer to one tells something to all.
     *
     * @param key the lock key, or the run key where that is in the way, or is all that there is
     * @param limit how many may hold the lock key at once, as they say; else 1
     */
    record What(Object key, int limit) {

        static What of(JobIdentity identity, int limit, boolean occurrenceIsInTheWay) {
            LockKey lock = identity.lockKey();
            RunKey run = identity.runKey();
            return run != null && (lock == null || occurrenceIsInTheWay)
                    ? new What(run, 1)
                    : new What(Objects.requireNonNull(lock), limit);
        }
    }

    /** Those who wait for one thing. Guarded by the lock, but for the reason. */
    private static final class Line {
        /** Who has waited for longest comes first. */
        final List<CompletableFuture<Void>> waiting = new ArrayList<>();
        /** When the next one asks, at the latest. */
        NanoTime at;
        /** When somebody last had that be earlier, or as early. */
        NanoTime hastened;

        /** When the alarm rings: then, or before; null if it could not be set, and any that rings counts. */
        @Nullable
        NanoTime alarmAt;

        /** The one that was set last, which nobody needs when nobody waits. */
        volatile @Nullable CompletableFuture<Void> alarm;

        volatile String reason = "";

        Line(NanoTime at, NanoTime now) {
            this.at = at;
            this.hastened = now;
        }

        void noLaterThan(NanoTime instant, NanoTime now) {
            hastened = now;
            if (instant.isBefore(at)) {
                at = instant;
            }
        }

        /**
         * When an alarm is to be set; null if one rings in time, and is then set anew.
         *
         * @param lost before when one should have rung, or never will
         */
        @Nullable
        NanoTime nextAlarm(NanoTime lost) {
            NanoTime before = alarmAt;
            if (before != null && !at.isBefore(before) && !before.isBefore(lost)) {
                return null;
            }
            alarmAt = at;
            return at;
        }
    }

    /** @param longest the time between two who ask, unless a refusal says that less makes sense */
    Polls(Duration longest, Ticker ticker) {
        this.longest = longest;
        this.ticker = ticker;
    }

    /**
     * Has a wait end when it is its turn to ask.
     *
     * @param wait is cancelled then
     * @param poll after which time somebody should ask
     * @param reason what is in the way
     */
    void join(What what, CompletableFuture<Void> wait, Duration poll, String reason, Watchdog watchdog) {
        Line line = null;
        NanoTime alarm = null;
        synchronized (lock) {
            if (!closed) {
                NanoTime now = ticker.now();
                NanoTime at = now.plus(poll);
                NanoTime lost = lost(now);
                line = lines.computeIfAbsent(what, unknown -> new Line(at, now));
                line.waiting.add(wait);
                line.reason = reason;
                line.noLaterThan(at, now);
                alarm = line.nextAlarm(lost);
            }
        }
        if (line == null) {
            wait.cancel(false);
            return;
        }
        try {
            set(what, line, alarm, watchdog);
        } catch (Throwable noMemory) {
            // The caller gets the failure, and does not wait.
            CompletableFuture<Void> unneeded = leave(what, wait, null);
            if (unneeded != null) {
                unneeded.cancel(false);
            }
            throw noMemory;
        }
    }

    private NanoTime lost(NanoTime now) {
        return now.plus(longest.negated());
    }

    /**
     * Leaves the others to wait on.
     *
     * @param asks when the one who leaves went to ask, which is as good as a turn, unless somebody has come since; null if it does not
     * @return an alarm that nobody needs any more, to be cancelled when there is time; null if there is none
     */
    @Nullable
    CompletableFuture<Void> leave(What what, CompletableFuture<Void> wait, @Nullable NanoTime asks) {
        synchronized (lock) {
            Line line = lines.get(what);
            if (line == null || !line.waiting.removeIf(other -> other == wait)) {
                return null;
            }
            if (asks != null && !asks.isBefore(line.hastened)) {
                line.at = asks.plus(longest);
            }
            if (!line.waiting.isEmpty()) {
                return null;
            }
            lines.remove(what);
            return line.alarm;
        }
    }

    /** Has the next one ask at once: what was answered to the last one says nothing about it. */
    void passOn(What what, Watchdog watchdog) {
        hasten(what, Duration.ZERO, watchdog);
    }

    /** A run of this process ends: if nobody who waits was woken soon after, one asks. */
    void releases(JobIdentity identity, int limit, Watchdog watchdog) {
        if (lines.isEmpty()) {
            return;
        }
        hasten(What.of(identity, limit, false), AFTER_RELEASE, watchdog);
        if (identity.lockKey() != null && identity.runKey() != null) {
            hasten(What.of(identity, limit, true), AFTER_RELEASE, watchdog);
        }
    }

    private void hasten(What what, Duration left, Watchdog watchdog) {
        Line line;
        NanoTime alarm = null;
        synchronized (lock) {
            line = lines.get(what);
            if (line != null) {
                NanoTime now = ticker.now();
                line.noLaterThan(now.plus(left), now);
                alarm = line.nextAlarm(lost(now));
            }
        }
        if (line != null) {
            set(what, line, alarm, watchdog);
        }
    }

    /** What is in the way as of the newest refusal; null if nobody waits. */
    @Nullable
    String reason(What what) {
        Line line = lines.get(what);
        return line == null ? null : line.reason;
    }

    /**
     * Ends all waits, also those that start later. Code of those who wait may follow: that of one does not hold up all others, nor the
     * caller.
     */
    void close(Watchdog watchdog) {
        List<CompletableFuture<Void>> all = new ArrayList<>();
        synchronized (lock) {
            closed = true;
            lines.values().forEach(line -> all.addAll(line.waiting));
        }
        all.forEach(wait -> watchdog.atLast(() -> end(wait)));
    }

    /** One that is not the next any more, because an earlier one was set meanwhile, rings in vain. */
    private void set(What what, Line line, @Nullable NanoTime at, Watchdog watchdog) {
        if (at == null) {
            return;
        }
        try {
            NanoTime now = ticker.now();
            line.alarm = Pause.of(at.since(now), now, watchdog, () -> rings(what, line, at, watchdog));
        } catch (Throwable noMemory) {
            synchronized (lock) {
                if (at.equals(line.alarmAt)) {
                    line.alarmAt = null;
                }
            }
            throw noMemory;
        }
    }

    private void rings(What what, Line line, NanoTime at, Watchdog watchdog) {
        List<CompletableFuture<Void>> inTurn;
        NanoTime alarm;
        synchronized (lock) {
            boolean inVain = line.alarmAt != null && !at.equals(line.alarmAt);
            if (lines.get(what) != line || inVain) {
                return;
            }
            NanoTime now = ticker.now();
            boolean early = now.isBefore(line.at);
            inTurn = early ? List.of() : new ArrayList<>(line.waiting);
            if (!early) {
                line.at = now.plus(longest);
            }
            line.alarmAt = null;
            alarm = line.nextAlarm(now);
        }
        try {
            set(what, line, alarm, watchdog);
        } finally {
            // If that failed, the one who asks sets the next alarm.
            endFirst(inTurn);
        }
    }

    /** Somebody may be woken at this moment, or withdrawn. */
    private static void endFirst(List<CompletableFuture<Void>> inTurn) {
        for (CompletableFuture<Void> wait : inTurn) {
            if (end(wait)) {
                return;
            }
        }
    }

    /** Ends a wait that has not ended; whether it did. {@link CompletableFuture#cancel} would not tell, if it was cancelled before. */
    static boolean end(CompletableFuture<Void> wait) {
        return wait.completeExceptionally(new CancellationException());
    }
}
