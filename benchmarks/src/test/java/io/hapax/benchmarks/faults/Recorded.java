package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Checker;
import io.hapax.benchmarks.faults.history.Event;
import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.judge.Judge;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.zip.CRC32;
import java.util.zip.GZIPInputStream;

/** A history that the harness recorded, into which a test plants what ought not to be there. Times stay in order, and differ. */
final class Recorded {

    /** Of some lock keys, as the observer wrote them, but for the checksums, which do not compress. */
    static final List<String> FILES = List.of("hapax-l1", "hapax-l3", "shedlock-jdbc");

    private static final Map<String, List<Event>> READ = new HashMap<>();

    final List<Event> events;

    Recorded(List<Event> events) {
        this.events = new ArrayList<>(events);
    }

    static Recorded of(String name) {
        return new Recorded(READ.computeIfAbsent(name, Recorded::read));
    }

    private static List<Event> read(String name) {
        InputStream packed = Objects.requireNonNull(Recorded.class.getResourceAsStream(name + ".history.gz"), name);
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(new GZIPInputStream(packed), StandardCharsets.UTF_8))) {
            return lines.lines()
                    .map(line -> List.of(line.split("\t", -1)))
                    .map(words -> new Event(
                            Long.parseLong(words.get(0)),
                            words.get(1),
                            EventType.valueOf(words.get(2)),
                            words.subList(3, words.size())))
                    .toList();
        } catch (IOException e) {
            throw new IllegalStateException(name, e);
        }
    }

    /** Some events in a row, of runs that began in them, with the rows of those. */
    Recorded slice(int from, int length) {
        Set<String> begun = new HashSet<>();
        List<Event> kept = new ArrayList<>(events.stream()
                .filter(event -> event.type() == EventType.SERVER)
                .toList());
        for (int i = from; i < events.size(); i++) {
            Event event = events.get(i);
            boolean within = i < from + length;
            switch (event.type()) {
                case SERVER -> {}
                case BEGIN -> {
                    if (within) {
                        begun.add(event.field(0));
                        kept.add(event);
                    }
                }
                case STEP, TOLD, EFFECT, END, LIMIT -> {
                    boolean row =
                            event.type() == EventType.EFFECT && event.field(1).equals("row");
                    if (begun.contains(event.field(0)) && (within || row)) {
                        kept.add(event);
                    }
                }
                default -> {
                    if (within || event.type() == EventType.OVER) {
                        kept.add(event);
                    }
                }
            }
        }
        return new Recorded(kept);
    }

    /** Puts an event at a time, or as soon after it as there is room. */
    Event put(long nanos, String source, EventType type, String... fields) {
        int place = 0;
        while (place < events.size() && events.get(place).nanos() <= nanos) {
            place++;
        }
        while (place > 0
                && place < events.size()
                && events.get(place).nanos() - events.get(place - 1).nanos() < 2) {
            place++;
        }
        long at = place == 0 ? nanos : Math.max(nanos, events.get(place - 1).nanos() + 1);
        Event event = Event.of(at, source, type, fields);
        events.add(place, event);
        return event;
    }

    /** Replaces an event by one with another field. */
    void change(Event event, int field, String to) {
        List<String> fields = new ArrayList<>(event.fields());
        fields.set(field, to);
        events.set(events.indexOf(event), new Event(event.nanos(), event.source(), event.type(), fields));
    }

    /** A row of a run, where rows are: at the end. */
    void row(Event begin, String occurrence) {
        put(
                events.get(events.size() - 1).nanos() - 1,
                begin.source(),
                EventType.EFFECT,
                begin.field(0),
                "row",
                occurrence,
                "ok");
    }

    List<Event> all(EventType type) {
        return events.stream().filter(event -> event.type() == type).toList();
    }

    List<Event> of(Event begin) {
        return events.stream().filter(isOf(begin.field(0))).toList();
    }

    void remove(String run) {
        events.removeIf(isOf(run));
    }

    private static Predicate<Event> isOf(String run) {
        return event -> switch (event.type()) {
            case BEGIN, STEP, TOLD, EFFECT, END, LIMIT -> event.field(0).equals(run);
            default -> false;
        };
    }

    /** When a run was seen at work for the last time. */
    long lastWork(Event begin) {
        return of(begin).stream()
                .filter(event -> event.type() == EventType.BEGIN
                        || event.type() == EventType.STEP
                        || (event.type() == EventType.EFFECT && !event.field(1).equals("row")))
                .mapToLong(Event::nanos)
                .max()
                .orElseThrow();
    }

    /** Until when the lease of a run with one server was seen to live; the run's begin if it was not seen. */
    long leaseEnd(Event begin) {
        long end = begin.nanos();
        String place = "";
        for (Event event : all(EventType.LEASE)) {
            if (event.field(2).equals(begin.field(5))) {
                place = event.field(1);
            } else if (event.field(1).equals(place) && !event.field(2).equals("-")) {
                place = "";
            }
            if (event.field(1).equals(place)) {
                end = Math.max(end, event.nanos() + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(event.field(3))));
            }
        }
        return end;
    }

    List<String> lines() {
        return events.stream().map(Recorded::line).toList();
    }

    private static String line(Event event) {
        String text =
                event.nanos() + "\t" + event.source() + "\t" + event.type() + "\t" + String.join("\t", event.fields());
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return text + "\t" + Long.toHexString(crc.getValue());
    }

    /** What the first checker finds, or that it refuses the history. */
    Set<String> checked() {
        try {
            Checker.Verdict verdict = Checker.check(events);
            Set<String> found = new TreeSet<>(Agreement.checked(events, verdict).keySet());
            found.add("complete " + verdict.complete());
            return found;
        } catch (IllegalArgumentException refused) {
            return Set.of("refused");
        }
    }

    /** What the second one finds, likewise. */
    Set<String> judged() {
        try {
            Judge.Judgement judgement = Judge.judge(lines());
            Set<String> found = new TreeSet<>(Agreement.judged(judgement).keySet());
            found.add("complete " + judgement.complete());
            return found;
        } catch (IllegalArgumentException refused) {
            return Set.of("refused");
        }
    }
}
