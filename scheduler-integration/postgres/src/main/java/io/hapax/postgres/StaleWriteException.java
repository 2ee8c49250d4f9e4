package io.hapax.postgres;

import io.hapax.lease.FencingToken;

/**
 * A write to a {@link FencedTable} was refused: a run with a higher fencing token was there before. The run that wrote
 * has been taken over; it must roll back and stop. Trying again does not help.
 */
public class StaleWriteException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final long token;
    private final long newest;

    StaleWriteException(String table, Object id, FencingToken token, long newest) {
        super("the row " + id + " of " + table + " has seen the fencing token " + newest + ", this run has the older "
                + token + ": another run has taken over. Roll back and stop; do not try again");
        this.token = token.value();
        this.newest = newest;
    }

    /**
     * Returns the token that was refused.
     *
     * @return the token of the run that wrote
     */
    public FencingToken token() {
        return new FencingToken(token);
    }

    /**
     * Returns the token that the row has seen.
     *
     * @return a higher one than {@link #token()}
     */
    public FencingToken newest() {
        return new FencingToken(newest);
    }
}
