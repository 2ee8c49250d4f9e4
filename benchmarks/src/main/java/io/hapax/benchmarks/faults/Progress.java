package io.hapax.benchmarks.faults;

import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Shows on standard error how far it is: on a terminal in one line, else a line for each fault. Thread-safe. */
final class Progress {

    /** From JDK 22 on there always is a console; then it is one line in any case. */
    @SuppressWarnings("SystemConsoleNull")
    private final boolean terminal = System.console() != null;

    private final long start = System.nanoTime();
    private final Object lock = new Object();
    private final int all;
    private int done;

    /** Knows how many faults there will be in all. */
    Progress(int all) {
        this.all = all;
    }

    /** How far one contender is; of several beside each other the last one that has started something is shown. */
    final class Lane {
        private final String contender;

        private Lane(String contender) {
            this.contender = contender;
        }

        void begin(String next, int occurrences) {
            synchronized (lock) {
                done++;
                print(contender, next + " (" + occurrences + " occurrences so far)", !terminal);
            }
        }

        void show(String what) {
            if (terminal) {
                synchronized (lock) {
                    print(contender, what, false);
                }
            }
        }

        void note(String text) {
            Progress.this.note(text);
        }
    }

    Lane start(String contender) {
        synchronized (lock) {
            print(contender, "starting", !terminal);
        }
        return new Lane(contender);
    }

    void note(String text) {
        System.err.println((terminal ? "\r\033[K" : "") + text);
    }

    void end() {
        if (terminal) {
            System.err.print("\r\033[K");
        }
    }

    private void print(String contender, String what, boolean line) {
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
        String text = String.format(
                Locale.ROOT,
                "%2d:%02d  [%3d/%d]  %-44s %s",
                seconds / 60,
                seconds % 60,
                done,
                Math.max(done, all),
                contender,
                what);
        if (line) {
            System.err.println(text);
        } else {
            System.err.print("\r\033[K" + text);
            System.err.flush();
        }
    }
}
