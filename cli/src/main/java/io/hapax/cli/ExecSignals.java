package io.hapax.cli;

import io.hapax.cli.Signals.Ending;
import org.jspecify.annotations.Nullable;

/** What happens to signals: they end a wait for the key, and go to the program once there is one. Thread-safe. */
final class ExecSignals {

    private final Object lock = new Object();
    private @Nullable Thread waiting;
    private @Nullable GuardedProcess process;
    private @Nullable Ending last;

    void catchThem() {
        synchronized (lock) {
            waiting = Thread.currentThread();
        }
        for (Ending ending : Ending.values()) {
            Signals.handle(ending, () -> caught(ending));
        }
    }

    private void caught(Ending ending) {
        synchronized (lock) {
            last = ending;
            if (process != null) {
                process.signal(ending);
            } else if (waiting != null) {
                waiting.interrupt();
            }
        }
    }

    /**
     * From now on signals are for the program; one that came before it is handed on at once. Called by the thread that has waited: the
     * program's end is waited for under the lease, so no interrupt may be left of a signal that came too late to end the wait for the key.
     */
    void goTo(GuardedProcess started) {
        synchronized (lock) {
            process = started;
            waiting = null;
            if (last != null) {
                boolean unused = Thread.interrupted();
                started.signal(last);
            }
        }
    }

    /** The last signal; null if there was none. */
    @Nullable
    Ending last() {
        synchronized (lock) {
            return last;
        }
    }
}
