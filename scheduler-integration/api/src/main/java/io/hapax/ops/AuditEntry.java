package io.hapax.ops;

import io.hapax.lease.Intervention;
import java.time.Instant;

/**
 * What somebody has done to a lease or to a run. Immutable.
 *
 * @param at when, by the clock of the store or ledger that keeps it
 * @param action what was done, such as {@code FORCE_RELEASE} or {@code RESOLVE_DONE}
 * @param subject to which key, for display
 * @param why who did it, and why
 * @param holder who held the lease, or whose run it was; empty if nobody
 */
public record AuditEntry(Instant at, String action, String subject, Intervention why, String holder) {

    /** The action of {@link LeaseAdmin#forceRelease}. */
    public static final String FORCE_RELEASE = "FORCE_RELEASE";

    /** The action of {@link LeaseAdmin#pause}. */
    public static final String PAUSE = "PAUSE";

    /** The action of {@link LeaseAdmin#resume}. */
    public static final String RESUME = "RESUME";

    /** The action of {@link LeaseAdmin#runAgain}, and of the one of a ledger. */
    public static final String RUN_AGAIN = "RUN_AGAIN";
}
