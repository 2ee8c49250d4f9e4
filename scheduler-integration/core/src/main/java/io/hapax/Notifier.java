package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.thread.GuardThreads;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls listeners so that none of them can disturb a run or a renewal, whatever it throws.
 *
 * <p>Events that the watchdog raises go through one thread, in order; callbacks of single runs, which may block, share a
 * pool. All threads are daemons and go away when idle.
 */
final class Notifier {

    private static final Logger LOG = LoggerFactory.getLogger(JobGuard.class);
    /** So many callbacks may block before others wait for them. */
    private static final int MOST_CALLBACKS = 64;

    /** A listener that goes on failing is reported once, until it works again. */
    private static final class Told implements GuardThreads.Trouble {
        private final GuardListener listener;
        private final GuardThreads calls = new GuardThreads(this);
        private final AtomicBoolean failing = new AtomicBoolean();

        Told(GuardListener listener) {
            this.listener = listener;
        }

        void tell(GuardEvent event) {
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

    private final List<Told> listeners;
    private final GuardThreads threads;
    private final ExecutorService inOrder;
    private final ExecutorService callbacks;

    Notifier(List<GuardListener> listeners, GuardThreads threads) {
        this.listeners = listeners.stream().map(Told::new).toList();
        this.threads = threads;
        this.inOrder = threads.pool("hapax-events", 1);
        this.callbacks = threads.pool("hapax-callback", MOST_CALLBACKS);
    }

    void tell(GuardEvent event) {
        for (Told told : listeners) {
            told.tell(event);
        }
    }

    void tellLater(GuardEvent event) {
        inOrder.execute(() -> tell(event));
    }

    void call(Runnable callback) {
        callbacks.execute(callback);
    }

    /** Calls what must not disturb its caller, on the caller's thread. */
    void quietly(String what, Runnable code) {
        boolean unused = threads.call(what, code);
    }

    static GuardThreads threads() {
        return new GuardThreads((what, failure) -> LOG.error("{} failed; the guard goes on", what, failure));
    }
}
