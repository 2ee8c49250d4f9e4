package io.hapax.spring;

import io.hapax.event.GuardEvent;
import io.hapax.event.GuardListener;
import io.hapax.lease.Holder;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the last runs that did not take place, or were lost, so that operators can find out why: some of each kind, because most
 * replicas refuse most firings, and a loss would be lost among them. Thread-safe.
 */
final class RecentEvents implements GuardListener {

    private static final int MOST_OF_A_KIND = 25;

    private record Entry(long number, Map<String, Object> content) {}

    private final InstantSource clock;
    private final Object lock = new Object();
    /** The newest first, by what happened and why. Guarded by lock, as is the next. */
    private final Map<String, Deque<Entry>> events = new HashMap<>();

    private long number;

    RecentEvents(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public void on(GuardEvent event) {
        if (event instanceof GuardEvent.Refused e) {
            Holder holder = e.refusal().holder();
            add(e, "refused", e.refusal().verdict().name(), e.refusal().reason(), holder);
        } else if (event instanceof GuardEvent.WouldRefuse e) {
            Holder holder = e.refusal().holder();
            add(e, "would-refuse", e.refusal().verdict().name(), e.refusal().reason(), holder);
        } else if (event instanceof GuardEvent.RanTwice e) {
            Holder holder = e.refusal().holder();
            add(e, "ran-twice", e.refusal().verdict().name(), e.refusal().reason(), holder);
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
            Deque<Entry> kind = events.computeIfAbsent(what + " " + why, any -> new ArrayDeque<>());
            kind.addFirst(new Entry(number++, entry));
            if (kind.size() > MOST_OF_A_KIND) {
                kind.removeLast();
            }
        }
    }

    /** The newest first. */
    List<Map<String, Object>> newestFirst() {
        synchronized (lock) {
            return events.values().stream()
                    .flatMap(Deque::stream)
                    .sorted(Comparator.comparingLong(Entry::number).reversed())
                    .map(Entry::content)
                    .toList();
        }
    }
}
