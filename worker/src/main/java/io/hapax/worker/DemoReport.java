package io.hapax.worker;

import java.io.PrintStream;
import java.util.Locale;

/** The table at the end of the demo. */
final class DemoReport {

    private static final String TITLE = "─".repeat(37);
    private static final String COUNT = "─".repeat(7);
    private static final String LEFT = "─".repeat(25);
    private static final String RIGHT = "─".repeat(27);

    private final PrintStream out;

    private DemoReport(PrintStream out) {
        this.out = out;
    }

    /** Prints what happened; returns whether the guard kept its word and the unguarded part shows what it is for. */
    static boolean print(PrintStream out, DemoPart.Result unguarded, DemoPart.Result guarded) {
        return new DemoReport(out).print(unguarded, guarded);
    }

    private boolean print(DemoPart.Result unguarded, DemoPart.Result guarded) {
        Tally before = unguarded.tallies().values().stream().reduce(Tally.NONE, Tally::plus);
        Tally after = guarded.tallies().values().stream().reduce(Tally.NONE, Tally::plus);
        table(unguarded, guarded, before, after);
        legend();
        stops(guarded);
        boolean proves = before.duplicates() > 0;
        out.println(
                after.isClean()
                        ? "  ✔ guarded: every occurrence took effect once."
                        : "  ✘ guarded: the guard did not keep its word.");
        if (!proves) {
            out.println("  ✘ the unguarded fleet showed no duplicate, so this demo proves nothing.");
        }
        out.printf(
                Locale.ROOT,
                "hapax-demo occurrences=%d unguarded_duplicates=%d guarded_duplicates=%d guarded_overlaps=%d guarded_lost=%d%n",
                after.occurrences(),
                before.duplicates(),
                after.duplicates(),
                after.overlaps(),
                after.lost());
        return after.isClean() && proves;
    }

    private void table(DemoPart.Result unguarded, DemoPart.Result guarded, Tally before, Tally after) {
        out.println();
        rule("┌", "┬", "┐");
        out.println(
                "│                                     │ occur-│        unguarded        │      guarded by Hapax     │");
        out.println(
                "│ job                                 │ rences│  runs twice  over  lost │  runs twice  over  lost   │");
        rule("├", "┼", "┤");
        for (Kind kind : Kind.values()) {
            row(
                    kind.title(),
                    unguarded.tallies().getOrDefault(kind, Tally.NONE),
                    guarded.tallies().getOrDefault(kind, Tally.NONE));
        }
        rule("├", "┼", "┤");
        row("all", before, after);
        rule("└", "┴", "┘");
    }

    private void rule(String left, String middle, String right) {
        out.println(left + TITLE + middle + COUNT + middle + LEFT + middle + RIGHT + right);
    }

    private void row(String title, Tally before, Tally after) {
        out.printf(
                Locale.ROOT,
                "│ %-35s │ %5s │ %5s %5s %5s %5s │ %5s %5s %5s %5s %s │%n",
                title,
                after.occurrences(),
                before.runs(),
                before.duplicates(),
                before.overlaps(),
                before.lost(),
                after.runs(),
                after.duplicates(),
                after.overlaps(),
                after.lost(),
                after.isClean() ? "✔" : "✘");
    }

    private void legend() {
        out.println(
                "  runs: started (one that was killed or revoked starts again elsewhere) · twice: effects beyond the first");
        out.println(
                "  over: pairs of runs that worked on the same thing at once · lost: occurrences without an effect");
        out.println();
    }

    private void stops(DemoPart.Result guarded) {
        out.printf(
                Locale.ROOT,
                "  guarded, %2d s in: %-5s killed (kill -9); %s%n",
                DemoPart.KILL_AT.toSeconds(),
                DemoPart.WORKERS.get(DemoPart.KILLED),
                guarded.killed());
        out.printf(
                Locale.ROOT,
                "  guarded, %2d s in: %-5s frozen (SIGSTOP) for %d s; %s%n",
                DemoPart.FREEZE_AT.toSeconds(),
                DemoPart.WORKERS.get(DemoPart.FROZEN),
                DemoPart.THAW_AT.minus(DemoPart.FREEZE_AT).toSeconds(),
                guarded.frozen());
    }
}
