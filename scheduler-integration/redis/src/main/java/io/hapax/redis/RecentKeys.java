package io.hapax.redis;

import io.hapax.lease.JobIdentity;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Keys that were made lately. A lease is taken, renewed and given back under one and the same identity, so its keys need to be
 * made once. Thread-safe.
 */
final class RecentKeys {

    /** A power of two; those of more leases at once are made again. */
    private static final int MOST = 64;

    private record Entry(JobIdentity identity, int format, Keyspace.Keys keys) {}

    private final Keyspace keyspace;
    private final List<Bucket> buckets;
    private final AtomicReferenceArray<@Nullable Entry> entries = new AtomicReferenceArray<>(MOST);

    RecentKeys(Keyspace keyspace, List<Bucket> buckets) {
        this.keyspace = keyspace;
        this.buckets = buckets;
    }

    /** The keys in the format in which their bucket is kept. */
    Keyspace.Keys of(JobIdentity identity) {
        int slot = System.identityHashCode(identity) & (MOST - 1);
        Entry entry = entries.get(slot);
        if (entry != null && entry.identity.equals(identity) && entry.format == format(entry.keys.bucket())) {
            return entry.keys;
        }
        int format = format(keyspace.bucketOf(identity));
        Keyspace.Keys keys = keyspace.of(identity, format);
        entries.set(slot, new Entry(identity, format, keys));
        return keys;
    }

    private int format(int bucket) {
        return buckets.get(bucket).format();
    }
}
