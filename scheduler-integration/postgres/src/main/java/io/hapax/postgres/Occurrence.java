package io.hapax.postgres;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Which row an identity stands for: its run key's, or, if it has none, one for its lock key that is claimed again and
 * again. Each slot of a key has one of its own.
 *
 * @param slot what of the lock key a run has
 */
record Occurrence(String key, boolean repeats, @Nullable String lockKey, Slot slot) {

    /** Before the number of a slot: no key has control characters, so no key is called like a slot. */
    private static final char SLOT = '\u0001';

    static Occurrence of(JobIdentity identity) {
        LockKey lockKey = identity.lockKey();
        String lock = lockKey == null ? null : lockKey.value();
        Slot slot = Objects.requireNonNullElse(identity.slot(), Slot.WHOLE);
        if (identity.runKey() != null) {
            return new Occurrence(identity.runKey().value(), false, lock, slot);
        }
        String key = identity.slot() == null ? String.valueOf(lock) : lock + SLOT + slot.number();
        return new Occurrence(key, true, lock, slot);
    }

    /** Claims with equal gates are made one after the other: all of one lock key, as its slots are no matter of their own. */
    String gate() {
        return lockKey != null ? "l" + lockKey : "r" + key;
    }

    JobIdentity identity() {
        return new JobIdentity(
                lockKey == null ? null : new LockKey(lockKey),
                repeats ? null : new RunKey(key),
                slot.equals(Slot.WHOLE) ? null : slot);
    }
}
