package io.hapax.redis;

import io.hapax.lease.Lease;
import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Renewal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RScript.ReturnType;

/**
 * Renews leases in batches: the Java side of {@code extend.lua}, which is asked first, and of {@code renew.lua}. Thread-safe.
 */
final class Renewals {

    /** Redis is held for well below a millisecond by this many. */
    private static final int LARGEST_BATCH = 128;

    private static final Renewal RENEWED = new Renewal.Renewed(false);
    private static final int NOT_PLAIN = 0;

    private static final int USUAL_NAME = 32;

    private final Namespace namespace;

    Renewals(Namespace namespace) {
        this.namespace = namespace;
    }

    /** Leases of one call, and where their answers belong. */
    private final class Items {
        final int bucket;
        /** How long {@code owner|token|} is, where there is nothing to them but their expiry; else {@link #NOT_PLAIN}. */
        final int length;

        final List<Lease> leases;
        /** {@code owner|token|}, and the key's name and a bar, of each; one argument, as {@code extend.lua} has it. */
        final StringBuilder text;

        private int[] indices;

        Items(int bucket, int length, int expected) {
            this.bucket = bucket;
            this.length = length;
            this.leases = new ArrayList<>(expected);
            this.text = new StringBuilder(length == NOT_PLAIN ? 0 : expected * (length + USUAL_NAME));
            this.indices = new int[expected];
        }

        void add(Lease lease, int index, String owner) {
            if (leases.size() == indices.length) {
                indices = Arrays.copyOf(indices, Math.min(LARGEST_BATCH, 4 + 2 * indices.length));
            }
            indices[leases.size()] = index;
            leases.add(lease);
            if (length != NOT_PLAIN) {
                text.append(owner).append('|').append(lease.token().value()).append('|');
                Keyspace.appendLease(text, lease.identity());
                text.append('|');
            }
        }

        boolean isFull() {
            return leases.size() == LARGEST_BATCH;
        }

        void answer(Renewal[] answers, int n, Renewal renewal) {
            answers[indices[n]] = renewal;
        }

        Bucket bucket() {
            return namespace.buckets().get(bucket);
        }

        String meta() {
            return namespace.keyspace().meta(bucket);
        }
    }

    /** What may go into one call. */
    private record Kind(int bucket, int length) {}

    CompletableFuture<List<Renewal>> renew(List<Lease> leases) {
        Renewal[] answers = new Renewal[leases.size()];
        List<Items> batches = batches(leases);
        if (batches.size() == 1) {
            return extend(batches.get(0), answers).thenApply(done -> Arrays.asList(answers));
        }
        CompletableFuture<?>[] calls =
                batches.stream().map(batch -> extend(batch, answers)).toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(calls).thenApply(all -> Arrays.asList(answers));
    }

    /** Renews, and writes missing leases again; only to be asked for what a majority of servers has just renewed. */
    CompletableFuture<List<Renewal>> restore(List<Lease> leases) {
        Renewal[] answers = new Renewal[leases.size()];
        CompletableFuture<?>[] calls = batches(leases).stream()
                .map(batch -> renew(batch, "restore", answers))
                .toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(calls).thenApply(all -> Arrays.asList(answers));
    }

    /** Leases that may go into one call: of one bucket and kind, and few. */
    private List<Items> batches(List<Lease> leases) {
        boolean full = isFull();
        List<Items> all = new ArrayList<>(2);
        Map<Kind, Items> open = new HashMap<>();
        Items last = null;
        for (int i = 0; i < leases.size(); i++) {
            Lease lease = leases.get(i);
            int bucket = namespace.keyspace().bucketOf(lease.identity());
            String owner = full && isPlain(lease) ? lease.owner().value() : "";
            int length = owner.isEmpty()
                    ? NOT_PLAIN
                    : owner.length() + digits(lease.token().value()) + 2;
            if (last == null || last.bucket != bucket || last.length != length || last.isFull()) {
                Kind kind = new Kind(bucket, length);
                last = open.get(kind);
                if (last == null || last.isFull()) {
                    last = new Items(bucket, length, Math.min(LARGEST_BATCH, leases.size() - i));
                    open.put(kind, last);
                    all.add(last);
                }
            }
            last.add(lease, i, owner);
        }
        return all;
    }

    /** Leases of slots, and those of a quorum, are more than an owner, a token and an expiry. */
    private static boolean isPlain(Lease lease) {
        return lease.identity().slot() == null && !StoredLease.isWrittenBack(lease.since());
    }

    private static int digits(long number) {
        int digits = 1;
        for (long rest = number; rest > 9; rest /= 10) {
            digits++;
        }
        return digits;
    }

    private boolean isFull() {
        Dialect dialect = namespace.scripts().known();
        return dialect != null && dialect.isFull();
    }

    private CompletableFuture<Void> extend(Items batch, Renewal[] answers) {
        String epoch = batch.bucket().epoch();
        if (batch.length == NOT_PLAIN || epoch.isEmpty()) {
            return renew(batch, "", answers);
        }
        List<Object> args = new ArrayList<>(4);
        args.add(epoch);
        args.add(Integer.toString(batch.length));
        args.add(batch.text.toString());
        addTtls(batch.leases, args);
        CompletableFuture<List<Object>> call =
                namespace.scripts().call(Script.EXTEND, ReturnType.LIST, List.of(batch.meta()), args.toArray());
        return call.handle((list, failure) ->
                        list == null ? unknown(batch, failure, answers) : extended(batch, list, answers))
                .thenCompose(rest -> rest == null ? CompletableFuture.completedFuture(null) : renew(rest, "", answers));
    }

    private static void addTtls(List<Lease> leases, List<Object> args) {
        Duration ttl = leases.get(0).ttl();
        if (leases.stream().allMatch(lease -> lease.ttl().equals(ttl))) {
            args.add(Long.toString(ttl.toMillis()));
        } else {
            leases.forEach(lease -> args.add(Long.toString(lease.ttl().toMillis())));
        }
    }

    private static @Nullable Items unknown(Items batch, @Nullable Throwable failure, Renewal[] answers) {
        for (int n = 0; n < batch.leases.size(); n++) {
            batch.answer(answers, n, unknown(failure));
        }
        return null;
    }

    /** Returns those about which more has to be asked; null if there are none. */
    private @Nullable Items extended(Items batch, List<Object> answer, Renewal[] answers) {
        if (answer.isEmpty()) {
            return batch;
        }
        for (int n = 0; n < batch.leases.size(); n++) {
            batch.answer(answers, n, RENEWED);
        }
        if (answer.size() == 1) {
            return null;
        }
        Items rest = new Items(batch.bucket, NOT_PLAIN, answer.size() - 1);
        for (Object number : answer.subList(1, answer.size())) {
            int n = ((Long) number).intValue() - 1;
            rest.add(batch.leases.get(n), batch.indices[n], "");
        }
        return rest;
    }

    private CompletableFuture<Void> renew(Items batch, String ifMissing, Renewal[] answers) {
        Bucket bucket = batch.bucket();
        List<Keyspace.Keys> items = new ArrayList<>(batch.leases.size());
        List<Object> keys = new ArrayList<>(List.of(batch.meta()));
        List<Object> args = new ArrayList<>(List.of(
                bucket.epoch(),
                namespace.quarantine().whenNew(),
                namespace.quarantine().whenLost(),
                ifMissing));
        for (Lease lease : batch.leases) {
            Keyspace.Keys item = namespace.keys(lease.identity());
            items.add(item);
            keys.add(item.lease());
            args.addAll(arguments(lease, bucket.format()));
        }
        CompletableFuture<List<Object>> call =
                namespace.scripts().call(Script.RENEW, ReturnType.LIST, keys, args.toArray());
        return call.handle((list, failure) -> {
            for (int n = 0; n < items.size(); n++) {
                batch.answer(answers, n, list == null ? unknown(failure) : renewal(items.get(n), list.get(n + 1)));
            }
            if (list != null) {
                bucket.saw((String) list.get(0));
            }
            return null;
        });
    }

    private static List<String> arguments(Lease lease, int format) {
        return List.of(
                lease.owner().value(),
                StoredLease.grant(lease),
                Long.toString(lease.ttl().toMillis()),
                StoredLease.of(lease, format).toString());
    }

    private Renewal renewal(Keyspace.Keys keys, Object answer) {
        if (answer instanceof Long code) {
            return code == 0 ? new Renewal.Gone(null) : new Renewal.Renewed(code == 2);
        }
        String text = (String) answer;
        if (text.startsWith("!")) {
            List<String> missing = DeclaredKeys.missing(text);
            if (!missing.isEmpty()) {
                // The next renewal declares them.
                List<String> unused = namespace.scripts().portable().declared().learn(keys.lease(), missing);
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
