package io.hapax.redis;

import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RScript.ReturnType;

/** Renews leases in batches: the Java side of {@code renew.lua}. Thread-safe. */
final class Renewals {

    /** Redis is held for well below a millisecond by this many. */
    private static final int LARGEST_BATCH = 128;

    private final Namespace namespace;

    Renewals(Namespace namespace) {
        this.namespace = namespace;
    }

    /** A lease, its keys, and where its answer belongs. */
    private record Item(int index, Lease lease, Keyspace.Keys keys) {}

    CompletableFuture<List<Renewal>> renew(List<Lease> leases) {
        return renew(leases, "");
    }

    /** Renews, and writes missing leases again; only to be asked for what a majority of servers has just renewed. */
    CompletableFuture<List<Renewal>> restore(List<Lease> leases) {
        return renew(leases, "restore");
    }

    private CompletableFuture<List<Renewal>> renew(List<Lease> leases, String ifMissing) {
        Renewal[] answers = new Renewal[leases.size()];
        CompletableFuture<?>[] calls = batches(leases).stream()
                .map(batch -> renew(batch, ifMissing, answers))
                .toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(calls).thenApply(all -> List.of(answers));
    }

    /** Leases that may go into one call: of one bucket, and few. */
    private List<List<Item>> batches(List<Lease> leases) {
        Map<Integer, List<Item>> open = new HashMap<>();
        List<List<Item>> all = new ArrayList<>();
        for (int i = 0; i < leases.size(); i++) {
            Item item = new Item(i, leases.get(i), namespace.keys(leases.get(i).identity()));
            List<Item> batch = open.get(item.keys().bucket());
            if (batch == null || batch.size() == LARGEST_BATCH) {
                batch = new ArrayList<>();
                open.put(item.keys().bucket(), batch);
                all.add(batch);
            }
            batch.add(item);
        }
        return all;
    }

    private CompletableFuture<Void> renew(List<Item> batch, String ifMissing, Renewal[] answers) {
        Keyspace.Keys first = batch.get(0).keys();
        Bucket bucket = namespace.bucket(first);
        List<Object> keys = new ArrayList<>(List.of(first.meta()));
        List<Object> args = new ArrayList<>(List.of(
                bucket.epoch(),
                namespace.quarantine().whenNew(),
                namespace.quarantine().whenLost(),
                ifMissing));
        for (Item item : batch) {
            keys.add(item.keys().lease());
            args.addAll(arguments(item));
        }
        CompletableFuture<List<Object>> call =
                namespace.scripts().call(Script.RENEW, ReturnType.LIST, keys, args.toArray());
        return call.handle((list, failure) -> {
            for (int n = 0; n < batch.size(); n++) {
                answers[batch.get(n).index()] =
                        list == null ? unknown(failure) : renewal(batch.get(n), list.get(n + 1));
            }
            if (list != null) {
                bucket.saw((String) list.get(0));
            }
            return null;
        });
    }

    private List<String> arguments(Item item) {
        Lease lease = item.lease();
        return List.of(
                lease.owner().value(),
                StoredLease.grant(lease),
                Long.toString(lease.ttl().toMillis()),
                StoredLease.of(lease, namespace.bucket(item.keys()).format()).toString());
    }

    private Renewal renewal(Item item, Object answer) {
        if (answer instanceof Long code) {
            return code == 0 ? new Renewal.Gone(null) : new Renewal.Renewed(code == 2);
        }
        String text = (String) answer;
        if (text.startsWith("!")) {
            List<String> missing = DeclaredKeys.missing(text);
            if (!missing.isEmpty()) {
                // The next renewal declares them.
                List<String> unused = namespace
                        .scripts()
                        .portable()
                        .declared()
                        .learn(item.keys().lease(), missing);
            }
            return new Renewal.Unknown(new LeaseStoreException(
                    RedisTrouble.of(text.substring(1)).asReasonWhy("Redis could not renew this lease")));
        }
        try {
            return new Renewal.Gone(StoredLease.parse(text, namespace.format()).holder());
        } catch (LeaseStoreException notOurs) {
            return new Renewal.Unknown(notOurs);
        }
    }

    private static Renewal unknown(@Nullable Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return new Renewal.Unknown(
                cause instanceof LeaseStoreException known
                        ? known
                        : new LeaseStoreException("the renewal failed: " + cause));
    }
}
