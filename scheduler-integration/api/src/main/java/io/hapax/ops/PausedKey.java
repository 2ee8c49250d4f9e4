package io.hapax.ops;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.KeyPause;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;

/**
 * A key that somebody has paused, as a store keeps it. Immutable.
 *
 * @param name the text of the key, or what the store keeps of it: long or odd texts are shortened
 * @param onRunKey whether that is a run key; else it is a lock key
 * @param pause who paused it, why, and until when
 */
public record PausedKey(String name, boolean onRunKey, KeyPause pause) {

    /**
     * Returns the keys that the name stands for if the store has not shortened it.
     *
     * @return a lock key or a run key
     */
    public JobIdentity identity() {
        return onRunKey ? new JobIdentity(null, new RunKey(name)) : new JobIdentity(new LockKey(name), null);
    }
}
