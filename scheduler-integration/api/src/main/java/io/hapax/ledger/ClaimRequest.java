package io.hapax.ledger;

import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.OwnerId;
import io.hapax.time.DurationText;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to claim an occurrence.
 *
 * @param identity which keys. Without a run key the lock key itself is claimed, again and again
 * @param owner the run that asks; asking again with the same owner gives the same claim
 * @param worker who asks, for display
 * @param ttl how far ahead the deadline is set, at least 1 ms
 * @param afterCrash what happens to the occurrence if this run crashes
 * @param retention how long the ledger must remember the occurrence after its end, at least 1 ms
 * @param seen the token of the lease that the run brings: the claim's token is not below it. Null if it has no lease
 */
public record ClaimRequest(
        JobIdentity identity,
        OwnerId owner,
        String worker,
        Duration ttl,
        AfterCrash afterCrash,
        Duration retention,
        @Nullable FencingToken seen) {

    /**
     * Checks the durations.
     *
     * @throws IllegalArgumentException if ttl or retention is below 1 ms, or longer than {@link DurationText#LONGEST}
     */
    public ClaimRequest {
        DurationText.requireStorable("the ttl of a claim", ttl, 1);
        DurationText.requireStorable("the retention of a claim", retention, 1);
    }

    /**
     * Asks without a lease.
     *
     * @param identity which keys
     * @param owner the run that asks
     * @param worker who asks, for display
     * @param ttl how far ahead the deadline is set
     * @param afterCrash what happens to the occurrence if this run crashes
     * @param retention how long the ledger must remember the occurrence after its end
     */
    public ClaimRequest(
            JobIdentity identity,
            OwnerId owner,
            String worker,
            Duration ttl,
            AfterCrash afterCrash,
            Duration retention) {
        this(identity, owner, worker, ttl, afterCrash, retention, null);
    }

    /**
     * Asks with a lease.
     *
     * @param token the lease's
     * @return the same request with that token seen
     */
    public ClaimRequest withSeen(FencingToken token) {
        return new ClaimRequest(identity, owner, worker, ttl, afterCrash, retention, token);
    }
}
