package io.hapax.lease;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A time-limited grant on a key, as the store gave it. Immutable, and equal to another one that says the same; whether it is still
 * valid is the guard's business.
 */
public final class Lease {

    private final JobIdentity identity;
    private final String worker;
    private final Duration ttl;
    // Many thousands may be held, and are read at each renewal: owner, token and instant are kept as their numbers.
    private final long ownerHigh;
    private final long ownerLow;
    private final @Nullable String ownerText;
    private final long token;
    private final long sinceSecond;
    private final int sinceNano;

    /**
     * Notes a grant.
     *
     * @param identity which keys
     * @param owner the run that holds it
     * @param token its fencing token
     * @param worker who holds it, for display
     * @param ttl how long it lives from each renewal
     * @param since when it was granted, by the store's clock
     */
    public Lease(JobIdentity identity, OwnerId owner, FencingToken token, String worker, Duration ttl, Instant since) {
        this.identity = identity;
        this.worker = worker;
        this.ttl = ttl;
        this.ownerHigh = owner.high;
        this.ownerLow = owner.low;
        this.ownerText = owner.text;
        this.token = token.value();
        this.sinceSecond = since.getEpochSecond();
        this.sinceNano = since.getNano();
    }

    /**
     * Returns what it is on.
     *
     * @return the keys
     */
    public JobIdentity identity() {
        return identity;
    }

    /**
     * Returns the run that holds it.
     *
     * @return the owner
     */
    public OwnerId owner() {
        return new OwnerId(ownerHigh, ownerLow, ownerText);
    }

    /**
     * Returns the fencing token.
     *
     * @return the token
     */
    public FencingToken token() {
        return new FencingToken(token);
    }

    /**
     * Returns who holds it, for display.
     *
     * @return the name of the process
     */
    public String worker() {
        return worker;
    }

    /**
     * Returns how long it lives from each renewal.
     *
     * @return the ttl
     */
    public Duration ttl() {
        return ttl;
    }

    /**
     * Returns when it was granted, by the store's clock.
     *
     * @return the instant, as exact as the store gave it
     */
    public Instant since() {
        return Instant.ofEpochSecond(sinceSecond, sinceNano);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Lease lease
                && token == lease.token
                && ownerHigh == lease.ownerHigh
                && ownerLow == lease.ownerLow
                && Objects.equals(ownerText, lease.ownerText)
                && sinceSecond == lease.sinceSecond
                && sinceNano == lease.sinceNano
                && identity.equals(lease.identity)
                && worker.equals(lease.worker)
                && ttl.equals(lease.ttl);
    }

    @Override
    public int hashCode() {
        return Objects.hash(identity, ownerHigh, ownerLow, ownerText, token);
    }

    @Override
    public String toString() {
        return "Lease[identity=" + identity + ", owner=" + owner() + ", token=" + token + ", worker=" + worker
                + ", ttl=" + ttl + ", since=" + since() + "]";
    }
}
