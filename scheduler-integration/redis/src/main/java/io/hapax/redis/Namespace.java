package io.hapax.redis;

import io.hapax.lease.JobIdentity;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the commands of one store share. Thread-safe.
 *
 * @param format the highest that this store reads
 */
record Namespace(
        Keyspace keyspace,
        String channel,
        List<Bucket> buckets,
        Quarantine quarantine,
        MemoryLog log,
        ScriptCalls scripts,
        int format) {

    static Namespace of(Keyspace keyspace, Quarantine quarantine, MemoryLog log, ScriptCalls scripts, int format) {
        List<Bucket> buckets = Stream.generate(() -> new Bucket(log, format))
                .limit(keyspace.buckets())
                .toList();
        return new Namespace(keyspace, keyspace.channel(), buckets, quarantine, log, scripts, format);
    }

    Keyspace.Keys keys(JobIdentity identity) {
        return keyspace.of(identity, buckets.get(keyspace.bucketOf(identity)).format());
    }

    Bucket bucket(Keyspace.Keys keys) {
        return buckets.get(keys.bucket());
    }
}
