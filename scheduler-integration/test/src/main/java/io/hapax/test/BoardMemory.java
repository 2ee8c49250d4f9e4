package io.hapax.test;

import io.hapax.ops.FleetBoard;
import io.hapax.time.NanoTime;
import io.hapax.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What workers have put on the board of an {@link InMemoryLeaseStore}. Not thread-safe. */
final class BoardMemory {

    private final Ticker ticker;
    private final Map<String, Kept> workers = new TreeMap<>();
    private NanoTime readUntil;

    BoardMemory(Ticker ticker) {
        this.ticker = ticker;
        this.readUntil = ticker.now();
    }

    private static final class Kept {
        private final TreeMap<Long, String> changes = new TreeMap<>();
        private NanoTime end;
        private @Nullable String summary;
        private FleetBoard.Position position = FleetBoard.Position.NONE;
        private boolean isAsked;
        private long clock;

        Kept(NanoTime end) {
            this.end = end;
        }

        /** Whether it has everything up to the place of the posting then. */
        boolean take(FleetBoard.Posting posting) {
            FleetBoard.Position at = posting.position();
            if (posting.starts()) {
                changes.clear();
                isAsked = false;
            } else if (!position.edition().equals(at.edition()) || !leadsTo(at, posting.change() != null)) {
                return false;
            }
            position = at;
            if (posting.change() != null) {
                changes.put(at.number(), posting.change());
                changes.headMap(at.number() - FleetBoard.CHANGES_KEPT + 1).clear();
            }
            return true;
        }

        /** A change that arrives twice is there already. */
        private boolean leadsTo(FleetBoard.Position at, boolean byChange) {
            return position.number() == at.number() || (byChange && position.number() == at.number() - 1);
        }

        FleetBoard.News after(FleetBoard.@Nullable Position known, boolean asks) {
            if (position.edition().isEmpty()) {
                return new FleetBoard.News("", 0, List.of(), summary, clock);
            }
            long first = position.firstAfter(known);
            List<String> news = List.copyOf(changes.tailMap(first).values());
            boolean goesOn = known != null && known.edition().equals(position.edition()) && first <= known.number() + 1;
            isAsked |= asks && known == null && news.isEmpty();
            return new FleetBoard.News(
                    position.edition(), first, news, news.isEmpty() && !goesOn ? summary : null, clock);
        }
    }

    FleetBoard.Answer post(FleetBoard.Posting posting) {
        NanoTime now = ticker.now();
        workers.values().removeIf(kept -> !now.isBefore(kept.end));
        Kept kept = workers.computeIfAbsent(posting.worker(), first -> new Kept(now));
        kept.end = now.plus(posting.lifetime());
        kept.summary = posting.summary() == null ? kept.summary : posting.summary();
        kept.clock = posting.clock();
        boolean isKept = kept.take(posting);
        return new FleetBoard.Answer(now.isBefore(readUntil), kept.isAsked, isKept, kept.summary != null);
    }

    Map<String, String> summaries() {
        Map<String, String> summaries = new TreeMap<>();
        workers.forEach((worker, kept) -> {
            if (kept.summary != null && ticker.now().isBefore(kept.end)) {
                summaries.put(worker, kept.summary);
            }
        });
        return summaries;
    }

    Map<String, FleetBoard.News> news(Map<String, FleetBoard.Position> known, Duration readingFor) {
        NanoTime until = ticker.now().plus(readingFor);
        readUntil = readUntil.isBefore(until) ? until : readUntil;
        Map<String, FleetBoard.News> news = new TreeMap<>();
        workers.forEach((worker, kept) -> {
            if (ticker.now().isBefore(kept.end)) {
                news.put(worker, kept.after(known.get(worker), !readingFor.isZero()));
            }
        });
        return news;
    }

    void forgetEverything() {
        workers.clear();
    }
}
