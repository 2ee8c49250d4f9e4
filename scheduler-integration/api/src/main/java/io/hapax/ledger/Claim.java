package io.hapax.ledger;

import io.hapax.lease.Holder;
import io.hapax.lease.Lease;
import io.hapax.lease.OccurrenceOutcome;
import java.time.Duration;
import java.util.function.Function;

/** The ledger's answer to a {@link ClaimRequest}. */
public sealed interface Claim {

    /**
     * The occurrence belongs to this run now.
     *
     * @param lease the claim as a lease: its token is the one that storage has to check, its ttl the distance of the
     *     deadline, its start by the ledger's clock
     * @param attempt the how many-th attempt at this occurrence it is, from 1
     */
    record Claimed(Lease lease, int attempt) implements Claim {}

    /**
     * This occurrence is over.
     *
     * @param by who ended it and when
     * @param outcome how it ended
     */
    record Done(Holder by, OccurrenceOutcome outcome) implements Claim {}

    /**
     * A run that is not past its deadline holds the occurrence or its lock key.
     *
     * @param holder who
     * @param sameRun whether it works on the same run key
     * @param ttlLeft how long until its deadline; never negative
     */
    record Held(Holder holder, boolean sameRun, Duration ttlLeft) implements Claim {}

    /**
     * An earlier run crashed, and the occurrence must not be repeated: see {@link AfterCrash#ABANDON}.
     *
     * @param by who ran it and since when
     */
    record Abandoned(Holder by) implements Claim {}

    /**
     * Maps each kind of answer to a value.
     *
     * @param onClaimed for {@link Claimed}
     * @param onDone for {@link Done}
     * @param onHeld for {@link Held}
     * @param onAbandoned for {@link Abandoned}
     * @param <T> the type of the value
     * @return the value
     */
    default <T> T fold(
            Function<? super Claimed, ? extends T> onClaimed,
            Function<? super Done, ? extends T> onDone,
            Function<? super Held, ? extends T> onHeld,
            Function<? super Abandoned, ? extends T> onAbandoned) {
        if (this instanceof Claimed claimed) {
            return onClaimed.apply(claimed);
        }
        if (this instanceof Done done) {
            return onDone.apply(done);
        }
        if (this instanceof Held held) {
            return onHeld.apply(held);
        }
        return onAbandoned.apply((Abandoned) this);
    }
}
