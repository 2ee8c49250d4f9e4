package io.hapax.benchmarks.faults.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads a history from the first line to the last and finds what ought not to be there. A finding belongs to the fault
 * during which it happened: the second effect, the overlap, the loss of a lease; a lost occurrence belongs to the fault during
 * which it was due.
 */
public final class Checker {

    /** How long before the end of its lease a run may have been due for its notification, if its process was paused. */
    private static final long TELLING_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** A run that continues for so long after the end of its lease without a notification was forgotten. */
    private static final long FORGOTTEN_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final List<Findings> findings = new ArrayList<>();
    private final List<Long> starts = new ArrayList<>();
    private final Map<String, ObservedRun> runs = new LinkedHashMap<>();
    private final Map<String, Event> due = new LinkedHashMap<>();
    /** The workers at which occurrences wait. */
    private final Map<String, Set<String>> waiting = new HashMap<>();

    private final Pauses pauses = new Pauses();
    private final LeaseEnds leases = new LeaseEnds();
    private final Starvation starvation = new Starvation();
    private final List<Telling> tellings = new ArrayList<>();
    private final Map<String, Integer> left = new LinkedHashMap<>();
    private String contender = "?";
    private boolean over;

    private Checker() {
        window("none", null, Long.MIN_VALUE);
    }

    /**
     * What a history tells.
     *
     * @param contender who was observed
     * @param complete whether the observation was ended properly
     * @param findings one for each fault, in order; the first is of the time before all faults
     * @param left what was left behind, and how many
     * @param runs all runs
     */
    public record Verdict(
            String contender,
            boolean complete,
            List<Findings> findings,
            Map<String, Integer> left,
            List<ObservedRun> runs) {}

    /**
     * The notification of a run that it lost its lease, with what was known at that time.
     *
     * @param here the findings to which it belongs
     * @param run the run
     * @param told the notification
     * @param end until when the lease was seen alive
     * @param thawed when its process resumed, if it was paused
     */
    private record Telling(Findings here, ObservedRun run, Event told, OptionalLong end, OptionalLong thawed) {}

    /**
     * Checks a history.
     *
     * @param events in order
     * @return what was found
     */
    public static Verdict check(List<Event> events) {
        Checker checker = new Checker();
        events.forEach(checker::read);
        checker.conclude();
        return new Verdict(
                checker.contender, checker.over, checker.findings, checker.left, List.copyOf(checker.runs.values()));
    }

    private void read(Event event) {
        switch (event.type()) {
            case BEGIN -> runs.put(event.field(0), new ObservedRun(event));
            case STEP, EFFECT, END, LIMIT -> ofRun(event);
            case TOLD -> {
                ofRun(event);
                told(event);
            }
            case STOP, CONTINUE -> pauses.add(event);
            case KILL -> {
                pauses.add(event);
                runs.values().stream()
                        .filter(run -> run.worker().equals(event.field(0)))
                        .forEach(run -> run.killed(event.nanos()));
                waiting.values().forEach(workers -> workers.remove(event.field(0)));
            }
            case LEASE, FREED, SERVER -> leases.add(event);
            case STARVED -> starvation.add(event);
            case DUE -> due.putIfAbsent(event.field(1), event);
            case WAITS ->
                waiting.computeIfAbsent(event.field(1), occurrence -> new HashSet<>())
                        .add(event.field(0));
            case FAULT -> window(event.field(0), event, event.nanos());
            case LEFT -> left.put(event.field(0), Integer.valueOf(event.field(1)));
            case OVER -> {
                contender = event.field(0);
                over = true;
            }
            case HEALED -> {
                Findings last = findings.get(findings.size() - 1);
                if (last.fault().equals(event.field(0))) {
                    last.carriedOut(event.nanos());
                }
            }
            case UP, STRUCK, MENDED, PLAN -> {}
        }
    }

    private void ofRun(Event event) {
        ObservedRun run = runs.get(event.field(0));
        if (run == null) {
            throw new IllegalArgumentException("of a run that never started: " + event);
        }
        run.add(event);
    }

    private void window(String fault, @Nullable Event begin, long from) {
        findings.add(new Findings(fault, begin));
        starts.add(from);
    }

    private Findings at(long nanos) {
        int index = starts.size() - 1;
        while (starts.get(index) > nanos) {
            index--;
        }
        return findings.get(index);
    }

    /** Taken down at once, since later renewals of other leases do not matter, and those of this one must not come. */
    private void told(Event told) {
        ObservedRun run = runs.get(told.field(0));
        if (run == null || !told.equals(run.told())) {
            return;
        }
        OptionalLong end = leases.of(run.owner());
        OptionalLong thawed = end.isPresent()
                ? pauses.thawedWithin(
                        run.worker(), Math.min(end.getAsLong(), told.nanos()) - TELLING_NANOS, told.nanos())
                : OptionalLong.empty();
        Findings here = at(told.nanos());
        here.show(run);
        tellings.add(new Telling(here, run, told, end, thawed));
    }

    /** Judged when all is known: a witness that had no processor says so afterwards. */
    private void judge(Telling telling) {
        if (telling.end().isEmpty()) {
            telling.here().toldOfUnknownLease();
            return;
        }
        ObservedRun run = telling.run();
        long told = telling.told().nanos();
        // Its lease may outlast a short pause: then it is notified when that cannot be renewed, as any other.
        if (telling.thawed().isPresent() && told > telling.end().getAsLong()) {
            long thawed = telling.thawed().getAsLong();
            long starved = starvation.within(run.worker(), thawed, told);
            telling.here().toldAfterThaw(run, millis(told - thawed - starved));
            return;
        }
        long end = telling.end().getAsLong();
        long starved = starvation.within(run.worker(), Math.min(end, told) - TELLING_NANOS, told);
        if (told > end && told <= end + starved) {
            telling.here().excused();
        } else {
            telling.here().told(run, millis(told > end ? told - end - starved : told - end));
        }
    }

    private void conclude() {
        tellings.forEach(this::judge);
        for (ObservedRun run : runs.values()) {
            at(run.begun()).begun();
            forgotten(run);
            run.effects().stream()
                    .filter(effect -> effect.field(3).equals("stale"))
                    .forEach(effect -> at(effect.nanos()).refusedStale());
        }
        effects();
        Map<String, List<ObservedRun>> byKey = runs.values().stream()
                .sorted(Comparator.comparingLong(ObservedRun::begun))
                .collect(Collectors.groupingBy(ObservedRun::key));
        byKey.values().forEach(this::overlaps);
        byKey.values().forEach(this::tokens);
        runs.values().stream()
                .sorted(Comparator.comparingLong(ObservedRun::begun))
                .collect(Collectors.groupingBy(ObservedRun::family))
                .values()
                .forEach(this::takeovers);
        runs.values().stream()
                .filter(run -> run.limit().isPresent())
                .collect(Collectors.groupingBy(ObservedRun::family))
                .values()
                .forEach(this::places);
    }

    /** A run that was never notified, though its process was running. */
    private void forgotten(ObservedRun run) {
        OptionalLong end = leases.of(run.owner());
        if (end.isEmpty() || run.told() != null) {
            return;
        }
        long from = end.getAsLong() - TELLING_NANOS;
        long seen = end.getAsLong() + FORGOTTEN_NANOS + starvation.within(run.worker(), from, run.lastActive());
        Long killed = run.killed();
        boolean ranOn = run.lastActive() > seen;
        boolean excused =
                pauses.thawedWithin(run.worker(), from, run.lastActive()).isPresent()
                        || (killed != null && killed <= seen);
        if (ranOn && !excused) {
            at(end.getAsLong()).untold(run);
        }
    }

    private void effects() {
        Map<String, Set<String>> seen = new HashMap<>();
        Map<String, Set<String>> repeated = new HashMap<>();
        List<Map.Entry<ObservedRun, Event>> all = new ArrayList<>();
        for (ObservedRun run : runs.values()) {
            run.effects().stream()
                    .filter(effect -> effect.field(3).equals("ok"))
                    .forEach(effect -> all.add(Map.entry(run, effect)));
        }
        all.sort(Comparator.comparingLong(entry -> entry.getValue().nanos()));
        for (Map.Entry<ObservedRun, Event> entry : all) {
            Event effect = entry.getValue();
            String resource = effect.field(1);
            if (!seen.computeIfAbsent(resource, name -> new HashSet<>()).add(effect.field(2))
                    && repeated.computeIfAbsent(resource, name -> new HashSet<>())
                            .add(effect.field(2))) {
                at(effect.nanos()).twice(resource, effect.field(2), entry.getKey());
            }
        }
        Set<String> filed = seen.getOrDefault("file", Set.of());
        Set<String> rows = seen.getOrDefault("row", Set.of());
        due.forEach((occurrence, event) -> {
            Findings then = at(event.nanos());
            then.due();
            if (!filed.contains(occurrence) || !rows.contains(occurrence)) {
                then.lost(occurrence, event, isGone(occurrence));
            }
        });
    }

    /** Whether it waited at workers, all of which have been killed since. */
    private boolean isGone(String occurrence) {
        Set<String> workers = waiting.get(occurrence);
        return workers != null && workers.isEmpty();
    }

    private void overlaps(List<ObservedRun> ofKey) {
        for (int older = 0; older < ofKey.size(); older++) {
            ObservedRun first = ofKey.get(older);
            for (int newer = older + 1; newer < ofKey.size(); newer++) {
                ObservedRun second = ofKey.get(newer);
                if (second.begun() > first.lastActive()) {
                    break;
                }
                overlap(first, second);
            }
        }
    }

    private void overlap(ObservedRun first, ObservedRun second) {
        List<Long> together = first.activity().stream()
                .filter(at -> at > second.begun() && at <= second.lastActive())
                .toList();
        if (!together.isEmpty()) {
            long begin = together.get(0);
            at(begin).overlap(first, second, millis(together.get(together.size() - 1) - begin));
        }
    }

    private void tokens(List<ObservedRun> ofKey) {
        NavigableMap<Long, Long> highestWhen = new TreeMap<>();
        Set<Long> used = new HashSet<>();
        for (ObservedRun run : ofKey) {
            if (run.token().isEmpty()) {
                continue;
            }
            long token = run.token().getAsLong();
            Map.Entry<Long, Long> before = highestWhen.lowerEntry(granted(run));
            if (used.contains(token) || (before != null && token < before.getValue())) {
                // Found once; it is left aside when others are judged.
                at(run.begun()).tokenOutOfOrder(run);
                continue;
            }
            used.add(token);
            Map.Entry<Long, Long> last = highestWhen.lastEntry();
            highestWhen.put(run.begun(), last == null ? token : Math.max(last.getValue(), token));
        }
    }

    /** When the lease of a run can have been granted at the earliest: when a server showed it, or when its worker froze before. */
    private long granted(ObservedRun run) {
        long begun = run.begun();
        long frozen = pauses.frozenWithin(run.worker(), begun - 2 * TELLING_NANOS, begun)
                .orElse(begun);
        return Math.min(begun, Math.min(frozen, leases.firstSeen(run.owner(), begun)));
    }

    /** The number of active runs never exceeds the smallest limit that one of them states. */
    private void places(List<ObservedRun> ofFamily) {
        for (ObservedRun newest : ofFamily) {
            List<ObservedRun> together = ofFamily.stream()
                    .filter(run -> run == newest
                            || (run.begun() < newest.begun()
                                    && run.lastActive() > newest.begun()
                                    && !run.wasToldBefore(newest.begun())))
                    .toList();
            int smallest = together.stream()
                    .mapToInt(run -> run.limit().orElseThrow())
                    .min()
                    .orElseThrow();
            if (together.size() > smallest) {
                at(newest.begun()).overLimit(newest, together.size(), smallest);
            }
        }
    }

    /** The next run on the lock key takes over: it may be of another occurrence than the run that crashed. */
    private void takeovers(List<ObservedRun> ofKey) {
        for (ObservedRun broken : ofKey) {
            Long killed = broken.killed();
            if (killed != null) {
                ofKey.stream().filter(run -> run.begun() > killed).findFirst().ifPresent(next -> {
                    Findings then = at(killed);
                    then.takenOver(broken, millis(Math.max(0, next.begun() - Math.max(killed, then.ableSince()))));
                    then.show(broken);
                });
            }
        }
    }

    private static double millis(long nanos) {
        return nanos / 1e6;
    }
}
