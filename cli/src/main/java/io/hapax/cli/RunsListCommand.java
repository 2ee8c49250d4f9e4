package io.hapax.cli;

import io.hapax.ledger.LedgerEntry;
import io.hapax.ledger.LedgerQuery;
import io.hapax.ledger.RunLedger;
import io.hapax.ledger.RunState;
import io.hapax.time.DurationText;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lists occurrences. */
@Command(
        name = "list",
        description = "Lists occurrences that the ledger knows, the last started first. Changes nothing.")
final class RunsListCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final DatabaseOptions database = new DatabaseOptions();

    @Option(
            names = "--state",
            paramLabel = "STATE",
            split = ",",
            description = "some of ${COMPLETION-CANDIDATES}, with commas; by default running,lost,abandoned")
    private Set<RunState> states = EnumSet.noneOf(RunState.class);

    @Option(names = "--text", paramLabel = "TEXT", description = "only run keys or lock keys that contain it")
    private String text = "";

    @Option(names = "--older-than", paramLabel = "DURATION", description = "only those started longer ago, e.g. 10m")
    private String olderThan = "0";

    @Option(names = "--limit", paramLabel = "N", description = "how many at most, by default 50, at most 9999")
    private int limit = 50;

    /** As programs get it. */
    record Document(String namespace, List<RunView> runs, boolean complete) {}

    @Override
    public Integer call() {
        Set<RunState> wanted =
                states.isEmpty() ? EnumSet.of(RunState.RUNNING, RunState.LOST, RunState.ABANDONED) : states;
        if (limit < 1 || limit > 9999) {
            throw new IllegalArgumentException("--limit must be 1 to 9999, was " + limit);
        }
        LedgerQuery query = new LedgerQuery(wanted, text, DurationText.parse("--older-than", olderThan), limit + 1);
        common.findNamespace(database::namespacesOfLedger);
        List<LedgerEntry> found;
        try (RunLedger ledger = database.open(common.namespace())) {
            found = CommonOptions.answer(ledger.entries(query));
        }
        Instant now = common.now();
        List<RunView> shown =
                found.stream().limit(limit).map(entry -> RunView.of(entry, now)).toList();
        boolean complete = found.size() <= limit;
        common.print(new Document(common.namespace(), shown, complete), out -> print(out, shown, complete, wanted));
        return ExitCodes.FINE;
    }

    private void print(PrintWriter out, List<RunView> shown, boolean complete, Set<RunState> wanted) {
        if (shown.isEmpty()) {
            out.println("The ledger knows no such run in namespace " + common.namespace() + " that is "
                    + wanted.stream()
                            .map(state -> state.name().toLowerCase(Locale.ROOT))
                            .sorted()
                            .collect(Collectors.joining(" or "))
                    + ". 'hapax doctor' says whether workers use this namespace.");
            return;
        }
        TextTable table = new TextTable("RUN KEY", "LOCK KEY", "STATE", "WORKER", "STARTED", "AGE", "ATTEMPT");
        for (RunView run : shown) {
            table.row(
                    run.runKey() == null ? "-" : run.runKey(),
                    run.lockKey() == null ? "-" : run.lockKey(),
                    run.state() + (run.overdue() ? "?" : ""),
                    run.worker(),
                    PlainText.shortTime(run.started(), run.ageMillis()),
                    PlainText.duration(Duration.ofMillis(run.ageMillis())),
                    Integer.toString(run.attempt()));
        }
        table.print(out);
        if (shown.stream().anyMatch(RunView::overdue)) {
            out.println("RUNNING? is past its deadline: its run has crashed, and no worker has asked for it since.");
        }
        if (!complete) {
            out.println("… and more; --limit shows them.");
        }
    }
}
