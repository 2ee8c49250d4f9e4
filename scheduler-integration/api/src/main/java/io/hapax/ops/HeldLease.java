package io.hapax.ops;

import io.hapax.lease.Holder;
import io.hapax.lease.Slot;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A lease as a store keeps it. Immutable.
 *
 * @param name the text of its key, or what the store keeps of it: long or odd texts are shortened. Of a slot with its number, as
 *     {@code rooms #2}
 * @param onRunKey whether that is a run key; else it is a lock key
 * @param holder who holds it
 * @param left how long it lives unless it is renewed
 * @param awaited whether somebody may be waiting for it
 * @param slot which slot of the lock key, and under which limit it was granted; null if it is on the key itself
 */
public record HeldLease(
        String name,
        boolean onRunKey,
        Holder holder,
        Duration left,
        boolean awaited,
        @Nullable Slot slot) {

    private static final Pattern OF_A_SLOT = Pattern.compile("(.+) #([1-9]\\d{0,8})", Pattern.DOTALL);

    /**
     * A lease on a key itself, or on whatever somebody has called so.
     *
     * @param name the text of its key, or its name as the store returned it
     * @param onRunKey whether that is a run key; else it is a lock key
     * @param holder who holds it
     * @param left how long it lives unless it is renewed
     * @param awaited whether somebody may be waiting for it
     */
    public HeldLease(String name, boolean onRunKey, Holder holder, Duration left, boolean awaited) {
        this(name, onRunKey, holder, left, awaited, null);
    }

    /**
     * Tells whether somebody may mean this lease by a name.
     *
     * @param text a name that somebody has typed or seen
     * @return true if it is the name of this lease, or, of a slot, that of its key
     */
    public boolean isCalled(String text) {
        return name.equals(text) || (slot != null && name.equals(new SlotName(text, slot.number()).toString()));
    }

    /**
     * What a name means if it is that of a slot. A lock key may have the same text: then the name means that key first of all.
     *
     * @param key the text of the lock key, or what the store keeps of it
     * @param number which slot
     */
    public record SlotName(String key, int number) {

        /**
         * Reads a name that somebody has typed or seen.
         *
         * @param name such as {@code rooms #2}
         * @return the slot; null if no slot is called so
         */
        public static @Nullable SlotName of(String name) {
            Matcher matcher = OF_A_SLOT.matcher(name);
            return matcher.matches() ? new SlotName(matcher.group(1), Integer.parseInt(matcher.group(2))) : null;
        }

        @Override
        public String toString() {
            return key + " #" + number;
        }
    }
}
