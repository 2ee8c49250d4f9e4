package io.hapax.benchmarks.faults;

import io.hapax.benchmarks.faults.history.Findings;
import io.hapax.benchmarks.faults.history.Timeline;
import io.hapax.benchmarks.harness.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** Writes what came out as a page with tables and timelines; made of the histories alone. */
final class Report {

    private final List<Outcome> outcomes;
    private final Path folder;
    private final StringBuilder page = new StringBuilder();

    private Report(List<Outcome> outcomes, Path folder) {
        this.outcomes = outcomes;
        this.folder = folder;
    }

    static Path write(List<Outcome> outcomes, Path folder) throws IOException {
        Report report = new Report(outcomes, folder);
        report.head();
        report.totals();
        report.matrix();
        report.cases();
        report.ours();
        Path file = folder.resolve("report.md");
        Files.writeString(file, report.page);
        return file;
    }

    private void head() {
        line("# What faults do to Hapax and to its peers");
        line("");
        line("Made by `mvn -q -Pbench -Dbench=faults.Faults`; how, and what each contender was set to, in"
                + " [benchmarks](../../README.md#faults). " + Faults.machine());
        line("");
    }

    private void totals() {
        line("## In all");
        line("");
        line(
                "Occurrences that took effect more than once on each resource, or never on one of them; pairs of runs of one lock"
                        + " key of which the older one was at work after the newer one had begun.");
        line("");
        line(
                "| contender | occurrences | runs | twice: file | twice: PostgreSQL | lost | overlaps | longest overlap | keys left"
                        + " |");
        line("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        for (Outcome outcome : outcomes) {
            line("| " + outcome.contender().title() + " | " + outcome.occurrences() + " | "
                    + sum(outcome, Findings::runs) + " | " + sum(outcome, found -> found.twice("file")) + " | "
                    + sum(outcome, found -> found.twice("row")) + " | " + sum(outcome, Findings::lost) + " | "
                    + sum(outcome, Findings::overlaps) + " | "
                    + millis(outcome.findings()
                            .mapToDouble(Findings::longestOverlap)
                            .max()
                            .orElse(0))
                    + " | " + (outcome.contender().redisServers() == 0 ? "" : outcome.left()) + " |");
        }
        line("");
    }

    private interface Count {
        int of(Findings found);
    }

    private static int sum(Outcome outcome, Count count) {
        return outcome.findings().mapToInt(count::of).sum();
    }

    private void matrix() {
        line("## Fault by fault");
        line("");
        line(
                "Each cell: `F` twice in the file, `P` twice in PostgreSQL, `L` lost, `O` overlaps (longest); `·` none of these;"
                        + " empty: the fault is not for this contender.");
        line("");
        line("| fault | "
                + outcomes.stream().map(outcome -> outcome.contender().label()).collect(Collectors.joining(" | "))
                + " |");
        line("| --- |" + " --- |".repeat(outcomes.size()));
        row("none yet", "none");
        for (Fault fault : Fault.values()) {
            if (outcomes.stream().anyMatch(outcome -> !outcome.of(fault).isEmpty())) {
                row("`" + fault.label() + "`: " + fault.title(), fault.label());
            }
        }
        line("");
    }

    private void row(String title, String label) {
        line("| " + title + " | "
                + outcomes.stream()
                        .map(outcome -> cell(outcome.findings()
                                .filter(found -> found.fault().equals(label))
                                .toList()))
                        .collect(Collectors.joining(" | "))
                + " |");
    }

    private static String cell(List<Findings> found) {
        if (found.isEmpty()) {
            return "";
        }
        List<String> words = new ArrayList<>();
        count(words, "F", found.stream().mapToInt(one -> one.twice("file")).sum(), "");
        count(words, "P", found.stream().mapToInt(one -> one.twice("row")).sum(), "");
        count(words, "L", found.stream().mapToInt(Findings::lost).sum(), "");
        double longest =
                found.stream().mapToDouble(Findings::longestOverlap).max().orElse(0);
        count(words, "O", found.stream().mapToInt(Findings::overlaps).sum(), " (" + millis(longest) + ")");
        return words.isEmpty() ? "·" : String.join(" ", words);
    }

    private static void count(List<String> words, String letter, int count, String more) {
        if (count > 0) {
            words.add(letter + count + more);
        }
    }

    private void cases() throws IOException {
        line("## One case of each");
        line("");
        for (Outcome outcome : outcomes) {
            for (Outcome.Part part : outcome.parts()) {
                List<Findings> worstFirst = part.verdict().findings().stream()
                        .filter(found -> found.begin() != null)
                        .sorted(Comparator.comparingInt(Report::weight).reversed())
                        .toList();
                for (Findings found : worstFirst) {
                    String name = part.file().getFileName().toString().replace(".history", ".svg");
                    String title = outcome.contender().title() + ": "
                            + Fault.of(found.fault()).title();
                    if (Timeline.draw(part.verdict(), part.events(), found, title, folder.resolve(name))) {
                        show(outcome.contender(), found, title, name);
                        break;
                    }
                }
            }
        }
    }

    /** Effects that happened twice tell most, and those at a known place most of these. */
    private static int weight(Findings found) {
        int place = found.fault().contains("before") ? 1 : 0;
        int told = found.toldAfterThaw().isEmpty() ? 0 : 1;
        return 1000 * Math.min(1, found.twice("file"))
                + 1000 * Math.min(1, found.twice("row"))
                + 500 * Math.min(1, found.overlaps())
                + 100 * place
                + 10 * told;
    }

    private void show(Contender contender, Findings found, String title, String name) {
        String seed = found.begin() == null ? "?" : found.begin().field(2);
        line("### " + title);
        line("");
        line("![" + title + "](" + name + ")");
        line("");
        line(String.join("; ", found.examples().stream().limit(4).toList())
                + (found.examples().isEmpty() ? "Nothing happened twice" : "") + ". Again: `--contenders="
                + contender.label() + " --faults=" + found.fault() + " --seed=" + seed + "`.");
        line("");
        line(contender.mechanism());
        line("");
    }

    private void ours() {
        line("## What Hapax promises");
        line("");
        line(
                "| level | told: runs | late, process running | told before the end of the lease, least | never told | told, but their lease was not seen | told after it went on, p50 / max | taken over after a"
                        + " kill, p50 / max | stale writes refused by the store | tokens out of order |");
        line("| --- |" + " --- |".repeat(10));
        for (Outcome outcome : outcomes) {
            if (outcome.contender().isOurs()) {
                line("| " + outcome.contender().title() + " | "
                        + outcome.findings()
                                .mapToInt(found -> found.toldAfter().size())
                                .sum()
                        + " | " + sum(outcome, Findings::toldLate) + " | "
                        + millis(outcome.findings()
                                .flatMap(found -> found.margins().stream())
                                .mapToDouble(Double::doubleValue)
                                .min()
                                .orElse(0))
                        + " | " + sum(outcome, Findings::untold) + " | "
                        + sum(outcome, Findings::unjudged) + " | "
                        + spread(outcome.findings().flatMap(found -> found.toldAfterThaw().stream())) + " | "
                        + spread(outcome.findings().flatMap(found -> found.takeovers().stream())) + " | "
                        + sum(outcome, found -> found.overlaps() - found.overlapsUntold()) + ", "
                        + millis(outcome.findings()
                                .mapToDouble(Findings::slowestReaction)
                                .max()
                                .orElse(0))
                        + " | "
                        + sum(outcome, Findings::stale) + " | " + sum(outcome, Findings::tokensOutOfOrder) + " |");
            }
        }
        line("");
        List<String> broken =
                outcomes.stream().flatMap(outcome -> outcome.broken().stream()).toList();
        line(broken.isEmpty() ? "Nothing was found beyond the table of promises." : "Beyond the table of promises:");
        line("");
        broken.forEach(what -> line("- " + what));
    }

    private static String spread(java.util.stream.Stream<Double> numbers) {
        double[] sorted = numbers.mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted.length == 0
                ? "–"
                : millis(sorted[sorted.length / 2]) + " / " + millis(sorted[sorted.length - 1]) + " (" + sorted.length
                        + ")";
    }

    private static String millis(double millis) {
        return millis == 0 ? "–" : millis >= 10_000 ? Table.text(millis / 1000) + " s" : Math.round(millis) + " ms";
    }

    private void line(String text) {
        page.append(text).append('\n');
    }
}
