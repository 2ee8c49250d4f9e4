package io.hapax.lease;

/**
 * One of the places of a lock key that several runs may hold at once, and how many there are for the one that asks for it. Each slot
 * has a lease of its own, which states that limit. A request for the key itself asks for slot 1 of 1. Immutable.
 *
 * <p>Askers may state different limits, as while a rolling deploy changes one. Then the smallest of those that the holders state
 * is kept: two runs may hold a key at once only if their slots {@linkplain #goesWith go with} each other. As no two runs have the
 * same slot, no holder sees more of them than its own limit allows.
 *
 * @param number which one, from 1
 * @param limit how many runs may hold the key at once
 */
public record Slot(int number, int limit) {

    /**
     * Checks both.
     *
     * @throws IllegalArgumentException if there is no such slot
     */
    public Slot {
        if (number < 1 || number > limit) {
            throw new IllegalArgumentException("there is no slot " + number + " of " + limit);
        }
    }

    /** What a request for a key itself asks for. */
    public static final Slot WHOLE = new Slot(1, 1);

    /**
     * Tells whether both may be held at once: they are two, and neither is beyond the limit of the other.
     *
     * @param other what somebody else holds of the same lock key
     * @return true if so
     */
    public boolean goesWith(Slot other) {
        return number != other.number && number <= other.limit && other.number <= limit;
    }

    @Override
    public String toString() {
        return "slot " + number + " of " + limit;
    }
}
