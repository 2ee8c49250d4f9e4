package io.hapax.ops;

import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Reads the reports of all workers, of which it remembers the lines: each look asks for what is new, and then takes it. Where changes are
 * missing, the worker is asked for all of its lines, and the old ones are returned until they come, unless they are older than some seconds.
 * Thread-safe.
 */
public final class ReportReader {

    /** How long lines are returned after they were known to be the newest. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    /** Postings need not arrive as fast as the fastest one; if some in a row are slower, a clock has stood still. */
    private static final long SLOWEST_MILLIS = 1500;

    private static final int MOST_SLOW = 3;

    private final AdministeredStore store;
    private final Ticker ticker;
    private final NanoTime start;
    private final Object lock = new Object();
    private final Map<String, Worker> workers = new HashMap<>();

    /**
     * Creates a reader that knows nothing yet.
     *
     * @param store the store with the board; not closed with this reader
     * @param ticker the clock of the reader, who compares no clocks of machines
     */
    public ReportReader(AdministeredStore store, Ticker ticker) {
        this.store = store;
        this.ticker = ticker;
        this.start = ticker.now();
    }

    /**
     * What a worker is at. Immutable.
     *
     * @param summary what it says of itself; null where the lines say more
     * @param lines the lines of its report, by key; empty if it has put up none yet
     * @param clock what its clock shows now, in milliseconds: see {@link ReportWriter#clock}
     * @param isWhole whether it has no lines that this reader lacks
     */
    public record Seen(@Nullable String summary, Map<String, String> lines, long clock, boolean isWhole) {}

    private static final class Worker {
        private @Nullable String summary;
        private ReportLines lines = new ReportLines();
        private Map<String, String> shown = Map.of();
        private FleetBoard.@Nullable Position known;
        /** When it was last known that there are no other lines. */
        private NanoTime whole;
        /** How far the reader's clock is ahead of the worker's, which the fastest posting tells best. */
        private long ahead;
        /** What the worker's clock showed at the last posting that was compared. */
        private long posted;

        private int slow;

        Worker(NanoTime now) {
            this.whole = now;
            forgetClock();
        }

        private void forgetClock() {
            ahead = Long.MAX_VALUE;
            posted = Long.MIN_VALUE;
            slow = 0;
        }

        private void forget() {
            lines = new ReportLines();
            shown = Map.of();
            known = null;
            forgetClock();
        }

        private boolean hasClock() {
            return ahead != Long.MAX_VALUE;
        }

        /** If the worker has posted nothing since, its clock goes on all the same. */
        private void compare(long shows, long clock) {
            if (shows == posted) {
                return;
            }
            posted = shows;
            long now = clock - shows;
            slow = hasClock() && now - ahead > SLOWEST_MILLIS ? slow + 1 : 0;
            ahead = slow >= MOST_SLOW ? now : Math.min(ahead, now);
        }
    }

    /**
     * Asks for what is new of all workers.
     *
     * @param readingFor how long they are to know that they are read
     * @return what is new, for {@link #take}; fails as the board does, and then the next look asks for it again
     */
    public CompletionStage<Map<String, FleetBoard.News>> ask(Duration readingFor) {
        Map<String, FleetBoard.Position> known = new HashMap<>();
        synchronized (lock) {
            workers.forEach((name, worker) -> {
                if (worker.known != null) {
                    known.put(name, worker.known);
                }
            });
        }
        return store.board().news(known, readingFor);
    }

    /**
     * Takes what is new. That takes time, as much as there is: not for the threads of a store, on which stages complete.
     *
     * @param news what the board has answered
     * @return what each worker is at, by its name as the board keeps it
     */
    public Map<String, Seen> take(Map<String, FleetBoard.News> news) {
        Objects.requireNonNull(news, "the board has answered null");
        synchronized (lock) {
            NanoTime now = ticker.now();
            long clock = now.since(start).toMillis();
            workers.keySet().retainAll(news.keySet());
            Map<String, Seen> seen = new TreeMap<>();
            news.forEach((name, each) -> {
                Worker worker = workers.computeIfAbsent(name, first -> new Worker(now));
                take(worker, each, clock);
                boolean isWhole = worker.known != null || each.edition().isEmpty();
                if (isWhole) {
                    worker.whole = now;
                } else if (!now.isBefore(worker.whole.plus(PATIENCE))) {
                    worker.forget();
                }
                long shows = worker.hasClock() ? clock - worker.ahead : 0;
                seen.put(name, new Seen(worker.summary, worker.shown, shows, isWhole));
            });
            return seen;
        }
    }

    private static void take(Worker worker, FleetBoard.News news, long clock) {
        FleetBoard.Position known = worker.known;
        worker.summary = news.summary();
        if (news.edition().isEmpty()) {
            worker.forget();
            return;
        }
        boolean goesOn = known != null && known.edition().equals(news.edition());
        // A look that was overtaken by another one has changes that are known by now.
        long next = goesOn && known != null ? known.number() + 1 : 0;
        if (news.first() > next || (!goesOn && news.changes().isEmpty())) {
            worker.known = null;
            return;
        }
        List<String> fresh = news.changes()
                .subList(
                        (int) Math.min(next - news.first(), news.changes().size()),
                        news.changes().size());
        if (!goesOn) {
            worker.lines = new ReportLines();
            worker.forgetClock();
        }
        worker.compare(news.clock(), clock);
        if (fresh.isEmpty()) {
            return;
        }
        try {
            fresh.forEach(worker.lines::read);
        } catch (IllegalArgumentException unreadable) {
            // As if it were missing: all of it may be readable.
            worker.known = null;
            return;
        }
        worker.known = new FleetBoard.Position(news.edition(), next + fresh.size() - 1);
        worker.shown = Map.copyOf(worker.lines.lines());
    }

    /**
     * Reads numbers that {@link ReportWriter#numbers} has written.
     *
     * @param text the text
     * @return the numbers, the smallest first
     * @throws IllegalArgumentException if it is no such text
     */
    public static List<Long> numbers(String text) {
        return NumberText.read(text);
    }
}
