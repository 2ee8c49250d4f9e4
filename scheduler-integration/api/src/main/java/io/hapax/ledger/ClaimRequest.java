package io.hapax.ledger;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.OwnerId;
import io.hapax.time.DurationText;
import java.time.Duration;

/**
 * One attempt to claim an occurrence.
 *
 * @param identity which keys. Without a run key the lock key itself is claimed, again and again
 * @param owner the run that asks; asking again with the same owner gives the same claim
 * @param worker who asks, for people
 * @param ttl how far ahead the deadline is set, at least 1 ms
 * @param afterCrash what becomes of the occurrence if this run breaks off
 * @param retention how long the ledger must remember the occurrence after its end, at least 1 ms
 */
public record ClaimRequest(
        JobIdentity identity, OwnerId owner, String worker, Duration ttl, AfterCrash afterCrash, Duration retention) {

    /**
     * Checks the durations.
     *
     * @throws IllegalArgumentException if ttl or retention is below 1 ms, or longer than {@link DurationText#LONGEST}
     */
    public ClaimRequest {
        DurationText.requireStorable("the ttl of a claim", ttl, 1);
        DurationText.requireStorable("the retention of a claim", retention, 1);
    }
}
