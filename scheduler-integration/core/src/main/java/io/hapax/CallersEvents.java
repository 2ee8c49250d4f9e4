package io.hapax;

import io.hapax.event.GuardEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What listeners receive before a caller of the guard gets its answer, on a thread that works for this caller.
 *
 * <p>Such events arise where a port answers, and a listener that blocks there would hold the renewals and the answers of all. So they are
 * kept until the caller goes on. What comes when it has gone on already, or where nobody waits, is left to the listeners' own queues.
 * Thread-safe.
 */
final class CallersEvents {

    private final Notifier notifier;
    private final Object lock = new Object();
    // Guarded by the lock.
    private List<GuardEvent> kept = List.of();
    private @Nullable GuardedRun starts;
    private boolean awaited;

    private CallersEvents(Notifier notifier, boolean awaited) {
        this.notifier = notifier;
        this.awaited = awaited;
    }

    /** For a caller that is going to {@link #deliver} them. */
    static CallersEvents awaited(Notifier notifier) {
        return new CallersEvents(notifier, true);
    }

    /** Where nobody waits. */
    static CallersEvents ofNobody(Notifier notifier) {
        return new CallersEvents(notifier, false);
    }

    void add(GuardEvent event) {
        add(event, null);
    }

    /** @param run starts with this event, so that its other events wait for it; null if none does */
    void add(GuardEvent event, @Nullable GuardedRun run) {
        synchronized (lock) {
            kept = kept.isEmpty() ? List.of(event) : with(event);
            starts = run == null ? starts : run;
            if (awaited) {
                return;
            }
        }
        leave();
    }

    /** Held: the lock. */
    private List<GuardEvent> with(GuardEvent event) {
        List<GuardEvent> more = new ArrayList<>(kept);
        more.add(event);
        return more;
    }

    /** On the calling thread, which a listener that blocks holds. */
    void deliver() {
        handOver(notifier::tell);
    }

    /** Leaves them to the queues of the listeners. Never waits. */
    void leave() {
        handOver(notifier::tellLater);
    }

    private void handOver(Consumer<GuardEvent> to) {
        List<GuardEvent> events;
        GuardedRun run;
        synchronized (lock) {
            awaited = false;
            events = kept;
            kept = List.of();
            run = starts;
            starts = null;
        }
        try {
            for (int n = 0; n < events.size(); n++) {
                to.accept(events.get(n));
            }
        } finally {
            if (run != null) {
                run.announced(notifier::tellLater);
            }
        }
    }
}
