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

    static Occurrence of(JobIdentity identity) {
        String lock = identity.lock().map(LockKey::value).orElse(null);
        Slot slot = Objects.requireNonNullElse(identity.slot(), Slot.WHOLE);
        return identity.runKey() != null
                ? new Occurrence(identity.runKey().value(), false, lock, slot)
                : new Occurrence(identity.leaseName(), true, lock, slot);
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
