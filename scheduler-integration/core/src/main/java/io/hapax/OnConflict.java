package io.hapax;

/** What happens to a run that is refused because somebody else holds its key. */
public enum OnConflict {
    /**
     * The adapter chooses: recurring jobs are skipped, one-off jobs are rescheduled, so that no work is lost. For plain
     * code this is {@link #SKIP}.
     */
    AUTO,
    /** The run does not take place. */
    SKIP,
    /** The run is tried again later, without holding a thread. Not available for plain code. */
    RESCHEDULE,
    /** The run waits for the key, for at most the wait timeout, and holds its thread meanwhile. */
    WAIT,
    /** The run fails with an error. */
    FAIL
}
