package io.hapax.benchmarks.faults.judge;

import java.util.Locale;

/**
 * Something that ought not to be in a history.
 *
 * @param kind what
 * @param window the number of the fault during which it happened, 0 before the first
 * @param subject the run, the two runs, the occurrence, or the thing that it is about
 * @param line where it can be seen in the file
 */
public record Violation(Kind kind, int window, String subject, int line) {

    /** What can be wrong. */
    public enum Kind {
        /** A second effect of an occurrence on the file. */
        TWICE_FILE,
        /** A second effect of an occurrence on the store that checks tokens. */
        TWICE_STORE,
        /** A second row of an occurrence in PostgreSQL. */
        TWICE_ROW,
        /** An occurrence that was due, and has no effect on the file or none in PostgreSQL. */
        LOST,
        /** Two active runs on one lock key; the older one was notified before the newer one started. */
        OVERLAP_TOLD,
        /** Two active runs on one lock key; the older one was not notified. */
        OVERLAP_UNTOLD,
        /** A run that started although the active runs on its lock key had already reached the smallest limit that one of them states. */
        OVER_LIMIT,
        /** A fencing token that is not above those of the grants before. */
        TOKEN_OUT_OF_ORDER,
        /** A run was notified after its lease had ended, though its process was running. */
        TOLD_LATE,
        /** A run was notified more than 250 ms after its process resumed. */
        TOLD_LATE_AFTER_THAW,
        /** A run worked on beyond its lease, and was never notified. */
        NEVER_TOLD,
        /** The next run on the lock key of a killed run started more than 5 s later. */
        TAKEN_OVER_LATE,
        /** Something was left behind. */
        LEFT_BEHIND,
        /** The nemesis did not carry out a fault that it had started. */
        NOT_HEALED;

        /**
         * Names it.
         *
         * @return its name
         */
        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }
}
