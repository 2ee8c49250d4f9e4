package io.hapax.testkit;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;

/** What a lease is on: a lock key or a run key, which never collide. */
record LeaseKey(boolean lock, String text) {

    static LeaseKey of(JobIdentity identity) {
        LockKey lockKey = identity.lockKey();
        return lockKey == null ? new LeaseKey(false, identity.leaseName()) : new LeaseKey(true, lockKey.value());
    }
}
