package io.hapax.worker;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Shows how far both parts are: one line that changes on a terminal, a line every few seconds elsewhere. Thread-safe. */
final class DemoProgress {

    private static final int BAR = 12;
    private static final Duration LINE_EVERY = Duration.ofSeconds(4);

    private final PrintStream out;
    private final boolean terminal;
    private final Object lock = new Object();
    /** Sorted downwards, so that what is without a guard comes first, as in the table. */
    private final Map<String, String> parts = new TreeMap<>(Comparator.reverseOrder());

    private final Map<String, Long> shown = new HashMap<>();

    DemoProgress(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    void say(String line) {
        synchronized (lock) {
            clear();
            out.println(line);
            out.flush();
        }
    }

    void show(String part, String what, Duration done, Duration of, List<ObservedRun> runs) {
        int filled = (int) Math.min(BAR, BAR * done.toMillis() / Math.max(1, of.toMillis()));
        String bar = "#".repeat(filled) + ".".repeat(BAR - filled);
        synchronized (lock) {
            if (terminal) {
                parts.put(part, String.format(Locale.ROOT, "%s [%s] %3d runs", part, bar, runs.size()));
                out.print("\r  " + String.join("   ", parts.values()));
            } else if (isDue(part)) {
                out.printf(Locale.ROOT, "  %-9s [%s] %-26s %4d runs%n", part, bar, what, runs.size());
            }
            out.flush();
        }
    }

    private boolean isDue(String part) {
        long now = System.nanoTime();
        Long last = shown.get(part);
        boolean due = last == null || now - last >= LINE_EVERY.toNanos();
        if (due) {
            shown.put(part, now);
        }
        return due;
    }

    /** Wipes the line that changes. */
    void clear() {
        synchronized (lock) {
            if (terminal) {
                out.print("\r" + " ".repeat(79) + "\r");
                out.flush();
            }
        }
    }
}
