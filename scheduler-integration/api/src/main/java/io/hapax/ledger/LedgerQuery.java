package io.hapax.ledger;

import java.time.Duration;
import java.util.Set;

/**
 * What to look for in a ledger. Immutable.
 *
 * @param states in which of these states; not empty
 * @param text a part of the run key or of the lock key, in the same case; empty for all
 * @param olderThan whose last run was started longer ago; zero for all
 * @param atMost how many, 1 to 10 000
 */
public record LedgerQuery(Set<RunState> states, String text, Duration olderThan, int atMost) {

    private static final int MOST = 10_000;

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is not allowed
     */
    public LedgerQuery {
        states = Set.copyOf(states);
        if (states.isEmpty()) {
            throw new IllegalArgumentException("a ledger query needs at least one state");
        }
        if (olderThan.isNegative()) {
            throw new IllegalArgumentException("a ledger query's age must not be negative, was " + olderThan);
        }
        if (atMost < 1 || atMost > MOST) {
            throw new IllegalArgumentException("a ledger query returns 1 to " + MOST + " entries, was " + atMost);
        }
    }

    /**
     * Asks for the last occurrences in some states.
     *
     * @param atMost how many
     * @param states the states
     * @return the query
     */
    public static LedgerQuery in(int atMost, RunState... states) {
        return new LedgerQuery(Set.of(states), "", Duration.ZERO, atMost);
    }
}
