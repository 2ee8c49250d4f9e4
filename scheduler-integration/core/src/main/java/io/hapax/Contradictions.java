package io.hapax;

/** Which settings do not go together, and what to use instead. */
final class Contradictions {

    private Contradictions() {}

    /** @throws IllegalArgumentException if two settings contradict each other; the message names them */
    static void refuse(RunOptions options) {
        if (options.concurrency() > 1
                && (options.onConflict().isAboutOthers() || options.onConflict() == OnConflict.ALLOW)) {
            throw contradiction(
                    "concurrency=" + options.concurrency(),
                    "onConflict=" + options.onConflict(),
                    options.onConflict() == OnConflict.ALLOW
                            ? "ALLOW sets no limit; leave out one of them"
                            : "BUFFER_ONE and CANCEL_OTHER need concurrency=1; use SKIP, RESCHEDULE, WAIT or FAIL");
        }
        if (options.mode() == LockMode.UNTIL_EXECUTING
                && (options.concurrency() > 1 || options.onConflict().isAboutOthers())) {
            throw contradiction(
                    "mode=UNTIL_EXECUTING",
                    options.concurrency() > 1
                            ? "concurrency=" + options.concurrency()
                            : "onConflict=" + options.onConflict(),
                    "no lock is held while the job works; use UNTIL_AND_WHILE_EXECUTING");
        }
        if (options.mode().isQueued() && options.onConflict() == OnConflict.ALLOW) {
            throw contradiction(
                    "mode=" + options.mode(),
                    "onConflict=ALLOW",
                    "without a lock key nothing is unique; use UNTIL_EXECUTING");
        }
        if (options.whenUnavailable() == WhenUnavailable.LEDGER_ONLY && options.needsMoreThanLease()) {
            throw contradiction(
                    "whenUnavailable=LEDGER_ONLY",
                    "concurrency, throttle or onConflict=" + options.onConflict(),
                    "the ledger knows no such limits; use FAIL_CLOSED or FAIL_OPEN");
        }
    }

    private static IllegalArgumentException contradiction(String one, String other, String mend) {
        return new IllegalArgumentException("settings " + one + " and " + other + " contradict each other: " + mend);
    }
}
