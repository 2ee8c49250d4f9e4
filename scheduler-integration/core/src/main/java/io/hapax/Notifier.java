package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls listeners so that none of them can disturb a run or a renewal.
 *
 * <p>Events that the watchdog raises go through one thread, in order; callbacks of single runs, which may block, get
 * threads of their own. All threads are daemons and go away when idle.
 */
final class Notifier {

    private static final Logger LOG = LoggerFactory.getLogger(JobGuard.class);

    private final List<GuardListener> listeners;
    private final ExecutorService inOrder;
    private final ExecutorService callbacks;

    Notifier(List<GuardListener> listeners) {
        this.listeners = List.copyOf(listeners);
        ThreadPoolExecutor single = new ThreadPoolExecutor(
                1, 1, 5, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> daemon(task, "hapax-events"));
        single.allowCoreThreadTimeOut(true);
        this.inOrder = single;
        this.callbacks = new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE,
                5,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                task -> daemon(task, "hapax-callback"));
    }

    void tell(GuardEvent event) {
        for (GuardListener listener : listeners) {
            quietly(() -> listener.on(event));
        }
    }

    void tellLater(GuardEvent event) {
        inOrder.execute(() -> tell(event));
    }

    void call(Runnable callback) {
        callbacks.execute(() -> quietly(callback));
    }

    private static void quietly(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException | LinkageError e) {
            LOG.warn("a listener of the guard failed; the run is not affected", e);
        }
    }

    static Thread daemon(Runnable task, String name) {
        Thread thread = new Thread(null, task, name, 0, false);
        thread.setDaemon(true);
        // Keeps a web application's class loader from being held by a thread that outlives it.
        thread.setContextClassLoader(Notifier.class.getClassLoader());
        return thread;
    }
}
