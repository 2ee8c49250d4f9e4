package io.hapax.postgres;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.LockKey;
import io.hapax.lease.RunKey;
import io.hapax.lease.Slot;
import io.hapax.ops.HeldLease;
import java.util.ArrayList;
import java.util.List;

/**
 * What a lease is on, as {@code hapax_lease} names it.
 *
 * @param onRun whether the key is a run key; else it is a lock key
 * @param text the key's
 * @param slot the number of a slot; 0 is the key itself
 * @param limit how many may hold the key at once, as the caller states
 */
record LeaseKey(boolean onRun, String text, int slot, int limit) {

    static LeaseKey of(JobIdentity identity) {
        LockKey lock = identity.lockKey();
        Slot slot = identity.slot();
        if (lock == null) {
            return new LeaseKey(true, identity.run().map(RunKey::value).orElseThrow(), 0, 1);
        }
        return slot == null
                ? new LeaseKey(false, lock.value(), 0, 1)
                : new LeaseKey(false, lock.value(), slot.number(), slot.limit());
    }

    /** What somebody may mean by a name: the key itself first of all, unless it is known to be a slot. */
    static List<LeaseKey> of(HeldLease lease) {
        List<LeaseKey> all = new ArrayList<>(2);
        HeldLease.SlotName name = lease.onRunKey() ? null : HeldLease.SlotName.of(lease.name());
        if (lease.slot() == null || name == null) {
            all.add(new LeaseKey(lease.onRunKey(), lease.name(), 0, 1));
        }
        if (name != null) {
            all.add(new LeaseKey(false, name.key(), name.number(), name.number()));
        }
        return all;
    }

    /** The key itself. */
    LeaseKey whole() {
        return slot == 0 ? this : new LeaseKey(onRun, text, 0, 1);
    }

    /** What is woken for all of a family. */
    String family() {
        return (onRun ? "r" : "l") + text;
    }

    /** For display. */
    String subject() {
        return (onRun ? "run " : "lock ") + name();
    }

    String name() {
        return slot == 0 ? text : new HeldLease.SlotName(text, slot).toString();
    }
}
