package io.hapax.lease;

/**
 * A number that grows with every grant on a key and outlives the lease.
 *
 * <p>Storage that remembers the highest token it has seen can refuse a writer whose lease was lost: see Kleppmann, "How
 * to do distributed locking" (2016). Immutable.
 *
 * @param value the number, at least 1
 */
public record FencingToken(long value) implements Comparable<FencingToken> {

    /**
     * Checks the number.
     *
     * @throws IllegalArgumentException if it is below 1
     */
    public FencingToken {
        if (value < 1) {
            throw new IllegalArgumentException("a fencing token starts at 1, was " + value);
        }
    }

    @Override
    public int compareTo(FencingToken other) {
        return Long.compare(value, other.value);
    }

    @Override
    public String toString() {
        return Long.toString(value);
    }
}
