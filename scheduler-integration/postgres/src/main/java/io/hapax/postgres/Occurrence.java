package io.hapax.postgres;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import org.jspecify.annotations.Nullable;

/**
 * Which row an identity stands for: its run key's, or, if it has none, one for its lock key that is claimed again and
 * again.
 */
record Occurrence(String key, boolean repeats, @Nullable String lockKey) {

    static Occurrence of(JobIdentity identity) {
        String lock = identity.lock().map(LockKey::value).orElse(null);
        return identity.runKey() != null
                ? new Occurrence(identity.runKey().value(), false, lock)
                : new Occurrence(String.valueOf(lock), true, lock);
    }

    /** Claims with equal gates are made one after the other. */
    String gate() {
        return lockKey != null ? "l" + lockKey : "r" + key;
    }

    JobIdentity identity() {
        return new JobIdentity(lockKey == null ? null : new LockKey(lockKey), repeats ? null : new RunKey(key));
    }
}
