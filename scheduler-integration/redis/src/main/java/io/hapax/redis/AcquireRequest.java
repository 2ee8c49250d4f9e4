package io.hapax.redis;

import io.hapax.lease.Acquisition;
import io.hapax.lease.FencingToken;
import io.hapax.lease.JobIdentity;
import io.hapax.lease.Lease;
import io.hapax.lease.LeaseRequest;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Slot;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Asks for a lease. */
final class AcquireRequest extends Request<Acquisition> {

    // Codes of the script; 2 is quarantine.
    private static final int TROUBLE = -1;
    private static final int HELD = 0;
    private static final int GRANTED = 1;
    private static final int DONE = 3;
    private static final int PAUSED = 4;
    private static final int SLOT_HELD = 5;

    private final Namespace namespace;
    private final LeaseRequest request;
    private final String runDigest;

    AcquireRequest(Namespace namespace, LeaseRequest request) {
        super(namespace.keys(request.identity()));
        this.namespace = namespace;
        this.request = request;
        this.runDigest = Keyspace.runDigest(request.identity());
    }

    @Override
    List<String> arguments() {
        Added added = Added.of(request.identity()).in(namespace.bucket(keys()).format());
        return List.of(
                word(),
                request.owner().value(),
                Long.toString(request.ttl().toMillis()),
                runDigest,
                StoredLease.people(request.worker(), request.identity()) + added,
                keys().index());
    }

    @Override
    @Nullable
    Alone alone() {
        Bucket bucket = namespace.bucket(keys());
        String epoch = bucket.epoch();
        if (epoch.isEmpty() || keys().areOfSlot() || !bucket.asksAlone()) {
            return null;
        }
        Keyspace.Keys of = keys();
        List<Object> keys = of.index().isEmpty()
                ? List.of(of.meta(), of.lease(), of.waiter(), of.pause(), of.done())
                : List.of(of.meta(), of.lease(), of.waiter(), of.pause(), of.done(), of.index());
        Added added = Added.of(request.identity()).in(bucket.format());
        List<Object> arguments = List.of(
                epoch,
                bucket.highestToken(),
                request.owner().value() + '|',
                '|' + runDigest + '|' + StoredLease.people(request.worker(), request.identity()) + added,
                Long.toString(request.ttl().toMillis()),
                namespace.quarantine().whenLost(),
                request.waiting() ? namespace.waiter() : "0",
                request.identity().runKey() == null ? "0" : "1");
        return new Alone(Script.ACQUIRE, keys, arguments);
    }

    private String word() {
        if (keys().areOfSlot()) {
            return request.waiting() ? "slot-wait" : "slot";
        }
        return request.waiting() ? "wait;" + namespace.waiter() : "acquire";
    }

    @Override
    int answers() {
        return 3;
    }

    @Override
    Acquisition read(Iterator<?> answers) {
        int code = ((Long) answers.next()).intValue();
        String value = (String) answers.next();
        Object more = answers.next();
        return switch (code) {
            case GRANTED -> granted(value, (String) more);
            case HELD -> held(stored(value), Duration.ofMillis((Long) more), null, 0, Acquisition.Held.NOBODY);
            case SLOT_HELD -> slotHeld(stored(value), ((String) more).split("\\|"));
            case DONE -> done(stored(value));
            case PAUSED -> new Acquisition.Paused(StoredPause.parse(value, Duration.ofMillis((Long) more)));
            case TROUBLE -> throw trouble(value);
            default -> quarantined(value, Duration.ofMillis((Long) more));
        };
    }

    private Acquisition granted(String text, String since) {
        FencingToken token = StoredLease.token(text);
        namespace.bucket(keys()).sawToken(token.value());
        return new Acquisition.Granted(new Lease(
                request.identity(), request.owner(), token, request.worker(), request.ttl(), StoredLease.since(since)));
    }

    private LeaseStoreException trouble(String message) {
        List<String> missing = DeclaredKeys.missing(message);
        if (missing.isEmpty()) {
            namespace.scripts().refused(message);
            return refused("acquire", message);
        }
        namespace.scripts().portable().declared().learn(keys().lease(), missing);
        return new PortableCalls.TooFewDeclared(message);
    }

    private StoredLease stored(String value) {
        return StoredLease.parse(value, namespace.format());
    }

    private static Acquisition done(StoredLease marker) {
        return new Acquisition.Done(marker.holder(), marker.added().outcome());
    }

    private Acquisition slotHeld(StoredLease lease, String[] parts) {
        int number = Integer.parseInt(parts[1]);
        Slot slot = number == 0 ? Slot.WHOLE : new Slot(number, Math.max(number, Integer.parseInt(parts[2])));
        int awaited = parts[4].equals("-") ? Acquisition.Held.NOBODY : Integer.parseInt(parts[4]);
        return held(lease, Duration.ofMillis(Long.parseLong(parts[0])), slot, Integer.parseInt(parts[3]), awaited);
    }

    private Acquisition held(StoredLease lease, Duration left, @Nullable Slot slot, int nextSlot, int awaited) {
        namespace.bucket(keys()).sawToken(lease.token().value());
        JobIdentity identity = request.identity();
        boolean sameRun = identity.runKey() != null && lease.runDigest().equals(runDigest);
        return new Acquisition.Held(lease.holder(), sameRun, left, slot, nextSlot, awaited);
    }

    private Acquisition quarantined(String why, Duration left) {
        namespace.log().waits(why, left);
        return new Acquisition.Quarantined(left, Quarantine.reason(why));
    }
}
