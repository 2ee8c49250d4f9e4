package io.hapax.ops;

import io.hapax.lease.OwnerId;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a worker puts on the board: a summary that is looked at every five seconds, and while somebody reads, how the lines of its report
 * have changed since the posting before. One thread asks for postings; answers may come on any thread.
 */
public final class ReportWriter {

    private static final Duration SUMMARY_EVERY = Duration.ofSeconds(5);
    /** Of lines in one change. What does not fit is in one of the next. */
    private static final int MOST_CHARACTERS = 400_000;

    private final String worker;
    private final Duration lifetime;
    private final Ticker ticker;
    private final NanoTime start;
    private final String instance = OwnerId.random().value().substring(0, 8);

    private volatile boolean read;
    private volatile boolean lacksSummary = true;
    /** The edition after which another one has to start. */
    private volatile String refused = "";

    /** The summary that the board has; what was sent last may not have arrived. */
    private volatile @Nullable String keptSummary;

    private NanoTime summaryDue;
    private @Nullable ReportLines told;
    private FleetBoard.Position position = FleetBoard.Position.NONE;
    private long editions;

    /**
     * Starts the reports of a worker.
     *
     * @param worker its name
     * @param lifetime how long its reports stay
     * @param ticker its clock
     */
    public ReportWriter(String worker, Duration lifetime, Ticker ticker) {
        this.worker = worker;
        this.lifetime = lifetime;
        this.ticker = ticker;
        this.start = ticker.now();
        this.summaryDue = start;
    }

    /** Takes the lines of a report. */
    public static final class Lines {

        private final Map<String, String> before;
        private final Map<String, String> fresh = new LinkedHashMap<>();
        private final Set<String> all = new HashSet<>();
        private int characters;

        private Lines(Map<String, String> before) {
            this.before = before;
        }

        /**
         * Says what a line has. The lines that matter most come first: what is too much for one change is in one of the next.
         *
         * @param key a letter and a number, such as {@code r17}
         * @param text without line breaks
         * @throws IllegalArgumentException if key or text are not allowed
         */
        public void line(String key, String text) {
            if (all.add(key) && !text.equals(before.get(key)) && characters < MOST_CHARACTERS) {
                ReportLines.requireKey(key);
                if (text.indexOf('\n') >= 0) {
                    throw new IllegalArgumentException("line " + key + " has a line break");
                }
                fresh.put(key, text);
                characters += text.length();
            }
        }

        private Set<String> gone() {
            Set<String> gone = new HashSet<>(before.keySet());
            gone.removeAll(all);
            return gone;
        }
    }

    /**
     * Tells whether somebody reads, as far as the last answer said.
     *
     * @return whether the next posting has the lines of the report
     */
    public boolean isRead() {
        return read;
    }

    /**
     * Returns the clock by which readers tell how long ago something was.
     *
     * @return milliseconds since this writer was made
     */
    public long clock() {
        return ticker.now().since(start).toMillis();
    }

    /**
     * Makes the next posting, as if the one before had arrived.
     *
     * @param summary what the worker says of itself; asked for when it is due
     * @param report gives the lines of the report; asked for while somebody reads
     * @return what is new
     */
    public FleetBoard.Posting next(Supplier<String> summary, Consumer<Lines> report) {
        String change = null;
        if (!read) {
            told = null;
            position = FleetBoard.Position.NONE;
        } else {
            ReportLines lines = told;
            boolean starts = lines == null || refused.equals(position.edition());
            if (lines == null || starts) {
                lines = new ReportLines();
            }
            Lines now = new Lines(lines.lines());
            report.accept(now);
            Set<String> gone = now.gone();
            if (starts || !gone.isEmpty() || !now.fresh.isEmpty()) {
                position = starts
                        ? new FleetBoard.Position(instance + "." + ++editions, 0)
                        : new FleetBoard.Position(position.edition(), position.number() + 1);
                change = lines.write(gone, now.fresh);
            }
            told = lines;
        }
        return new FleetBoard.Posting(worker, lifetime, dueSummary(summary), position, change, clock());
    }

    private @Nullable String dueSummary(Supplier<String> summary) {
        NanoTime now = ticker.now();
        if (!lacksSummary && now.isBefore(summaryDue)) {
            return null;
        }
        summaryDue = now.plus(SUMMARY_EVERY);
        String text = summary.get();
        return text.equals(keptSummary) && !lacksSummary ? null : text;
    }

    /**
     * Takes the answer of the board.
     *
     * @param posting what was posted
     * @param answer what the board said
     */
    public void answered(FleetBoard.Posting posting, FleetBoard.Answer answer) {
        lacksSummary = !answer.hasSummary();
        if (posting.summary() != null && answer.hasSummary()) {
            keptSummary = posting.summary();
        }
        if ((answer.isAskedForAll() || !answer.isKept())
                && !posting.position().edition().isEmpty()) {
            refused = posting.position().edition();
        }
        read = answer.isRead();
    }

    /**
     * Writes numbers as a text that is short if many of them follow each other.
     *
     * @param numbers at least 0
     * @return the text, for {@link ReportReader#numbers}
     */
    public static String numbers(Collection<Long> numbers) {
        return NumberText.of(numbers);
    }
}
