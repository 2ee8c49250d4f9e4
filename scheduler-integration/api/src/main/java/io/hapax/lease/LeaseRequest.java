package io.hapax.lease;

import io.hapax.time.DurationText;
import java.time.Duration;

/**
 * One attempt to take a lease.
 *
 * @param identity which keys
 * @param owner the run that asks; asking again with the same owner gives the same lease
 * @param worker who asks, for display
 * @param ttl how long the lease lives unless renewed, at least 1 ms
 * @param waiting whether the caller will wait if refused, so that a release has to wake it, and nothing may be granted beyond
 *     the limit that it states
 */
public record LeaseRequest(JobIdentity identity, OwnerId owner, String worker, Duration ttl, boolean waiting) {

    /**
     * Checks the ttl.
     *
     * @throws IllegalArgumentException if the ttl is below 1 ms, or longer than {@link DurationText#LONGEST}
     */
    public LeaseRequest {
        DurationText.requireStorable("the ttl of a lease", ttl, 1);
    }
}
