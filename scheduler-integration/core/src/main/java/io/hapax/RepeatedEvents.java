package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Counts events of the same kind, minute by minute.
 *
 * <p>It remembers {@value #LARGEST} of them; those beyond are counted together, by what happened. It has no thread: a
 * count is there once its minute is over, and a caller that has something to do here anyway asks for it. Thread-safe.
 *
 * @param <E> what is counted
 */
final class RepeatedEvents<E extends GuardEvent> {

    static final int LARGEST = 1_000;
    private static final Duration WINDOW = Duration.ofMinutes(1);

    private final Ticker ticker;
    private final Function<E, Kind> kinds;
    private final Object lock = new Object();
    /** By their beginnings, as all windows are of one length. */
    private final Map<Kind, Window<E>> windows = new LinkedHashMap<>();

    private volatile boolean empty = true;

    /** @param kinds says which events count as the same */
    RepeatedEvents(Ticker ticker, Function<E, Kind> kinds) {
        this.ticker = ticker;
        this.kinds = kinds;
    }

    /**
     * What counts as the same.
     *
     * @param job null for all that are beyond the limit
     * @param key null for any
     * @param what has happened
     */
    record Kind(@Nullable String job, @Nullable Object key, Object what) {

        private Kind amongOthers() {
            return new Kind(null, null, what);
        }
    }

    private static final class Window<E> {
        private final NanoTime began;
        private E last;
        private long times;

        Window(NanoTime began, E first) {
            this.began = began;
            this.last = first;
        }
    }

    /**
     * How often an event has repeated.
     *
     * @param last the last of them
     * @param various whether they are of different jobs and keys
     * @param times how many, without those that were logged
     * @param span within which time
     * @param <E> what is counted
     */
    record Count<E>(E last, boolean various, long times, Duration span) {

        /** Stands between what has happened and the last time that it did. */
        String text() {
            return times + " more" + (various ? " of various jobs" : "") + " in the last " + text(span);
        }

        private static String text(Duration span) {
            long minutes = span.toMinutes();
            return minutes == 0 ? span.toSeconds() + " s" : minutes == 1 ? "minute" : minutes + " minutes";
        }
    }

    /** Whether nothing is being counted; cheap. */
    boolean isEmpty() {
        return empty;
    }

    /**
     * Takes an event in.
     *
     * @return whether it repeats one that was logged, and is counted
     */
    boolean counted(E event) {
        synchronized (lock) {
            Kind kind = kinds.apply(event);
            Window<E> window = windows.get(kind);
            if (window == null && windows.size() >= LARGEST) {
                kind = kind.amongOthers();
                window = windows.get(kind);
            }
            if (window == null) {
                windows.put(kind, new Window<>(ticker.now(), event));
                empty = false;
                return false;
            }
            window.times++;
            window.last = event;
            return true;
        }
    }

    /** Ends the windows whose minute is over; those that had something to count start another one. */
    List<Count<E>> due() {
        synchronized (lock) {
            NanoTime now = ticker.now();
            List<Count<E>> due = take(now.plus(WINDOW.negated()), now);
            for (Count<E> count : due) {
                Kind kind = kinds.apply(count.last());
                windows.put(count.various() ? kind.amongOthers() : kind, new Window<>(now, count.last()));
            }
            empty = windows.isEmpty();
            return due;
        }
    }

    /** Ends all windows. */
    List<Count<E>> rest() {
        synchronized (lock) {
            NanoTime now = ticker.now();
            List<Count<E>> rest = take(now, now);
            empty = true;
            return rest;
        }
    }

    /** Removes the windows that started no later; returns what they counted, if anything. */
    private List<Count<E>> take(NanoTime latest, NanoTime now) {
        List<Count<E>> counts = new ArrayList<>();
        var each = windows.entrySet().iterator();
        while (each.hasNext()) {
            var entry = each.next();
            Window<E> window = entry.getValue();
            if (latest.isBefore(window.began)) {
                break;
            }
            each.remove();
            if (window.times > 0) {
                boolean various = entry.getKey().job() == null;
                counts.add(new Count<>(window.last, various, window.times, now.since(window.began)));
            }
        }
        return counts;
    }
}
