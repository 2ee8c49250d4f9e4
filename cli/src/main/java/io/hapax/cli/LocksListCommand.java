package io.hapax.cli;

import io.hapax.ops.AdministeredStore;
import io.hapax.time.DurationText;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lists the leases that are held. */
@Command(
        name = "list",
        description =
                "Lists the leases that are held, the oldest first. Looks through all that the store keeps, in Redis in small"
                        + " steps; changes nothing.")
final class LocksListCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common = new CommonOptions();

    @Mixin
    private final LeaseOptions leases = new LeaseOptions();

    @Option(names = "--text", paramLabel = "TEXT", description = "only keys that contain it, or whose run does")
    private String text = "";

    @Option(names = "--older-than", paramLabel = "DURATION", description = "only leases held for longer, e.g. 10m")
    private String olderThan = "0";

    @Option(names = "--worker", paramLabel = "TEXT", description = "only of workers whose names contain it")
    private String worker = "";

    @Option(names = "--limit", paramLabel = "N", description = "how many at most, by default 50")
    private int limit = 50;

    @Option(names = "--paused", description = "the keys that are paused in place of the leases")
    private boolean paused;

    /** As programs get it. */
    record Pauses(String namespace, List<PausedKeyView> pauses, int found, boolean complete) {}

    /** As programs get it. */
    record Document(String namespace, List<LockView> locks, int found, boolean complete) {}

    @Override
    public Integer call() {
        Duration youngest = DurationText.parse("--older-than", olderThan);
        if (limit < 1) {
            throw new IllegalArgumentException("--limit must be at least 1, was " + limit);
        }
        common.findNamespace(leases::namespaces);
        if (paused) {
            listPauses(youngest);
            return ExitCodes.FINE;
        }
        List<LockView> found;
        try (AdministeredStore store = leases.open(common.namespace())) {
            Instant now = common.now();
            found = leases.ask(store, admin -> admin.leases(Integer.MAX_VALUE)).stream()
                    .map(lease -> LockView.of(lease, now))
                    .filter(lock -> lock.key().contains(text) || lock.run().contains(text))
                    .filter(lock -> lock.worker().contains(worker))
                    .filter(lock -> lock.ageMillis() >= youngest.toMillis())
                    .sorted(Comparator.comparing(LockView::since))
                    .toList();
        }
        List<LockView> shown = found.stream().limit(limit).toList();
        common.print(
                new Document(common.namespace(), shown, found.size(), shown.size() == found.size()),
                out -> print(out, shown, found.size()));
        return ExitCodes.FINE;
    }

    private void listPauses(Duration youngest) {
        if (!worker.isEmpty()) {
            throw new IllegalArgumentException("--worker is about leases; with --paused, leave it out");
        }
        List<PausedKeyView> found;
        try (AdministeredStore store = leases.open(common.namespace())) {
            Instant now = common.now();
            found = leases.ask(store, admin -> admin.pauses(Integer.MAX_VALUE)).stream()
                    .map(key -> PausedKeyView.of(key, now))
                    .filter(key -> key.key().contains(text) && key.ageMillis() >= youngest.toMillis())
                    .sorted(Comparator.comparing(PausedKeyView::since))
                    .toList();
        }
        List<PausedKeyView> shown = found.stream().limit(limit).toList();
        common.print(
                new Pauses(common.namespace(), shown, found.size(), shown.size() == found.size()),
                out -> printPauses(out, shown, found.size()));
    }

    private void printPauses(PrintWriter out, List<PausedKeyView> shown, int found) {
        if (shown.isEmpty()) {
            out.println("No such key is paused in namespace " + common.namespace() + ".");
            return;
        }
        TextTable table = new TextTable("KEY", "KIND", "PAUSED BY", "SINCE", "AGE", "ENDS", "REASON");
        for (PausedKeyView key : shown) {
            table.row(
                    key.key(),
                    key.kind(),
                    key.actor(),
                    PlainText.shortTime(key.since(), key.ageMillis()),
                    PlainText.duration(Duration.ofMillis(key.ageMillis())),
                    key.pause().until(),
                    key.reason());
        }
        table.print(out);
        more(out, found - shown.size());
    }

    private static void more(PrintWriter out, int left) {
        if (left > 0) {
            out.println("… and " + left + " more; --limit shows them.");
        }
    }

    private void print(PrintWriter out, List<LockView> shown, int found) {
        if (shown.isEmpty()) {
            out.println("No such lease is held in namespace " + common.namespace()
                    + ". 'hapax doctor' says whether workers use this namespace and address.");
            return;
        }
        TextTable table = new TextTable("KEY", "KIND", "WORKER", "SINCE", "AGE", "LEFT", "TOKEN", "AWAITED");
        for (LockView lock : shown) {
            table.row(
                    lock.key(),
                    lock.kind(),
                    lock.worker(),
                    PlainText.shortTime(lock.since(), lock.ageMillis()),
                    PlainText.duration(Duration.ofMillis(lock.ageMillis())),
                    PlainText.duration(Duration.ofMillis(lock.leftMillis())),
                    Long.toString(lock.token()),
                    lock.awaited() ? "yes" : "no");
            if (!lock.run().isEmpty() && !lock.run().equals(lock.key())) {
                table.below("run " + lock.run());
            }
        }
        table.print(out);
        more(out, found - shown.size());
    }
}
