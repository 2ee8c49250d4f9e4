package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Checker;
import io.hapax.benchmarks.faults.history.Event;
import io.hapax.benchmarks.faults.history.EventType;
import io.hapax.benchmarks.faults.history.Findings;
import io.hapax.benchmarks.faults.history.History;
import io.hapax.benchmarks.faults.judge.Judge;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What the histories in a folder tell of one contender.
 *
 * @param contender who
 * @param parts one for each history
 */
record Outcome(Contender contender, List<Part> parts) {

    /**
     * One history.
     *
     * @param file where it is
     * @param events what was seen
     * @param verdict what follows
     * @param differences where the second checker does not agree
     */
    record Part(Path file, List<Event> events, Checker.Verdict verdict, List<String> differences) {

        /** The arguments that do it again; empty if it does not tell. */
        Optional<String> plan() {
            return events.stream()
                    .filter(event -> event.type() == EventType.PLAN)
                    .map(event -> event.field(0))
                    .findFirst();
        }

        static Part read(Path file) {
            try {
                List<Event> events = History.read(file);
                Checker.Verdict verdict = Checker.check(events);
                return new Part(
                        file,
                        events,
                        verdict,
                        Agreement.differences(file.toString(), events, verdict, Judge.judge(file)));
            } catch (IOException e) {
                throw new UncheckedIOException("the history cannot be read", e);
            }
        }
    }

    /** Reads all complete histories of a folder. */
    static List<Outcome> read(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            Map<Contender, List<Part>> parts = files.filter(
                            file -> file.toString().endsWith(".history"))
                    .sorted()
                    .map(Part::read)
                    .filter(part -> part.verdict().complete())
                    .collect(Collectors.groupingBy(
                            part -> Contender.of(part.verdict().contender()), TreeMap::new, Collectors.toList()));
            return parts.entrySet().stream()
                    .map(entry -> new Outcome(entry.getKey(), entry.getValue()))
                    .toList();
        }
    }

    Stream<Findings> findings() {
        return parts.stream().flatMap(part -> part.verdict().findings().stream());
    }

    /** What was found during a fault; empty if this contender was not put through it. */
    List<Findings> of(Fault fault) {
        return findings().filter(found -> found.fault().equals(fault.label())).toList();
    }

    int occurrences() {
        return findings().mapToInt(Findings::occurrences).sum();
    }

    int left() {
        return parts.stream()
                .flatMap(part -> part.verdict().left().values().stream())
                .mapToInt(Integer::intValue)
                .sum();
    }

    /** Where the two checkers do not agree, so that one of them is wrong: one line each. */
    List<String> differences() {
        return parts.stream().flatMap(part -> part.differences().stream()).toList();
    }

    /** What Hapax ought not to have let happen, and what could not be tried: one line each, with the fault. */
    List<String> broken() {
        if (!contender.isOurs()) {
            return List.of();
        }
        Stream<String> found = findings().flatMap(one -> broken(one).stream());
        Stream<String> keys =
                left() == 0 ? Stream.of() : Stream.of(contender.label() + ": " + left() + " keys left behind");
        return Stream.concat(found, keys).toList();
    }

    /** Likewise, during one of them. */
    List<String> broken(Findings found) {
        if (!contender.isOurs()) {
            return List.of();
        }
        Strike strike = found.begin() == null ? null : Strike.of(found.fault());
        List<String> broken = new ArrayList<>(Promise.broken(contender, strike, found));
        if (!found.isCarriedOut()) {
            broken.add("the fault was not carried out");
        }
        return broken.stream()
                .map(what -> contender.label() + ", " + found.fault() + ": " + what + " ("
                        + String.join("; ", found.examples()) + ")")
                .toList();
    }

    /** The faults during which promises were broken, and what else is wrong with a history of this contender's. */
    List<String> suspects(Part part) {
        List<String> labels = new ArrayList<>(part.verdict().findings().stream()
                .filter(found -> !broken(found).isEmpty())
                .map(Findings::fault)
                .distinct()
                .toList());
        if (!part.differences().isEmpty()) {
            labels.add("the checkers disagree");
        }
        boolean isLeft = part.verdict().left().values().stream().anyMatch(count -> count > 0);
        if (contender.isOurs() && isLeft) {
            labels.add("keys left");
        }
        return labels;
    }

    /** For each history in which something is wrong, how it is made again. */
    Stream<String> again() {
        return parts.stream()
                .filter(part -> !suspects(part).isEmpty())
                .map(part -> "again: " + Plan.command(part.plan().orElse("?")) + "   # " + part.file()
                        + ", wrong during: " + String.join(", ", suspects(part)));
    }

    /** One line for programs; "none" if no run was notified of a loss. */
    String line() {
        double[] told = findings()
                .flatMap(found -> found.toldAfter().stream())
                .mapToDouble(Double::doubleValue)
                .sorted()
                .toArray();
        String p99 =
                told.length == 0 ? "none" : Long.toString(Math.round(told[(int) Math.ceil(told.length * 0.99) - 1]));
        return String.format(
                Locale.ROOT,
                "hapax-faults contender=%s occurrences=%d effects_twice=%d effects_lost=%d overlaps=%d"
                        + " max_overlap_ms=%.0f told_after_ms_p99=%s",
                contender.label(),
                occurrences(),
                findings().mapToInt(found -> found.twice("row")).sum(),
                findings().mapToInt(Findings::lost).sum(),
                findings().mapToInt(Findings::overlaps).sum(),
                findings().mapToDouble(Findings::longestOverlap).max().orElse(0),
                p99);
    }
}
