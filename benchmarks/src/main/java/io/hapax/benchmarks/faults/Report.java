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
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Writes what came out as a page with tables and timelines; made of the histories alone. */
final class Report {

    private static final String COMMAND = "command.txt";

    private final List<Outcome> outcomes;
    private final Path folder;
    private final StringBuilder page = new StringBuilder();

    private Report(List<Outcome> outcomes, Path folder) {
        this.outcomes = outcomes;
        this.folder = folder;
    }

    /** Keeps the command by which the histories in a folder are made. */
    static void remember(String command, Path folder) throws IOException {
        Files.writeString(folder.resolve(COMMAND), command);
    }

    /** Writes the report of the histories in one folder into another one, without the histories. */
    static void keep(List<Outcome> outcomes, Path from, Path to) throws IOException {
        Path command = from.resolve(COMMAND);
        if (Files.exists(command)) {
            remember(Files.readString(command), to);
        }
        Path unused = write(outcomes, to);
    }

    static Path write(List<Outcome> outcomes, Path folder) throws IOException {
        Report report = new Report(outcomes, folder);
        Path command = folder.resolve(COMMAND);
        report.head(Files.exists(command) ? Files.readString(command) : "mvn -q -Pbench -Dbench=faults.Faults");
        report.totals();
        report.matrix();
        report.cases();
        report.ours();
        report.again();
        Path file = folder.resolve("report.md");
        Files.writeString(file, report.page);
        return file;
    }

    private void head(String command) {
        line("# What faults do to Hapax and to its peers");
        line("");
        line("Made by `" + command + "`; how, and what each contender was set to, in"
                + " [benchmarks](../../README.md#faults). " + Faults.machine());
        line("");
    }

    private void totals() {
        line("## In all");
        line("");
        line(
                "Occurrences that took effect more than once on each resource, or never on one of them; pairs of runs of one lock"
                        + " key of which the older one was still active after the newer one had started.");
        line("");
        table(
                outcomes.stream(),
                List.of(
                        new Column("contender", outcome -> outcome.contender().title()),
                        new Column("occurrences", Outcome::occurrences),
                        new Column("runs", outcome -> sum(outcome, Findings::runs)),
                        new Column("twice: file", outcome -> sum(outcome, found -> found.twice("file"))),
                        new Column("twice: PostgreSQL", outcome -> sum(outcome, found -> found.twice("row"))),
                        new Column("lost", outcome -> sum(outcome, Findings::lost)),
                        new Column("overlaps", outcome -> sum(outcome, Findings::overlaps)),
                        new Column("longest overlap", outcome -> longest(outcome, Findings::longestOverlap)),
                        new Column(
                                "keys left",
                                outcome -> outcome.contender().redisServers() == 0 ? "" : outcome.left())));
    }

    private static int sum(Outcome outcome, ToIntFunction<Findings> count) {
        return outcome.findings().mapToInt(count).sum();
    }

    private void matrix() {
        line("## Fault by fault");
        line("");
        line(
                "Each cell: `F` twice in the file, `P` twice in PostgreSQL, `L` lost, `O` overlaps (longest); `·` none of these;"
                        + " empty: the fault is not for this contender, or cannot be done on the machine.");
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
        outcomes.stream()
                .flatMap(Outcome::findings)
                .map(Findings::fault)
                .filter(label -> label.contains("+"))
                .distinct()
                .sorted()
                .forEach(label -> row("`" + label.replace("+", "` + `") + "`", label));
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
        if (found.stream().anyMatch(one -> !one.isCarriedOut())) {
            return "not carried out";
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
                            + Strike.of(found.fault()).title();
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

    /** A column of a table: its head, and what stands below it for an outcome. */
    private record Column(String head, Function<Outcome, Object> cell) {}

    private void table(Stream<Outcome> rows, List<Column> columns) {
        line("| " + columns.stream().map(Column::head).collect(Collectors.joining(" | ")) + " |");
        line("|" + " --- |".repeat(columns.size()));
        rows.forEach(outcome -> line("| "
                + columns.stream()
                        .map(column -> String.valueOf(column.cell().apply(outcome)))
                        .collect(Collectors.joining(" | "))
                + " |"));
        line("");
    }

    private void ours() {
        line("## What Hapax promises");
        line("");
        table(
                outcomes.stream().filter(outcome -> outcome.contender().isOurs()),
                List.of(
                        new Column("level", outcome -> outcome.contender().title()),
                        new Column(
                                "runs notified of a loss",
                                outcome ->
                                        sum(outcome, found -> found.toldAfter().size())),
                        new Column("late, process running", outcome -> sum(outcome, Findings::toldLate)),
                        new Column("late, process without a processor", outcome -> sum(outcome, Findings::toldStarved)),
                        new Column(
                                "notified before the end of the lease, least",
                                outcome -> millis(outcome.findings()
                                        .flatMap(found -> found.margins().stream())
                                        .mapToDouble(Double::doubleValue)
                                        .min()
                                        .orElse(0))),
                        new Column("never notified", outcome -> sum(outcome, Findings::untold)),
                        new Column(
                                "notified, but their lease was not seen", outcome -> sum(outcome, Findings::unjudged)),
                        new Column(
                                "notified after the process resumed, p50 / max",
                                outcome -> spread(outcome.findings().flatMap(found -> found.toldAfterThaw().stream()))),
                        new Column(
                                "key taken over after a kill, p50 / max",
                                outcome -> spread(outcome.findings().flatMap(found -> found.takeovers().stream()))),
                        new Column(
                                "overlaps with earlier notification",
                                outcome -> sum(outcome, found -> found.overlaps() - found.overlapsUntold())),
                        new Column("slowest reaction", outcome -> longest(outcome, Findings::slowestReaction)),
                        new Column("stale writes refused by the store", outcome -> sum(outcome, Findings::stale)),
                        new Column("tokens out of order", outcome -> sum(outcome, Findings::tokensOutOfOrder))));
        List<String> broken =
                outcomes.stream().flatMap(outcome -> outcome.broken().stream()).toList();
        line(broken.isEmpty() ? "Nothing was found beyond the table of promises." : "Beyond the table of promises:");
        line("");
        broken.forEach(what -> line("- " + what));
        exceptions();
        agreement();
    }

    private void exceptions() {
        for (Outcome outcome : outcomes) {
            int lost = outcome.findings().mapToInt(Findings::lostWithWorker).sum();
            if (lost > 0) {
                line("");
                line(outcome.contender().title() + ": " + lost
                        + " of the lost occurrences were firings that waited in the memory of"
                        + " a worker to be tried again when it was killed, which no other worker knows of.");
            }
        }
    }

    private void agreement() {
        List<String> differences = outcomes.stream()
                .flatMap(outcome -> outcome.differences().stream())
                .toList();
        line("");
        line(
                differences.isEmpty()
                        ? "A second checker, which shares no code with the first, found the same in every history."
                        : "The two checkers disagree, so that one of them is wrong:");
        line("");
        differences.forEach(what -> line("- " + what));
    }

    private void again() {
        line("");
        line("## Each history again");
        line("");
        line(
                "Each line is one history; the command, with these arguments, puts the same contender through the same faults, with the"
                        + " same chances. One fault of it alone: `--faults=` with its label, as it stands in the first column of the table of"
                        + " faults.");
        line("");
        line("| contender | faults | occurrences | twice: file, PostgreSQL | lost | arguments |");
        line("| --- | --- | --- | --- | --- | --- |");
        for (Outcome outcome : outcomes) {
            for (Outcome.Part part : outcome.parts()) {
                List<Findings> found = part.verdict().findings();
                line("| " + outcome.contender().label() + " | " + (found.size() - 1) + " | "
                        + found.stream().mapToInt(Findings::occurrences).sum() + " | "
                        + found.stream().mapToInt(one -> one.twice("file")).sum() + ", "
                        + found.stream().mapToInt(one -> one.twice("row")).sum() + " | "
                        + found.stream().mapToInt(Findings::lost).sum() + " | "
                        + part.plan().map(text -> "`" + text + "`").orElse("not stated") + " |");
            }
        }
    }

    private static String longest(Outcome outcome, ToDoubleFunction<Findings> millis) {
        return millis(outcome.findings().mapToDouble(millis).max().orElse(0));
    }

    private static String spread(Stream<Double> numbers) {
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
