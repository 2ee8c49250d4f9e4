package io.hapax.console;

import io.hapax.event.GuardEvent;
import io.hapax.event.Refusal;
import io.hapax.lease.Holder;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a worker remembers of its events, for display: the last ones, of each job too, and counts of an hour. Thread-safe. */
final class RunHistory {

    static final int STEP_SECONDS = 30;
    static final int STEPS = 120;

    private static final int MOST_EVENTS = 200;
    private static final int MOST_KINDS = 200;
    /** A report is sent each second while somebody reads. */
    private static final int MOST_NOTABLE_TOLD = 150;

    private static final int MOST_USUAL_TOLD = 30;
    /** So that what is refused each second does not push out why others were, nor what happens seldom to the same job. */
    private static final int MOST_OF_A_KIND = 5;

    private final InstantSource clock;
    private final Object lock = new Object();
    private final Deque<Report.Event> notable = new ArrayDeque<>();
    private final Map<String, Deque<Report.Event>> refusals = new LinkedHashMap<>(16, 0.75f, true);
    private final int[] runs = new int[STEPS];
    private final int[] refused = new int[STEPS];
    private final int[] lost = new int[STEPS];
    private long newestStep;

    RunHistory(InstantSource clock) {
        this.clock = clock;
        this.newestStep = step();
    }

    private long step() {
        return clock.millis() / 1000 / STEP_SECONDS;
    }

    void on(GuardEvent event) {
        if (event instanceof GuardEvent.Acquired e) {
            count(runs);
            if (e.attempt() > 1) {
                add(event(e, "again", "ATTEMPT_" + e.attempt(), "an earlier run of it failed or crashed", null));
            }
        } else if (event instanceof GuardEvent.Refused e) {
            Refusal refusal = e.refusal();
            refused(event(
                    e, e.again() ? "later" : "refused", refusal.verdict().name(), refusal.reason(), refusal.holder()));
        } else if (event instanceof GuardEvent.WouldRefuse e) {
            Refusal refusal = e.refusal();
            keep(event(e, "would", refusal.verdict().name(), refusal.reason(), refusal.holder()));
        } else if (event instanceof GuardEvent.RanTwice e) {
            Refusal refusal = e.refusal();
            keep(event(e, "twice", refusal.verdict().name(), refusal.reason(), refusal.holder()));
        } else if (event instanceof GuardEvent.Lost e) {
            count(lost);
            add(event(e, "lost", e.reason().name(), "held for " + e.held().toMillis() + " ms", e.holder()));
        } else if (event instanceof GuardEvent.Unguarded e) {
            add(event(e, "unguarded", e.refusal().verdict().name(), e.refusal().reason(), null));
        } else if (event instanceof GuardEvent.Forced e) {
            add(event(e, "forced", "FORCED", e.actor() + ": " + e.reason(), e.holder()));
        } else if (event instanceof GuardEvent.Resolved e) {
            add(event(e, "resolved", e.state().name(), e.actor() + ": " + e.reason(), null));
        }
    }

    private Report.Event event(GuardEvent event, String what, String why, String reason, @Nullable Holder holder) {
        return new Report.Event(
                clock.millis(),
                what,
                event.job(),
                event.identity().toString(),
                why,
                reason,
                holder == null ? "" : holder.toString(),
                Report.Held.of(holder));
    }

    private void count(int[] counts) {
        synchronized (lock) {
            advance();
            counts[(int) (newestStep % STEPS)]++;
        }
    }

    /** Empties the steps that have come round again. */
    private void advance() {
        long now = step();
        for (long step = Math.max(newestStep + 1, now - STEPS + 1); step <= now; step++) {
            int index = (int) (step % STEPS);
            runs[index] = 0;
            refused[index] = 0;
            lost[index] = 0;
        }
        newestStep = Math.max(newestStep, now);
    }

    private void refused(Report.Event event) {
        synchronized (lock) {
            count(refused);
            keep(event);
        }
    }

    /** What may come with every firing. */
    private void keep(Report.Event event) {
        synchronized (lock) {
            Deque<Report.Event> ofKind = refusals.computeIfAbsent(
                    event.what() + " " + event.why() + " " + event.job(), first -> new ArrayDeque<>());
            ofKind.addFirst(event);
            if (ofKind.size() > MOST_OF_A_KIND) {
                ofKind.removeLast();
            }
            if (refusals.size() > MOST_KINDS) {
                refusals.remove(refusals.keySet().iterator().next());
            }
        }
    }

    private void add(Report.Event event) {
        synchronized (lock) {
            notable.addFirst(event);
            if (notable.size() > MOST_EVENTS) {
                notable.removeLast();
            }
        }
    }

    /** The newest first; what is usual among replicas does not push out the rest. */
    List<Report.Event> events() {
        List<Report.Event> all;
        synchronized (lock) {
            all = new ArrayList<>(notable);
            refusals.values().forEach(all::addAll);
        }
        return newest(all, MOST_NOTABLE_TOLD, MOST_USUAL_TOLD);
    }

    static List<Report.Event> newest(List<Report.Event> events, int mostNotable, int mostUsual) {
        Comparator<Report.Event> newestFirst =
                Comparator.comparingLong(Report.Event::at).reversed();
        return Stream.concat(
                        events.stream()
                                .filter(event -> !event.isUsual())
                                .sorted(newestFirst)
                                .limit(mostNotable),
                        events.stream()
                                .filter(Report.Event::isUsual)
                                .sorted(newestFirst)
                                .limit(mostUsual))
                .sorted(newestFirst)
                .toList();
    }

    Report.Chart chart() {
        synchronized (lock) {
            advance();
            long first = newestStep - STEPS + 1;
            return new Report.Chart(
                    STEP_SECONDS,
                    first * STEP_SECONDS,
                    inOrder(runs, first),
                    inOrder(refused, first),
                    inOrder(lost, first));
        }
    }

    private static List<Integer> inOrder(int[] counts, long first) {
        return IntStream.range(0, STEPS)
                .mapToObj(n -> counts[(int) ((first + n) % STEPS)])
                .toList();
    }
}
