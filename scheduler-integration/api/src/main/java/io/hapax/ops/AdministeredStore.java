package io.hapax.ops;

import io.hapax.lease.LeaseStore;

/**
 * A lease store that also answers operators. A store of an application's own may leave that out: guards work with a plain
 * {@link LeaseStore}, which nobody can ask who holds what. Thread-safe.
 */
public interface AdministeredStore extends LeaseStore {

    /**
     * Returns what operators ask of this store, and do to it.
     *
     * @return the same leases; needs no closing
     */
    LeaseAdmin admin();

    /**
     * Returns the board on which workers tell what they are at.
     *
     * @return the board of this store's namespace; needs no closing
     */
    FleetBoard board();
}
