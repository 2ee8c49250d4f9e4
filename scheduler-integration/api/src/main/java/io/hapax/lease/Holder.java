package io.hapax.lease;

import java.time.Instant;

/**
 * Who holds a lease, or who completed an occurrence. Immutable.
 *
 * @param owner the run
 * @param token the fencing token of its lease: the one with which it was granted, for a request that is made after it was
 *     answered. Before, it may be one that never counts
 * @param worker the worker that runs it, for display: {@linkplain VisibleText visible text}
 * @param run the run key it works on, for display, likewise; empty if it has none or the store keeps only a digest of it
 * @param since when the lease was granted, or the occurrence completed, by the store's clock
 */
public record Holder(OwnerId owner, FencingToken token, String worker, String run, Instant since) {

    /** Makes visible what others have stored. */
    public Holder {
        worker = VisibleText.of(worker);
        run = VisibleText.of(run);
    }

    @Override
    public String toString() {
        return worker + " (owner " + owner + ", token " + token + ", since " + since + ")";
    }
}
