package io.hapax;

/**
 * What happens to a run while another one holds its lock key. With anything but {@link #AUTO} and {@link #ALLOW} a job of a
 * scheduler has a lock key: where it sets none, the job itself.
 */
public enum OnConflict {
    /**
     * As on one node: work that does not come again by itself waits its turn, as with {@link #RESCHEDULE}; what comes again is
     * skipped. Plain code is skipped. An occurrence that is itself running elsewhere is tried again if nobody else would make up
     * for it within a ttl.
     */
    AUTO,
    /** The run does not take place. */
    SKIP,
    /** The run is tried again later, without holding a thread. Not available for plain code. */
    RESCHEDULE,
    /** The run waits for the key, for at most the wait timeout, and holds its thread meanwhile. */
    WAIT,
    /** The run fails with an error. */
    FAIL,
    /**
     * The run is tried again when the other has ended, unless one waits already: then it does not take place. A waiting run
     * holds no thread, and looks again as often as the adapter retries. Not available for plain code.
     */
    BUFFER_ONE,
    /**
     * The other one is cancelled, within a third of its ttl, as if it had lost its lease, and the run is tried again when
     * it has ended. Both must have this policy. A run that is tried again gives way to a newer one. Not available for plain code.
     */
    CANCEL_OTHER,
    /** Both run: there is no lock key. */
    ALLOW;

    /**
     * Tells whether what happens depends on who else waits, so that the store is asked once more.
     *
     * @return true for {@link #BUFFER_ONE} and {@link #CANCEL_OTHER}
     */
    public boolean isAboutOthers() {
        return this == BUFFER_ONE || this == CANCEL_OTHER;
    }

    /** Whether it needs a scheduler that tries again. */
    boolean needsScheduler() {
        return this == RESCHEDULE || isAboutOthers();
    }
}
