package io.hapax.lease;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a run is, for the guard: a lock key, a run key, or both.
 *
 * <p>The lease is taken on the lock key if there is one, or on one of its slots, else on the run key. Slots of a key, and the key
 * itself, have leases of their own, whatever the text of any key; which of them may be held at once, {@link Slot} says. Every
 * attempt at one occurrence must pair its run key with the same lock key. Immutable.
 *
 * @param lockKey what must not overlap, or null if overlaps are fine
 * @param runKey what must not happen twice, or null if repeating is fine
 * @param slot which of the lock key's slots, or null if the key has only one holder at a time
 */
public record JobIdentity(
        @Nullable LockKey lockKey,
        @Nullable RunKey runKey,
        @Nullable Slot slot) {

    /**
     * Checks that there is at least one key.
     *
     * @throws IllegalArgumentException if both keys are null, or there is a slot and no lock key
     */
    public JobIdentity {
        if (slot != null && lockKey == null) {
            throw new IllegalArgumentException("only a lock key has slots, and " + runKey + " is a run key");
        }
        if (lockKey == null && runKey == null) {
            throw new IllegalArgumentException(
                    "a job identity needs a lock key (must not overlap), a run key (must not happen twice), or both");
        }
    }

    /**
     * Names what has one holder at a time.
     *
     * @param lockKey what must not overlap, or null if overlaps are fine
     * @param runKey what must not happen twice, or null if repeating is fine
     * @throws IllegalArgumentException if both are null
     */
    public JobIdentity(@Nullable LockKey lockKey, @Nullable RunKey runKey) {
        this(lockKey, runKey, null);
    }

    /**
     * Returns the run key as an optional.
     *
     * @return the run key, if there is one
     */
    public Optional<RunKey> run() {
        return Optional.ofNullable(runKey);
    }

    /**
     * Returns the lock key as an optional.
     *
     * @return the lock key, if there is one
     */
    public Optional<LockKey> lock() {
        return Optional.ofNullable(lockKey);
    }

    /**
     * Names the key that the lease is on, for display.
     *
     * @return the text of the lock key, with the number of its slot if it is one, as {@code rooms #2}; or the text of the run
     *     key if there is no lock key
     */
    public String leaseName() {
        if (lockKey != null) {
            return slot == null ? lockKey.value() : lockKey.value() + " #" + slot.number();
        }
        return String.valueOf(runKey);
    }

    @Override
    public String toString() {
        String lock = slot == null ? "lock " + lockKey : "lock " + lockKey + ", " + slot;
        return VisibleText.of(lockKey == null ? "run " + runKey : runKey == null ? lock : lock + ", run " + runKey);
    }
}
