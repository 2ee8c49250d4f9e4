package io.hapax.worker;

import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** Shows how far the demo is: one line that changes on a terminal, a line every few seconds elsewhere. */
final class DemoProgress {

    private static final int BAR = 24;
    private static final Duration LINE_EVERY = Duration.ofSeconds(4);

    private final PrintStream out;
    private final boolean terminal;
    private long lastLine = System.nanoTime() - LINE_EVERY.toNanos();

    DemoProgress(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    void say(String line) {
        clear();
        out.println(line);
        out.flush();
    }

    void show(String part, String what, Duration done, Duration of, List<ObservedRun> runs) {
        if (!terminal && System.nanoTime() - lastLine < LINE_EVERY.toNanos()) {
            return;
        }
        lastLine = System.nanoTime();
        int filled = (int) Math.min(BAR, BAR * done.toMillis() / Math.max(1, of.toMillis()));
        String line = String.format(
                Locale.ROOT,
                "  %-9s [%s%s] %-26s %4d runs",
                part,
                "#".repeat(filled),
                ".".repeat(BAR - filled),
                what,
                runs.size());
        if (terminal) {
            out.print("\r" + line);
        } else {
            out.println(line);
        }
        out.flush();
    }

    /** Wipes the line that changes. */
    void clear() {
        if (terminal) {
            out.print("\r" + " ".repeat(79) + "\r");
            out.flush();
        }
    }
}
