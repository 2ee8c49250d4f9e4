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
        /** Two runs at work on one lock key, of which the older one had been told before the newer one began. */
        OVERLAP_TOLD,
        /** Two runs at work on one lock key, of which the older one knew nothing. */
        OVERLAP_UNTOLD,
        /** A run that began while so many others were at work on their lock key that the smallest limit of one of them was exceeded. */
        OVER_LIMIT,
        /** A fencing token that is not above those of the grants before. */
        TOKEN_OUT_OF_ORDER,
        /** A run was told after its lease had ended, though its process ran. */
        TOLD_LATE,
        /** A run was told more than 250 ms after its process went on. */
        TOLD_LATE_AFTER_THAW,
        /** A run worked on beyond its lease, and nobody told it. */
        NEVER_TOLD,
        /** The next run on the lock key of a killed run began more than 5 s later. */
        TAKEN_OVER_LATE,
        /** Something was left behind. */
        LEFT_BEHIND,
        /** The nemesis did not carry out what it had begun. */
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
