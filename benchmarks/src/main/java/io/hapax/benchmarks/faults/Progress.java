package io.hapax.benchmarks.faults;

import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Shows on standard error how far it is: on a terminal in one line, else a line for each fault. Used by one thread. */
final class Progress {

    /** From JDK 22 on there always is a console; then it is one line in any case. */
    @SuppressWarnings("SystemConsoleNull")
    private final boolean terminal = System.console() != null;

    private final long start = System.nanoTime();
    private final int all;
    private int done;
    private String contender = "";
    private String fault = "";

    /** Knows how many faults there will be in all. */
    Progress(int all) {
        this.all = all;
    }

    void contender(String title) {
        contender = title;
        fault = "starting";
        print(!terminal);
    }

    void begin(String next, int occurrences) {
        done++;
        fault = next + " (" + occurrences + " occurrences so far)";
        print(!terminal);
    }

    void show(String what) {
        if (terminal) {
            fault = what;
            print(false);
        }
    }

    void note(String text) {
        System.err.println((terminal ? "\r\033[K" : "") + text);
    }

    void end() {
        if (terminal) {
            System.err.print("\r\033[K");
        }
    }

    private void print(boolean line) {
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
        String text = String.format(
                Locale.ROOT,
                "%2d:%02d  [%3d/%d]  %-44s %s",
                seconds / 60,
                seconds % 60,
                done,
                Math.max(done, all),
                contender,
                fault);
        if (line) {
            System.err.println(text);
        } else {
            System.err.print("\r\033[K" + text);
            System.err.flush();
        }
    }
}
