package io.hapax.cli;

import java.util.LinkedHashMap;
import java.util.Map;

/** What the exit codes of all commands mean. */
final class ExitCodes {

    static final int FINE = 0;
    static final int FAILED = 1;
    static final int WRONG_USAGE = 2;
    static final int NOTHING = 3;
    static final int ERRORS_FOUND = 4;
    static final int WARNINGS_FOUND = 5;
    // As sysexits.h has them, and few programs use them.
    static final int STORE_SILENT = 69;
    static final int REFUSED = 75;
    static final int LEASE_LOST = 76;

    private ExitCodes() {}

    /** Code to meaning, for {@code --help}. */
    static Map<String, String> table() {
        Map<String, String> table = new LinkedHashMap<>();
        table.put(" " + FINE, "fine; doctor: nothing worse than a note");
        table.put(" " + FAILED, "a server could not be asked, or something else failed; demo: a job ran twice");
        table.put(" " + WRONG_USAGE, "wrong usage: nothing was asked or changed");
        table.put(
                " " + NOTHING, "there is no such lock, pause or run, or nothing was changed although --yes was given");
        table.put(" " + ERRORS_FOUND, "doctor: found errors");
        table.put(" " + WARNINGS_FOUND, "doctor: found warnings, but no errors");
        table.put(STORE_SILENT + "", "exec: nothing was run, because the lease store did not answer");
        table.put(
                REFUSED + "",
                "exec: nothing was run: held, running elsewhere, already over, paused, throttled, or abandoned");
        table.put(LEASE_LOST + "", "exec: the lease was lost, so the command was ended");
        return table;
    }
}
