package io.hapax.lease;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a run is, for the guard: a lock key, a run key, or both.
 *
 * <p>The lease is taken on the lock key if there is one, else on the run key. Every attempt at one occurrence must pair
 * its run key with the same lock key. Immutable.
 *
 * @param lockKey what must not overlap, or null if overlaps are fine
 * @param runKey what must not happen twice, or null if repeating is fine
 */
public record JobIdentity(
        @Nullable LockKey lockKey, @Nullable RunKey runKey) {

    /**
     * Checks that there is at least one key.
     *
     * @throws IllegalArgumentException if both keys are null
     */
    public JobIdentity {
        if (lockKey == null && runKey == null) {
            throw new IllegalArgumentException(
                    "a job identity needs a lock key (must not overlap), a run key (must not happen twice), or both");
        }
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
     * Tells people which key the lease is on.
     *
     * @return the text of the lock key, or of the run key if there is no lock key
     */
    public String leaseName() {
        if (lockKey != null) {
            return lockKey.value();
        }
        return String.valueOf(runKey);
    }

    @Override
    public String toString() {
        return VisibleText.of(
                lockKey == null
                        ? "run " + runKey
                        : runKey == null ? "lock " + lockKey : "lock " + lockKey + ", run " + runKey);
    }
}
