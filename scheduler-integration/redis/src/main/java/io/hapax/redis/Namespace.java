package io.hapax.redis;

import io.hapax.lease.JobIdentity;
import io.hapax.lease.OwnerId;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the commands of one store share. Thread-safe.
 *
 * @param format the highest that this store reads
 * @param recent keys that were made lately
 * @param waiter tells apart the processes that wait for a lease
 */
record Namespace(
        Keyspace keyspace,
        String channel,
        List<Bucket> buckets,
        Quarantine quarantine,
        MemoryLog log,
        ScriptCalls scripts,
        int format,
        RecentKeys recent,
        String waiter) {

    private static final int LETTERS = 10;

    static Namespace of(Keyspace keyspace, Quarantine quarantine, MemoryLog log, ScriptCalls scripts, int format) {
        List<Bucket> buckets = Stream.generate(() -> new Bucket(log, format))
                .limit(keyspace.buckets())
                .toList();
        return new Namespace(
                keyspace,
                keyspace.channel(),
                buckets,
                quarantine,
                log,
                scripts,
                format,
                new RecentKeys(keyspace, buckets),
                OwnerId.random().value().substring(0, LETTERS));
    }

    Keyspace.Keys keys(JobIdentity identity) {
        return recent.of(identity);
    }

    Bucket bucket(Keyspace.Keys keys) {
        return buckets.get(keys.bucket());
    }
}
