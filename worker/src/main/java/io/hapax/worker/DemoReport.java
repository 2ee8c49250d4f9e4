package io.hapax.worker;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/** The table at the end of the demo. */
final class DemoReport {

    private DemoReport() {}

    /** Prints what happened; returns whether the guard kept its word and the unguarded part shows what it is for. */
    static boolean print(PrintStream out, Map<Kind, Tally> unguarded, Map<Kind, Tally> guarded, List<String> notes) {
        out.println();
        notes.forEach(note -> out.println("  " + note));
        out.println();
        out.println(
                "┌─────────────────────────────────────┬───────┬─────────────────────────┬─────────────────────────┐");
        out.println(
                "│                                     │ occur-│        unguarded        │      guarded by Hapax   │");
        out.println(
                "│ job                                 │ rences│  runs twice  over  lost │  runs twice  over  lost │");
        out.println(
                "├─────────────────────────────────────┼───────┼─────────────────────────┼─────────────────────────┤");
        Tally before = Tally.NONE;
        Tally after = Tally.NONE;
        for (Kind kind : Kind.values()) {
            Tally left = unguarded.getOrDefault(kind, Tally.NONE);
            Tally right = guarded.getOrDefault(kind, Tally.NONE);
            row(out, kind.title(), left, right);
            before = before.plus(left);
            after = after.plus(right);
        }
        out.println(
                "├─────────────────────────────────────┼───────┼─────────────────────────┼─────────────────────────┤");
        row(out, "all", before, after);
        out.println(
                "└─────────────────────────────────────┴───────┴─────────────────────────┴─────────────────────────┘");
        out.println(
                "  runs: begun (one that was killed or revoked is begun again elsewhere) · twice: effects beyond the first");
        out.println(
                "  over: pairs of runs that worked on the same thing at once · lost: occurrences without an effect");
        boolean kept = after.duplicates() == 0 && after.overlaps() == 0 && after.lost() == 0 && after.occurrences() > 0;
        boolean proves = before.duplicates() > 0;
        out.println();
        out.println(
                kept
                        ? "  ✔ guarded: every occurrence took effect once."
                        : "  ✘ guarded: the guard did not keep its word.");
        if (!proves) {
            out.println("  ✘ the unguarded fleet showed no duplicate, so this demo proves nothing.");
        }
        out.printf(
                "hapax-demo occurrences=%d unguarded_duplicates=%d guarded_duplicates=%d guarded_overlaps=%d guarded_lost=%d%n",
                after.occurrences(), before.duplicates(), after.duplicates(), after.overlaps(), after.lost());
        return kept && proves;
    }

    private static void row(PrintStream out, String title, Tally before, Tally after) {
        out.printf(
                "│ %-35s │ %5s │ %5s %5s %5s %5s │ %5s %5s %5s %5s │%n",
                title,
                after.occurrences(),
                before.runs(),
                before.duplicates(),
                before.overlaps(),
                before.lost(),
                after.runs(),
                after.duplicates(),
                after.overlaps(),
                after.lost());
    }
}
