package io.hapax.spring;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.lease.Holder;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Remembers the last runs that did not take place, or were lost, for people who ask why. Thread-safe. */
final class RecentEvents implements GuardListener {

    private static final int MOST = 100;

    private final InstantSource clock;
    private final Object lock = new Object();
    private final Deque<Map<String, Object>> events = new ArrayDeque<>();

    RecentEvents(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public void on(GuardEvent event) {
        if (event instanceof GuardEvent.Refused e) {
            Holder holder = e.refusal().holder();
            add(e, "refused", e.refusal().verdict().name(), e.refusal().reason(), holder);
        } else if (event instanceof GuardEvent.Lost e) {
            add(e, "lost", e.reason().name(), "held for " + e.held().toMillis() + "ms", e.holder());
        } else if (event instanceof GuardEvent.Unguarded e) {
            add(e, "unguarded", e.refusal().verdict().name(), e.refusal().reason(), null);
        } else if (event instanceof GuardEvent.Forced e) {
            add(e, "forced", "FORCED", "by " + e.actor() + ": " + e.reason(), e.holder());
        }
    }

    private void add(GuardEvent event, String what, String why, String reason, @Nullable Holder holder) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("at", clock.instant().toString());
        entry.put("what", what);
        entry.put("job", event.job());
        entry.put("keys", event.identity().toString());
        entry.put("why", why);
        entry.put("reason", reason);
        if (holder != null) {
            entry.put("holder", holder.worker());
            entry.put("since", holder.since().toString());
        }
        synchronized (lock) {
            events.addFirst(entry);
            if (events.size() > MOST) {
                events.removeLast();
            }
        }
    }

    /** The newest first. */
    List<Map<String, Object>> newestFirst() {
        synchronized (lock) {
            return List.copyOf(events);
        }
    }
}
