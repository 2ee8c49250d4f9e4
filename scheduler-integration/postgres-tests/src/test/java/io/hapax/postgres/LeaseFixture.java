package io.hapax.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStore;
import io.hapax.lease.OwnerId;
import java.time.Duration;

/** The vocabulary of the tests of leases. */
final class LeaseFixture {

    private LeaseFixture() {}

    static LeaseRequest request(JobIdentity identity, Duration ttl) {
        return new LeaseRequest(identity, OwnerId.random(), "worker-1", ttl, false);
    }

    static LeaseRequest request(JobIdentity identity) {
        return request(identity, Attempts.LONG);
    }

    static LeaseRequest waiting(JobIdentity identity) {
        return new LeaseRequest(identity, OwnerId.random(), "worker-1", Attempts.LONG, true);
    }

    static Lease granted(LeaseStore store, JobIdentity identity) {
        return granted(store, request(identity));
    }

    static Lease granted(LeaseStore store, LeaseRequest request) {
        return assertThat(Attempts.get(store.acquire(request)))
                .asInstanceOf(type(Acquisition.Granted.class))
                .actual()
                .lease();
    }

    static Acquisition.Held held(LeaseStore store, LeaseRequest request) {
        return assertThat(Attempts.get(store.acquire(request)))
                .asInstanceOf(type(Acquisition.Held.class))
                .actual();
    }
}
