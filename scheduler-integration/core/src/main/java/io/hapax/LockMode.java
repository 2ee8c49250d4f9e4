package io.hapax;

/**
 * When the lock key of a job is taken, and when it is free again.
 *
 * <p>While a job is queued no process is there to renew a lease, so what is kept then is a place with a time of its own,
 * {@link RunOptions#uniqueFor()}. It lives for seconds until the scheduler has stored the job, and is freed when that is gone. It keeps
 * duplicates out of the queue, and nothing more: if the store forgets it, or cannot be asked, the job is queued, and the lease
 * and the run key decide when it starts. While a job works there is a lease.
 *
 * <pre>
 *                          queued   starts        succeeds  is retried  fails finally or is dropped
 * WHILE_EXECUTING          -        lease         free      free        free
 * UNTIL_EXECUTED           place    lease         free      place stays free
 * UNTIL_EXPIRED            place    lease         stays     stays       stays until uniqueFor is over
 * UNTIL_EXECUTING          place    free          -         -           free
 * UNTIL_AND_WHILE_EXECUTING place   free, lease   free      free        free
 * </pre>
 */
public enum LockMode {
    /** From the start of a run to its end. Any number may be queued. */
    WHILE_EXECUTING,
    /** From when it is queued until it has succeeded or is given up. */
    UNTIL_EXECUTED,
    /** From when it is queued, for {@link RunOptions#uniqueFor()}, whatever happens to it. */
    UNTIL_EXPIRED,
    /** From when it is queued until it starts: at most one waits, and runs may overlap. */
    UNTIL_EXECUTING,
    /** At most one waits, and at most one runs. */
    UNTIL_AND_WHILE_EXECUTING;

    /** What happens to a queued job. */
    enum Stage {
        BEGUN,
        SUCCEEDED,
        RETRIED,
        ENDED
    }

    /**
     * Tells whether jobs are kept unique while they are queued.
     *
     * @return false for {@link #WHILE_EXECUTING} only
     */
    public boolean isQueued() {
        return this != WHILE_EXECUTING;
    }

    /**
     * Tells whether a run holds a lease on the lock key.
     *
     * @return false for {@link #UNTIL_EXECUTING} only
     */
    public boolean isLockedWhileExecuting() {
        return this != UNTIL_EXECUTING;
    }

    /** Whether the place in the queue is free from this stage on. */
    boolean frees(Stage stage) {
        return switch (this) {
            case WHILE_EXECUTING, UNTIL_EXPIRED -> false;
            case UNTIL_EXECUTED -> stage == Stage.SUCCEEDED || stage == Stage.ENDED;
            case UNTIL_EXECUTING, UNTIL_AND_WHILE_EXECUTING -> stage == Stage.BEGUN || stage == Stage.ENDED;
        };
    }
}
