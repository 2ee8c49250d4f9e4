package io.hapax.redis;

import io.hapax.lease.LeaseStoreException;
import io.hapax.lease.Slot;
import io.hapax.ops.HeldLease;
import io.hapax.ops.PausedKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RScript.ReturnType;

/**
 * One search through the leases of all servers, or the pauses: the Java side of {@code leases.lua}, and of {@code search.lua}
 * and {@code found.lua} where keys that are not declared may not be read.
 *
 * @param <T> what is found
 */
final class KeySearch<T> {

    private static final String LEASES = "[lrs]";
    private static final String PAUSES = "h";

    private static final String START = "0";
    private static final String STEP = "500";
    private static final int FIELDS = 4;

    private final Namespace namespace;
    private final int atMost;
    private final String kinds;
    private final Reader<T> reader;
    private final Object lock = new Object();
    // Guarded by the lock: leases of several buckets are read at once.
    private final Set<String> servers = new HashSet<>();
    private final Map<String, T> found = new LinkedHashMap<>();

    private KeySearch(Namespace namespace, int atMost, String kinds, Reader<T> reader) {
        this.namespace = namespace;
        this.atMost = atMost;
        this.kinds = kinds;
        this.reader = reader;
    }

    /** Makes one of what is found of a key. */
    private interface Reader<T> {
        /** Null if the value is not the guard's. */
        @Nullable
        T read(Namespace namespace, String key, String value, Object left, Object awaited);
    }

    static CompletableFuture<List<HeldLease>> leases(Namespace namespace, int atMost) {
        return new KeySearch<>(namespace, atMost, LEASES, KeySearch::held).found();
    }

    static CompletableFuture<List<PausedKey>> pauses(Namespace namespace, int atMost) {
        return new KeySearch<>(namespace, atMost, PAUSES, KeySearch::paused).found();
    }

    private CompletableFuture<List<T>> found() {
        return serverOf(0).thenApply(done -> {
            synchronized (lock) {
                return found.values().stream().limit(atMost).toList();
            }
        });
    }

    /** One search a server: on a Cluster, buckets share servers. */
    private CompletableFuture<Void> serverOf(int bucket) {
        if (bucket == namespace.buckets().size() || isFull()) {
            return CompletableFuture.completedFuture(null);
        }
        return step(bucket, START).thenCompose(done -> serverOf(bucket + 1));
    }

    private CompletableFuture<Void> step(int bucket, String cursor) {
        return namespace
                .scripts()
                .inDialect(dialect -> dialect.isFull() ? fullStep(bucket, cursor) : portableStep(bucket, cursor));
    }

    private CompletableFuture<Void> fullStep(int bucket, String cursor) {
        return call(Script.LEASES, bucket, cursor).thenCompose(list -> {
            if (cursor.equals(START) && isSeenBefore((String) list.get(0))) {
                return CompletableFuture.completedFuture(null);
            }
            add(list.subList(2, list.size()));
            return goOn(bucket, (String) list.get(1));
        });
    }

    /** What is found may be of any bucket of the server, and is read in its own. */
    private CompletableFuture<Void> portableStep(int bucket, String cursor) {
        String server = namespace
                .scripts()
                .portable()
                .identity(DeclaredKeys.tag(namespace.keyspace().meta(bucket)));
        if (cursor.equals(START) && !server.isEmpty() && isSeenBefore(server)) {
            return CompletableFuture.completedFuture(null);
        }
        return call(Script.SEARCH, bucket, cursor).thenCompose(list -> {
            Map<String, List<Object>> byBucket = new LinkedHashMap<>();
            for (Object key : list.subList(1, list.size())) {
                byBucket.computeIfAbsent(DeclaredKeys.tag((String) key), tag -> new ArrayList<>())
                        .addAll(List.of(key, Keyspace.waiterOf((String) key)));
            }
            CompletableFuture<?>[] reading = byBucket.values().stream()
                    .map(keys -> namespace
                            .scripts()
                            .<List<Object>>call(Script.FOUND, ReturnType.LIST, keys)
                            .thenAccept(this::add))
                    .toArray(CompletableFuture<?>[]::new);
            return CompletableFuture.allOf(reading).thenCompose(read -> goOn(bucket, (String) list.get(0)));
        });
    }

    private CompletableFuture<List<Object>> call(Script script, int bucket, String cursor) {
        return namespace
                .scripts()
                .call(script, ReturnType.LIST, List.of(namespace.keyspace().meta(bucket)), cursor, STEP, kinds);
    }

    private CompletableFuture<Void> goOn(int bucket, String next) {
        return next.equals(START) || isFull() ? CompletableFuture.completedFuture(null) : step(bucket, next);
    }

    private boolean isSeenBefore(String server) {
        synchronized (lock) {
            return !servers.add(server);
        }
    }

    private boolean isFull() {
        synchronized (lock) {
            return found.size() >= atMost;
        }
    }

    /** Adds key, value, ttl left and whether it is awaited, of each key. */
    private void add(List<Object> read) {
        for (int n = 0; n + FIELDS <= read.size(); n += FIELDS) {
            String key = (String) read.get(n);
            T one = reader.read(namespace, key, (String) read.get(n + 1), read.get(n + 2), read.get(n + 3));
            if (one != null) {
                synchronized (lock) {
                    found.put(key, one);
                }
            }
        }
    }

    private static PausedKey paused(Namespace namespace, String key, String value, Object left, Object ignored) {
        Keyspace.LeaseName name = Keyspace.pausedName(key);
        Duration time = Duration.ofMillis(((Number) left).longValue());
        return new PausedKey(name.text(), name.onRunKey(), StoredPause.listed(value, time));
    }

    /** Null if the value is not the guard's. */
    static @Nullable HeldLease held(Namespace namespace, String key, String value, Object left, Object awaited) {
        try {
            Keyspace.LeaseName name = Keyspace.leaseName(key);
            StoredLease lease = StoredLease.parse(value, namespace.format());
            int limit = Math.max(name.slot(), lease.added().limit());
            return new HeldLease(
                    name.text(),
                    name.onRunKey(),
                    lease.holder(),
                    Duration.ofMillis(((Number) left).longValue()),
                    ((Number) awaited).longValue() == 1,
                    name.slot() == 0 ? null : new Slot(name.slot(), limit));
        } catch (LeaseStoreException | NumberFormatException notTheGuards) {
            return null;
        }
    }
}
