package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RScript.ReturnType;

/** Asks for leases: the Java side of {@code acquire.lua}. Thread-safe. */
final class Grants {

    // Codes of the script; 2 is quarantine.
    private static final int HELD = 0;
    private static final int GRANTED = 1;
    private static final int DONE = 3;

    private final Namespace namespace;
    private final @Nullable Confirmation confirmation;

    Grants(Namespace namespace) {
        this(namespace, null);
    }

    /** With a confirmation, a grant that too few replicas have fails with {@link Confirmation.Missing}. */
    Grants(Namespace namespace, @Nullable Confirmation confirmation) {
        this.namespace = namespace;
        this.confirmation = confirmation;
    }

    CompletableFuture<Acquisition> acquire(LeaseRequest request) {
        JobIdentity identity = request.identity();
        Keyspace.Keys keys = namespace.keys(identity);
        Bucket bucket = namespace.bucket(keys);
        List<Object> scriptKeys = List.of(keys.lease(), keys.done(), keys.waiter(), keys.meta());
        Object[] args = {
            request.owner().value(),
            Long.toString(request.ttl().toMillis()),
            Keyspace.runDigest(identity),
            StoredLease.people(request.worker(), identity),
            request.waiting() ? "1" : "0",
            bucket.epoch(),
            namespace.quarantine().whenNew(),
            namespace.quarantine().whenLost(),
            bucket.highestToken()
        };
        Confirmation confirm = confirmation;
        if (confirm == null) {
            CompletableFuture<List<Object>> answer =
                    namespace.scripts().call(Script.ACQUIRE, ReturnType.LIST, scriptKeys, args);
            return answer.thenApply(list -> acquisition(request, bucket, list));
        }
        return namespace
                .scripts()
                .callConfirmed(confirm, Script.ACQUIRE, scriptKeys, args)
                .thenApply(confirmed -> checked(confirm, confirmed, acquisition(request, bucket, confirmed.answer())));
    }

    private static Acquisition checked(
            Confirmation confirmation, Confirmation.Confirmed confirmed, Acquisition acquisition) {
        if (acquisition instanceof Acquisition.Granted && confirmed.replicas() < confirmation.replicas()) {
            throw new Confirmation.Missing(confirmed.replicas(), confirmation.replicas(), confirmation.atMost());
        }
        return acquisition;
    }

    private Acquisition acquisition(LeaseRequest request, Bucket bucket, List<Object> answer) {
        bucket.saw((String) answer.get(1));
        String value = (String) answer.get(2);
        Duration left = Duration.ofMillis((Long) answer.get(3));
        return switch (((Long) answer.get(0)).intValue()) {
            case GRANTED -> granted(request, bucket, StoredLease.parse(value));
            case HELD -> held(request.identity(), bucket, StoredLease.parse(value), left);
            case DONE -> new Acquisition.Done(StoredLease.parse(value).holder());
            default -> quarantined(value, left);
        };
    }

    private static Acquisition granted(LeaseRequest request, Bucket bucket, StoredLease lease) {
        bucket.sawToken(lease.token().value());
        return new Acquisition.Granted(new Lease(
                request.identity(), request.owner(), lease.token(), request.worker(), request.ttl(), lease.since()));
    }

    private static Acquisition held(JobIdentity identity, Bucket bucket, StoredLease lease, Duration left) {
        bucket.sawToken(lease.token().value());
        boolean sameRun = identity.runKey() != null && lease.runDigest().equals(Keyspace.runDigest(identity));
        return new Acquisition.Held(lease.holder(), sameRun, left);
    }

    private Acquisition quarantined(String why, Duration left) {
        namespace.log().waits(why, left);
        return new Acquisition.Quarantined(left, Quarantine.reason(why));
    }
}
