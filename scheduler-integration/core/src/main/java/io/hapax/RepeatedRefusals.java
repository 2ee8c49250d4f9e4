package io.hapax;

import io.hapax.event.GuardEvent;
import io.hapax.event.Verdict;
import io.hapax.lease.JobIdentity;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts refusals of the same job, key and verdict, minute by minute; where the store cannot tell, of the same job, whatever the key.
 *
 * <p>It remembers {@value #LARGEST} of them; those beyond are counted together, by their verdict. It has no thread: a
 * count is there once its minute is over, and a caller that has something to do here anyway asks for it. Thread-safe.
 */
final class RepeatedRefusals {

    static final int LARGEST = 1_000;
    private static final Duration WINDOW = Duration.ofMinutes(1);

    private final Ticker ticker;
    private final Object lock = new Object();
    /** By their beginnings, as all windows are of one length. */
    private final Map<Kind, Window> windows = new LinkedHashMap<>();

    private volatile boolean empty = true;

    RepeatedRefusals(Ticker ticker) {
        this.ticker = ticker;
    }

    /**
     * What counts as the same. A key that is done or abandoned is one occurrence; that nobody can tell is nothing about a key; of
     * other refusals, the occurrences of one job and lock key are alike.
     *
     * @param job null for all that are beyond the limit
     */
    private record Kind(@Nullable String job, @Nullable Object key, Verdict verdict) {

        static Kind of(GuardEvent.Refused event) {
            Verdict verdict = event.refusal().verdict();
            JobIdentity identity = event.identity();
            @Nullable
            Object key = switch (verdict) {
                case DONE, ABANDONED -> identity;
                case UNAVAILABLE -> null;
                default -> identity.lockKey();
            };
            return new Kind(event.job(), key, verdict);
        }

        Kind amongOthers() {
            return new Kind(null, null, verdict);
        }
    }

    private static final class Window {
        private final NanoTime began;
        private GuardEvent.Refused last;
        private long times;

        Window(NanoTime began, GuardEvent.Refused first) {
            this.began = began;
            this.last = first;
        }
    }

    /**
     * How often a refusal has repeated.
     *
     * @param last the last of them
     * @param various whether they are of different jobs and keys
     * @param times how many, without those that were logged
     * @param span within which time
     */
    record Count(GuardEvent.Refused last, boolean various, long times, Duration span) {}

    /** Whether nothing is being counted; cheap. */
    boolean isEmpty() {
        return empty;
    }

    /**
     * Takes a refusal in.
     *
     * @return whether it repeats one that was logged, and is counted
     */
    boolean counted(GuardEvent.Refused event) {
        synchronized (lock) {
            Kind kind = Kind.of(event);
            Window window = windows.get(kind);
            if (window == null && windows.size() >= LARGEST) {
                kind = kind.amongOthers();
                window = windows.get(kind);
            }
            if (window == null) {
                windows.put(kind, new Window(ticker.now(), event));
                empty = false;
                return false;
            }
            window.times++;
            window.last = event;
            return true;
        }
    }

    /** Ends the windows whose minute is over; those that had something to count start another one. */
    List<Count> due() {
        synchronized (lock) {
            NanoTime now = ticker.now();
            List<Count> due = take(now.plus(WINDOW.negated()), now);
            for (Count count : due) {
                Kind kind = Kind.of(count.last());
                windows.put(count.various() ? kind.amongOthers() : kind, new Window(now, count.last()));
            }
            empty = windows.isEmpty();
            return due;
        }
    }

    /** Ends all windows. */
    List<Count> rest() {
        synchronized (lock) {
            NanoTime now = ticker.now();
            List<Count> rest = take(now, now);
            empty = true;
            return rest;
        }
    }

    /** Removes the windows that started no later; returns what they counted, if anything. */
    private List<Count> take(NanoTime latest, NanoTime now) {
        List<Count> counts = new ArrayList<>();
        var each = windows.entrySet().iterator();
        while (each.hasNext()) {
            var entry = each.next();
            Window window = entry.getValue();
            if (latest.isBefore(window.began)) {
                break;
            }
            each.remove();
            if (window.times > 0) {
                boolean various = entry.getKey().job() == null;
                counts.add(new Count(window.last, various, window.times, now.since(window.began)));
            }
        }
        return counts;
    }
}
