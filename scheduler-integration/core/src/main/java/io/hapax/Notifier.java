package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import io.hapax.thread.GuardThreads;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls listeners so that none of them can disturb a run, a renewal or another listener, whatever it throws and however
 * long it takes.
 *
 * <p>Events that no caller waits for, as those that the watchdog raises, wait in a separate queue for each listener, in order, and are
 * delivered on a thread of that listener; callbacks of single runs, which may block, share a pool. Of each, at most {@value #MOST_WAITING} wait; further ones are
 * dropped, counted, and reported in the log. All threads are daemons and end when idle.
 */
final class Notifier {

    static final int MOST_WAITING = 10_000;

    private static final Logger LOG = LoggerFactory.getLogger(JobGuard.class);
    /** So many callbacks may block before others wait for them. */
    private static final int MOST_CALLBACKS = 64;

    private static final int INTERRUPTS = 2;

    private static final Duration NEXT_START = Duration.ofSeconds(1);

    private final List<Told> listeners;
    private final GuardThreads threads;
    private final ExecutorService callbacks;
    private final ExecutorService interrupts;
    private final AtomicInteger waitingCallbacks = new AtomicInteger();
    private final DropLog droppedCallbacks;

    Notifier(List<GuardListener> listeners, GuardThreads threads, Ticker ticker) {
        this.threads = threads;
        this.listeners =
                listeners.stream().map(listener -> new Told(listener, ticker)).toList();
        this.callbacks = threads.pool("hapax-callback", MOST_CALLBACKS);
        this.interrupts = threads.growingPool("hapax-interrupts", INTERRUPTS);
        this.droppedCallbacks = new DropLog(
                "callbacks of lost leases are dropped, as " + MOST_CALLBACKS + " are blocked and " + MOST_WAITING
                        + " wait",
                threads,
                ticker);
    }

    /** A listener, the events that it has yet to receive, and whether it keeps failing, which is reported once until it works. */
    private final class Told implements GuardThreads.Trouble {

        private final GuardListener listener;
        private final GuardThreads calls = new GuardThreads(this);
        private final AtomicBoolean failing = new AtomicBoolean();
        private final DropLog dropped;
        private final Object lock = new Object();
        // Guarded by the lock.
        private final Deque<GuardEvent> waiting = new ArrayDeque<>();
        /** How many events of each run wait or are being delivered. */
        private final Map<OwnerId, Integer> unheard = new HashMap<>();

        private boolean telling;
        private @Nullable GuardEvent beingTold;
        /** Whether something may wait, for those who do not want to take the lock. */
        private volatile boolean busy;

        Told(GuardListener listener, Ticker ticker) {
            this.listener = listener;
            this.dropped = new DropLog(
                    "listener " + listener.getClass().getName() + " of the guard is blocked or too slow: "
                            + MOST_WAITING + " events wait for it, and others are dropped",
                    threads,
                    ticker);
        }

        /** On the caller's thread, or after earlier events of the same run that the listener has yet to receive. */
        void tell(GuardEvent event) {
            if (busy && isBehind(run(event))) {
                tellLater(event);
            } else {
                call(event);
            }
        }

        private boolean isBehind(@Nullable OwnerId run) {
            if (run == null) {
                return false;
            }
            synchronized (lock) {
                return unheard.containsKey(run);
            }
        }

        /** On the listener's own thread. Never waits. */
        void tellLater(GuardEvent event) {
            boolean full;
            synchronized (lock) {
                full = waiting.size() >= MOST_WAITING;
                if (!full) {
                    // Counted first: one that waits without being counted would be overtaken.
                    count(event, 1);
                    busy = true;
                    waiting.add(event);
                }
            }
            if (full) {
                dropped.dropped();
            }
            startIfNeeded();
        }

        /** If no thread can be started, the next event tries again, and so does a timer. */
        private void startIfNeeded() {
            synchronized (lock) {
                if (telling || waiting.isEmpty()) {
                    return;
                }
                telling = true;
            }
            boolean started = false;
            try {
                started = threads.start("hapax-events", this::tellAll) != null;
            } finally {
                if (!started) {
                    synchronized (lock) {
                        telling = false;
                    }
                }
            }
            if (!started) {
                // It starts as it is handed over: what has no memory then is handed over again.
                var unused = threads.after(NEXT_START, task -> startIfNeeded(), () -> {});
            }
        }

        private void tellAll() {
            for (GuardEvent event = next(); event != null; event = next()) {
                call(event);
            }
            dropped.over();
        }

        private @Nullable GuardEvent next() {
            synchronized (lock) {
                count(beingTold, -1);
                GuardEvent event = waiting.poll();
                beingTold = event;
                telling = event != null;
                busy = telling;
                return event;
            }
        }

        /** Held: the lock. */
        private void count(@Nullable GuardEvent event, int more) {
            OwnerId run = event == null ? null : run(event);
            if (run != null) {
                int left = unheard.merge(run, more, Integer::sum);
                if (left == 0) {
                    unheard.remove(run);
                }
            }
        }

        private void call(GuardEvent event) {
            if (calls.call("a listener", () -> listener.on(event)) && failing.get()) {
                failing.set(false);
            }
        }

        @Override
        public void met(String what, Throwable failure) {
            if (failing.compareAndSet(false, true)) {
                LOG.warn(
                        "listener {} of the guard failed; no run is affected. It is not reported again until it has worked",
                        listener.getClass().getName(),
                        failure);
            }
        }
    }

    private static @Nullable OwnerId run(GuardEvent event) {
        Lease lease = event instanceof GuardEvent.Released released
                ? released.lease()
                : event instanceof GuardEvent.Acquired acquired
                        ? acquired.lease()
                        : event instanceof GuardEvent.Lost lost
                                ? lost.lease()
                                : event instanceof GuardEvent.RenewedLate late ? late.lease() : null;
        return lease == null ? null : lease.owner();
    }

    /**
     * On the calling thread, which a listener that blocks holds, unless the listener has yet to receive an earlier event of that run. Only
     * for threads that work for the caller who acquires or ends the run, see {@link CallersEvents}.
     */
    void tell(GuardEvent event) {
        for (int n = 0; n < listeners.size(); n++) {
            listeners.get(n).tell(event);
        }
    }

    /** For callers that nothing may hold. */
    void tellLater(GuardEvent event) {
        listeners.forEach(told -> told.tellLater(event));
    }

    void call(Runnable callback) {
        if (waitingCallbacks.incrementAndGet() > MOST_WAITING + MOST_CALLBACKS) {
            waitingCallbacks.decrementAndGet();
            droppedCallbacks.dropped();
            return;
        }
        boolean waits = false;
        try {
            callbacks.execute(() -> {
                try {
                    callback.run();
                } finally {
                    calledBack();
                }
            });
            waits = true;
        } finally {
            if (!waits) {
                calledBack();
            }
        }
    }

    /**
     * Has another thread interrupt that of a run, as this may block.
     *
     * @return false if no thread can be started for it at this moment, so that the caller may have to do it
     */
    boolean interrupt(Runnable interrupt) {
        interrupts.execute(interrupt);
        return !(interrupts instanceof ThreadPoolExecutor pool) || pool.getPoolSize() > 0;
    }

    private void calledBack() {
        if (waitingCallbacks.decrementAndGet() == 0) {
            droppedCallbacks.over();
        }
    }

    /** Calls what must not disturb its caller, on the caller's thread. */
    void quietly(String what, Runnable code) {
        boolean unused = threads.call(what, code);
    }

    static GuardThreads threads() {
        return new GuardThreads((what, failure) -> LOG.error("{} failed; the guard goes on", what, failure));
    }
}
