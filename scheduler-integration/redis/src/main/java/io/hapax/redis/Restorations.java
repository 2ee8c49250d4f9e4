package io.hapax.redis;

import io.hapax.lease.Lease;
import io.hapax.lease.OwnerId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes leases that a majority has renewed to servers that do not know them, as they were away, or had them promised to somebody
 * else, when they were granted: else one server fewer could be lost, or have a wrong clock.
 *
 * <p>A lease that is given back meanwhile must not come back by it: what is on its way to a server arrives before the release is
 * sent there, and nothing is sent after it. Thread-safe.
 */
final class Restorations {

    /** Leases with a renewal that not all servers have answered, or that has led to something which is on its way. */
    private final Map<OwnerId, Open> open = new ConcurrentHashMap<>();

    private static final class Open {
        /** How many renewals; changed under the map's lock of its owner. */
        private int renewals;

        private volatile boolean givenBack;
        private final Map<RedissonLeaseStore, CompletableFuture<Void>> onTheirWay = new ConcurrentHashMap<>();
    }

    /** Says that leases are about to be renewed. */
    void begin(List<Lease> leases) {
        leases.forEach(lease -> open.compute(lease.owner(), (owner, known) -> {
            Open one = known == null ? new Open() : known;
            one.renewals++;
            return one;
        }));
    }

    /** Says that nothing can follow from that renewal any more. */
    void end(List<Lease> leases) {
        leases.forEach(
                lease -> open.computeIfPresent(lease.owner(), (owner, known) -> --known.renewals == 0 ? null : known));
    }

    /** Sends leases to a server; completes when they have arrived, or are not waited for any more. */
    CompletableFuture<Void> restore(RedissonLeaseStore server, List<Lease> missing, QuorumLeaseStore.Wire wire) {
        CompletableFuture<Void> arrived = new CompletableFuture<>();
        List<Lease> wanted = new ArrayList<>();
        for (Lease lease : missing) {
            Open one = open.get(lease.owner());
            if (one != null) {
                // In this order: a release says that there is one, and then looks for what is on its way.
                one.onTheirWay.merge(server, arrived, (earlier, later) -> CompletableFuture.allOf(earlier, later));
                if (!one.givenBack) {
                    wanted.add(lease);
                }
            }
        }
        if (wanted.isEmpty()) {
            arrived.complete(null);
            return arrived;
        }
        try {
            var unused = wire.send(server, one -> one.restore(wanted))
                    .whenComplete((restored, unreachable) -> arrived.complete(null));
        } catch (Throwable unreachable) {
            arrived.complete(null);
        }
        return arrived;
    }

    /** Says that a lease is about to be given back. */
    void givesBack(Lease lease) {
        Open one = open.get(lease.owner());
        if (one != null) {
            one.givenBack = true;
        }
    }

    /** Asks a server when what was on its way there has arrived. */
    <T> CompletionStage<T> after(RedissonLeaseStore server, Lease lease, Supplier<CompletionStage<T>> question) {
        Open one = open.get(lease.owner());
        @Nullable CompletableFuture<Void> onItsWay = one == null ? null : one.onTheirWay.get(server);
        return onItsWay == null || onItsWay.isDone() ? question.get() : onItsWay.thenCompose(arrived -> question.get());
    }
}
