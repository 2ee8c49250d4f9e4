package io.hapax;

/** What happens when an occurrence of a job is due while another one holds the lock key. */
public enum OverlapPolicy {
    /** {@link RunOptions#onConflict()} says what happens. */
    AUTO,
    /** The new one does not run. */
    SKIP,
    /**
     * The new one runs when the other has ended, unless one waits already: then it does not run. Whoever waits holds no
     * thread, and looks again as often as the adapter retries.
     */
    BUFFER_ONE,
    /**
     * The other one is told to give way, within a third of its ttl, as if it had lost its lease, and the new one runs when it
     * has ended. Both must have this policy. A new one that has to try again itself gives way to a newer one.
     */
    CANCEL_OTHER,
    /** Both run: there is no lock key. */
    ALLOW;

    /**
     * Tells whether a refused run is tried again by its scheduler, and somebody has to be told.
     *
     * @return true for {@link #BUFFER_ONE} and {@link #CANCEL_OTHER}
     */
    public boolean isTriedAgain() {
        return this == BUFFER_ONE || this == CANCEL_OTHER;
    }
}
