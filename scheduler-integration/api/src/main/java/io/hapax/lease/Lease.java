package io.hapax.lease;

import java.time.Duration;
import java.time.Instant;

/**
 * A time-limited grant on a key, as the store gave it. Immutable; whether it is still valid is the guard's business.
 *
 * @param identity which keys
 * @param owner the run that holds it
 * @param token its fencing token
 * @param worker who holds it, for display
 * @param ttl how long it lives from each renewal
 * @param since when it was granted, by the store's clock
 */
public record Lease(
        JobIdentity identity, OwnerId owner, FencingToken token, String worker, Duration ttl, Instant since) {}
