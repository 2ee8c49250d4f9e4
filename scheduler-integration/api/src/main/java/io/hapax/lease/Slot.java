package io.hapax.lease;

/**
 * One of the places of a lock key that several runs may hold at once, and how many there are for whoever asks for it. Each slot
 * has a lease of its own, which states that limit. Immutable.
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

    @Override
    public String toString() {
        return "slot " + number + " of " + limit;
    }
}
