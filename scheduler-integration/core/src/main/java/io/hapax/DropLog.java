package io.hapax;

import io.hapax.thread.GuardThreads;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the log that something was dropped: the first time at once, then a count a minute as long as it goes on.
 *
 * <p>It writes on a thread of its own, as the log may be what nobody gets through. Thread-safe.
 */
final class DropLog {

    private static final Logger LOG = LoggerFactory.getLogger(JobGuard.class);
    private static final Duration WINDOW = Duration.ofMinutes(1);

    private final String what;
    private final GuardThreads threads;
    private final Ticker ticker;
    private final Object lock = new Object();
    // Guarded by the lock.
    private long untold;
    private boolean writing;
    private boolean over;
    private @Nullable NanoTime began;

    /**
     * Creates the log of one place.
     *
     * @param what is dropped, and why: the start of a sentence
     */
    DropLog(String what, GuardThreads threads, Ticker ticker) {
        this.what = what;
        this.threads = threads;
        this.ticker = ticker;
    }

    /** Counts one more. */
    void dropped() {
        NanoTime now = ticker.now();
        synchronized (lock) {
            untold++;
            if (writing || (began != null && now.since(began).compareTo(WINDOW) < 0)) {
                return;
            }
            writing = true;
        }
        start();
    }

    /** Nothing is dropped any more: writes what was not logged yet. */
    void over() {
        synchronized (lock) {
            over = writing;
            if (writing || untold == 0) {
                return;
            }
            writing = true;
        }
        start();
    }

    private void start() {
        boolean started = false;
        try {
            started = threads.start("hapax-dropped", this::write) != null;
        } finally {
            if (!started) {
                synchronized (lock) {
                    writing = false;
                }
            }
        }
    }

    /** A thread's work, which starts anew if there is no memory for it. */
    private void write() {
        do {
            Runnable line = nextLine(ticker.now());
            boolean unused = threads.call("the log", line);
        } while (goesOn());
    }

    private Runnable nextLine(NanoTime now) {
        synchronized (lock) {
            long told = untold;
            NanoTime before = began;
            Runnable line = before == null
                    ? () -> LOG.warn("{}. No run is affected. Those that follow are counted here each minute", what)
                    : () -> LOG.warn(
                            "{}: {} more in the last {} s",
                            what,
                            told,
                            now.since(before).toSeconds());
            // The first line has no number, and stands for one.
            untold -= before == null ? 1 : told;
            began = now;
            return line;
        }
    }

    /** Whether what was dropped meanwhile is the last of it, and is written, too. */
    private boolean goesOn() {
        synchronized (lock) {
            writing = over && untold > 0;
            over = false;
            return writing;
        }
    }
}
