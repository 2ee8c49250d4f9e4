package io.hapax.cli;

import io.hapax.ops.AdministeredStore;
import io.hapax.ops.ReportReader;
import io.hapax.time.Ticker;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows what a fleet is at, as {@code top} does for a machine. */
@Command(
        name = "watch",
        description =
                "Shows what runs, waits, was refused and was lost, again and again, until it is ended. Asks the reports that"
                        + " workers with a console give; if none does, looks through the leases.")
final class WatchCommand implements Callable<Integer> {

    /** Workers tell what they are at while somebody reads. */
    private static final Duration READING = Duration.ofSeconds(10);

    private static final Duration UNTIL_TOLD = Duration.ofMillis(1_500);
    /** A worker learns with one posting that it is asked for everything, and tells it with the next one. */
    private static final int MOST_PAUSES = 3;
    /** Of a search through all that the store keeps. */
    private static final Duration SEARCHES_APART = Duration.ofSeconds(5);

    private static final int MOST_LEASES = 10_000;

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final LeaseOptions leases = new LeaseOptions();

    @Mixin
    private final Repeatedly repeatedly = new Repeatedly();

    @Option(names = "--once", description = "show it once, and end")
    private boolean once;

    @Option(
            names = "--limit",
            paramLabel = "N",
            description = "how many rows at most of each: runs, waiting ones, and events; by default 20")
    private int limit = 20;

    private boolean isTold;
    private boolean isAsked;

    /** As programs get it. */
    record Document(
            String namespace,
            int workers,
            int running,
            int waiting,
            int runsOfLastHour,
            int refusedOfLastHour,
            int lostOfLastHour,
            boolean complete,
            List<FleetRow> rows) {}

    @Override
    public Integer call() throws InterruptedException {
        if (limit < 1) {
            throw new IllegalArgumentException("--limit must be at least 1, was " + limit);
        }
        repeatedly.period(Duration.ZERO);
        common.findNamespace(leases::namespaces);
        try (AdministeredStore store = leases.open(common.namespace())) {
            ReportReader reader = new ReportReader(store, Ticker.SYSTEM);
            if (once) {
                var unused = common.write(shown(look(store, reader)));
            } else {
                repeatedly.show(
                        common, () -> isTold ? Duration.ZERO : SEARCHES_APART, () -> shown(look(store, reader)));
            }
        }
        return ExitCodes.FINE;
    }

    /** Workers tell more from their next posting on, and all of it some postings after this reader has missed some. */
    private List<FleetReport> reports(ReportReader reader) {
        Map<String, ReportReader.Seen> seen = read(reader);
        boolean waits = !isAsked && !seen.isEmpty();
        isAsked = true;
        for (int n = 0; n < MOST_PAUSES && (waits || seen.values().stream().anyMatch(each -> !each.isWhole())); n++) {
            waits = false;
            try {
                TimeUnit.MILLISECONDS.sleep(UNTIL_TOLD.toMillis());
            } catch (InterruptedException ended) {
                Thread.currentThread().interrupt();
                break;
            }
            seen = read(reader);
        }
        return FleetReport.of(seen);
    }

    private Map<String, ReportReader.Seen> read(ReportReader reader) {
        return reader.take(CommonOptions.answer(reader.ask(READING.plus(repeatedly.period(Duration.ZERO)))));
    }

    private Document look(AdministeredStore store, ReportReader reader) {
        List<FleetReport> reports = reports(reader);
        Instant now = common.now();
        isTold = !reports.isEmpty();
        if (!isTold) {
            List<FleetRow> held = leases.ask(store, admin -> admin.leases(MOST_LEASES)).stream()
                    .map(lease -> FleetRow.of(LockView.of(lease, now)))
                    .sorted(Comparator.comparing(FleetRow::since))
                    .toList();
            return new Document(common.namespace(), 0, held.size(), 0, 0, 0, 0, false, first(held));
        }
        List<FleetRow> running = rows(reports, FleetReport::runs, run -> true, FleetRow::of, now);
        List<FleetRow> waiting = rows(reports, FleetReport::waiting, run -> true, FleetRow::of, now);
        List<FleetRow> events =
                new ArrayList<>(rows(reports, FleetReport::events, event -> !event.isUsual(), FleetRow::of, now));
        events.sort(Comparator.comparing(FleetRow::since).reversed());
        List<FleetRow> all = new ArrayList<>(first(running));
        all.addAll(first(waiting));
        all.addAll(first(events));
        return new Document(
                common.namespace(),
                reports.size(),
                reports.stream().mapToInt(FleetReport::active).sum(),
                waiting.size(),
                lastHour(reports, FleetReport.Chart::runs),
                lastHour(reports, FleetReport.Chart::refused),
                lastHour(reports, FleetReport.Chart::lost),
                true,
                all);
    }

    private interface Row<T> {
        FleetRow of(T told, String worker, Instant now);
    }

    private static <T> List<FleetRow> rows(
            List<FleetReport> reports,
            Function<FleetReport, List<T>> told,
            Predicate<T> wanted,
            Row<T> row,
            Instant now) {
        return reports.stream()
                .flatMap(report ->
                        told.apply(report).stream().filter(wanted).map(one -> row.of(one, report.worker(), now)))
                .sorted(Comparator.comparing(FleetRow::since))
                .toList();
    }

    private static int lastHour(List<FleetReport> reports, Function<FleetReport.Chart, List<Integer>> counts) {
        return reports.stream()
                .flatMap(report -> Optional.ofNullable(report.chart()).stream())
                .mapToInt(chart -> FleetReport.Chart.sum(counts.apply(chart)))
                .sum();
    }

    private List<FleetRow> first(List<FleetRow> rows) {
        return rows.stream().limit(limit).toList();
    }

    private Consumer<PrintWriter> shown(Document document) {
        return out -> {
            if (common.isJson()) {
                out.println(CommonOptions.json(document));
            } else {
                print(out, document);
            }
        };
    }

    private void print(PrintWriter out, Document document) {
        String head = PlainText.time(common.now()) + "  namespace " + document.namespace() + ": ";
        out.println(
                document.complete()
                        ? head + document.workers() + (document.workers() == 1 ? " worker, " : " workers, ")
                                + document.running() + " running, " + document.waiting() + " waiting"
                        : head + document.running() + " running");
        if (document.complete()) {
            out.println("in the last hour " + document.runsOfLastHour() + " started, " + document.refusedOfLastHour()
                    + " refused, " + document.lostOfLastHour() + " lost");
        } else {
            PlainText.paragraph(
                    out,
                    "",
                    "No worker has a console, so these are the leases; what waits, was refused or was lost is not known.");
        }
        if (document.running() > 0
                && document.rows().stream().noneMatch(row -> row.state().equals(FleetRow.RUNNING))) {
            PlainText.paragraph(out, "", "No worker has reported yet what it runs; look again in a few seconds.");
        }
        if (document.rows().isEmpty()) {
            return;
        }
        out.println();
        TextTable table = new TextTable("STATE", "JOB", "KEY", "WORKER", "SINCE", "AGE", "DETAIL");
        for (FleetRow row : document.rows()) {
            table.row(
                    row.state(),
                    row.job(),
                    row.key(),
                    row.worker(),
                    PlainText.shortTime(row.since(), row.ageMillis()),
                    PlainText.duration(Duration.ofMillis(row.ageMillis())),
                    row.detail());
        }
        table.print(out);
    }
}
