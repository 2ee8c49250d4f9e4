package io.hapax.test;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.Slot;

/**
 * What a lease is on: a lock key, one of its slots, or a run key, which never collide.
 *
 * @param slot its number, 0 if it is none
 */
record LeaseKey(boolean lock, String text, int slot) {

    /** What is paused, and what is waited for: a lock key with all of its slots, or a run key. */
    static LeaseKey ofFamily(JobIdentity identity) {
        LeaseKey key = of(identity);
        return new LeaseKey(key.lock, key.text, 0);
    }

    static LeaseKey of(JobIdentity identity) {
        LockKey lockKey = identity.lockKey();
        Slot slot = identity.slot();
        return lockKey == null
                ? new LeaseKey(false, identity.leaseName(), 0)
                : new LeaseKey(true, lockKey.value(), slot == null ? 0 : slot.number());
    }
}
