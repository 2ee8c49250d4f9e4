package io.hapax.testkit;

import io.hapax.lease.LeaseStore;
import io.hapax.test.ForwardingLeaseStore;
import java.time.Duration;

/** Gives a guard the time that a busy machine needs, where a test is not about answers that come late. */
public final class PatientLeaseStore extends ForwardingLeaseStore {

    /** The longest that the default ttl allows. */
    private static final Duration PATIENCE = Duration.ofSeconds(6);

    /**
     * Creates a store in front of another one.
     *
     * @param store the store that is handed every call; closed with this one
     */
    public PatientLeaseStore(LeaseStore store) {
        super(store);
    }

    @Override
    public Duration answerTimeout() {
        return PATIENCE;
    }
}
