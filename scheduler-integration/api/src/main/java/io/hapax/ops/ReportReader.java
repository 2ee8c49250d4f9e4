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
 * Reads the reports of all workers, of which it remembers the lines: each look asks for what is new. Where changes are missing, the worker is
 * asked for all of its lines, and the old ones are returned for some seconds until they come. Thread-safe.
 */
public final class ReportReader {

    /** How long lines are returned that are not known to be the newest. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    /** Postings need not arrive as fast as the fastest one; if they are slower for some looks, a clock has stood still. */
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
        private @Nullable NanoTime gap;
        /** How far the reader's clock is ahead of the worker's, which the fastest posting tells best. */
        private long ahead = Long.MAX_VALUE;

        private int slow;
    }

    /**
     * Looks at all workers.
     *
     * @param readingFor how long they are to know that they are read
     * @return what each is at, by its name as the board keeps it; fails as the board does
     */
    public CompletionStage<Map<String, Seen>> read(Duration readingFor) {
        Map<String, FleetBoard.Position> known = new HashMap<>();
        synchronized (lock) {
            workers.forEach((name, worker) -> {
                if (worker.known != null) {
                    known.put(name, worker.known);
                }
            });
        }
        return store.board()
                .news(known, readingFor)
                .thenApply(news -> taken(Objects.requireNonNull(news, "the board has answered null")));
    }

    private Map<String, Seen> taken(Map<String, FleetBoard.News> news) {
        synchronized (lock) {
            NanoTime now = ticker.now();
            long clock = now.since(start).toMillis();
            workers.keySet().retainAll(news.keySet());
            Map<String, Seen> seen = new TreeMap<>();
            news.forEach((name, each) -> {
                Worker worker = workers.computeIfAbsent(name, first -> new Worker());
                take(worker, each, clock);
                boolean lacks = worker.known == null && !each.edition().isEmpty();
                worker.gap = !lacks ? null : worker.gap == null ? now : worker.gap;
                if (worker.gap != null && !now.isBefore(worker.gap.plus(PATIENCE))) {
                    forget(worker);
                }
                boolean hasClock = worker.ahead != Long.MAX_VALUE;
                seen.put(name, new Seen(worker.summary, worker.shown, hasClock ? clock - worker.ahead : 0, !lacks));
            });
            return seen;
        }
    }

    private static void forget(Worker worker) {
        worker.lines = new ReportLines();
        worker.shown = Map.of();
        worker.known = null;
        worker.ahead = Long.MAX_VALUE;
    }

    private static void take(Worker worker, FleetBoard.News news, long clock) {
        FleetBoard.Position known = worker.known;
        worker.summary = news.summary();
        if (news.edition().isEmpty()) {
            forget(worker);
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
            worker.ahead = Long.MAX_VALUE;
        }
        compare(worker, clock - news.clock());
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

    private static void compare(Worker worker, long ahead) {
        boolean isSlow = worker.ahead != Long.MAX_VALUE && ahead - worker.ahead > SLOWEST_MILLIS;
        worker.slow = isSlow ? worker.slow + 1 : 0;
        worker.ahead = worker.slow >= MOST_SLOW ? ahead : Math.min(worker.ahead, ahead);
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
