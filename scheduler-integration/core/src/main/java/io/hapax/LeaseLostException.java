package io.hapax;

import io.hapax.event.LossReason;
import io.hapax.lease.Lease;
import io.hapax.lease.VisibleText;

/** The run can no longer prove that it holds its lease: it must stop, and must not write. */
public class LeaseLostException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient Lease lease;
    private final LossReason reason;

    LeaseLostException(Lease lease, LossReason reason, boolean wasEntered) {
        super(
                "the lease on '" + VisibleText.of(lease.identity().leaseName()) + "' (owner " + lease.owner()
                        + ", fencing token " + lease.token() + ") is lost: " + reason
                        + (wasEntered
                                ? ""
                                : ". The run was not entered: its lease is renewed from enter() on, and lapses after the ttl without it"));
        this.lease = lease;
        this.reason = reason;
    }

    /**
     * Returns the lease that was lost.
     *
     * @return the lease; null only if this exception was deserialised
     */
    public Lease lease() {
        return lease;
    }

    /**
     * Returns why it was lost.
     *
     * @return the reason
     */
    public LossReason reason() {
        return reason;
    }
}
