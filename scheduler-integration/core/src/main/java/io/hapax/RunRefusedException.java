package io.hapax;

import io.hapax.event.Refusal;
import io.hapax.lease.JobIdentity;

/** A run was refused and its conflict policy is {@link OnConflict#FAIL}. */
public class RunRefusedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient JobIdentity identity;
    private final transient Refusal refusal;

    /**
     * Creates the exception.
     *
     * @param identity the keys
     * @param refusal why
     */
    public RunRefusedException(JobIdentity identity, Refusal refusal) {
        super(identity + " was refused, " + refusal, refusal.cause());
        this.identity = identity;
        this.refusal = refusal;
    }

    /**
     * Returns the keys.
     *
     * @return the identity; null only if this exception was deserialised
     */
    public JobIdentity identity() {
        return identity;
    }

    /**
     * Returns why the run was refused.
     *
     * @return the refusal; null only if this exception was deserialised
     */
    public Refusal refusal() {
        return refusal;
    }
}
