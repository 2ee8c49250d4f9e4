package io.hapax.redis;

import io.hapax.lease.Ending;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.OwnerId;
import java.util.Iterator;
import java.util.List;

/** Gives a lease back; answers whether it was still held. */
final class ReleaseRequest extends Request<Boolean> {

    /** No grant has this token, and whatever the owner was granted is meant. */
    private static final String ANY_GRANT = "0";

    private final OwnerId owner;
    private final String token;
    private final long retentionMillis;
    private final String aboutRun;

    private ReleaseRequest(
            Namespace namespace,
            JobIdentity identity,
            OwnerId owner,
            String token,
            long retentionMillis,
            String aboutRun) {
        super(namespace.keys(identity));
        this.owner = owner;
        this.token = token;
        this.retentionMillis = retentionMillis;
        this.aboutRun = aboutRun;
    }

    static ReleaseRequest of(Namespace namespace, Lease lease, Ending ending) {
        JobIdentity identity = lease.identity();
        int format = namespace.bucket(namespace.keys(identity)).format();
        boolean marks = ending.isOver() && identity.runKey() != null;
        return new ReleaseRequest(
                namespace,
                identity,
                lease.owner(),
                StoredLease.grant(lease),
                marks ? ending.retention().toMillis() : 0,
                // Only a marker has it.
                marks ? StoredLease.aboutRun(lease, Added.of(ending).in(format)) : "");
    }

    /** Gives back what a request was perhaps granted: its owner has asked for nothing else. */
    static ReleaseRequest of(Namespace namespace, LeaseRequest request) {
        return new ReleaseRequest(namespace, request.identity(), request.owner(), ANY_GRANT, 0, "");
    }

    @Override
    List<String> arguments() {
        return List.of("release", owner.value(), Long.toString(retentionMillis), token, aboutRun);
    }

    @Override
    int answers() {
        return 1;
    }

    @Override
    Boolean read(Iterator<?> answers) {
        Object answer = answers.next();
        if (answer instanceof Long code) {
            return code == 1;
        }
        throw refused("release", (String) answer);
    }
}
