package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import io.hapax.lease.LeaseStoreException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.redisson.api.RScript;
import org.redisson.api.RScript.ReturnType;
import org.redisson.api.RedissonClient;
import org.redisson.api.redisnode.RedisNode;
import org.redisson.api.redisnode.RedisNodeAsync;
import org.redisson.api.redisnode.RedisNodes;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

/** Asks every master for what it says of itself. Thread-safe. */
final class Checkup {

    private static final int CALLS_A_TURN = 8;

    /** So many for one bucket at the same time that they go over more than one connection. */
    private static final int CALLS_AGAIN = 2;

    private final Client client;
    private final Namespace namespace;
    private final Probe.Expectation expected;
    private final InstantSource clock;
    private volatile String seen = "";
    private volatile boolean fit;

    Checkup(Client client, Namespace namespace, Probe.Expectation expected, InstantSource clock) {
        this.client = client;
        this.namespace = namespace;
        this.expected = expected;
        this.clock = clock;
    }

    /**
     * Asks the server that was just looked at over a connection that is certainly another one, and fails if another one
     * answers; blocks. A client of our own sends everything over one connection as long as it can.
     */
    void secondConnection(Supplier<RedissonClient> opening) {
        RedissonClient second = opening.get();
        try {
            if (!identity(second).equals(seen)) {
                throw new LeaseStoreException(severalServers(expected.server()));
            }
        } finally {
            second.shutdown(0, 2, TimeUnit.SECONDS);
        }
    }

    private String identity(RedissonClient second) {
        String key = namespace.keyspace().meta(0);
        if (namespace.scripts().isPortable()) {
            return Probe.of(0, namespace.scripts().aboutOn(second, key)).identity();
        }
        List<Object> answer = second.getScript(StringCodec.INSTANCE)
                .eval(
                        RScript.Mode.READ_WRITE,
                        Script.PROBE.text(),
                        ReturnType.LIST,
                        List.of(key),
                        Probe.FIELDS.toArray());
        return Probe.of(0, answer, 0, 0).identity();
    }

    /** Which process the server is that was looked at last; empty if none was, or if it hides it. */
    String runId() {
        return seen;
    }

    /**
     * Fails if this is one server of a Cluster and the client does not know: it would answer for the few keys that it has,
     * under names that no worker of the Cluster uses; and if it is too old for workers, as its answers to scripts would not say
     * so. Asks the server only if nobody has looked at it yet.
     */
    CompletableFuture<Void> fitForPeople() {
        if (fit) {
            return CompletableFuture.completedFuture(null);
        }
        return probe(0).thenAccept(probe -> {
            Finding unfit = probe.unfitForPeople(expected);
            if (unfit != null) {
                throw new LeaseStoreException(unfit);
            }
            fit = true;
        });
    }

    /** Looks at all servers; fails if one does not answer. */
    CompletableFuture<List<Finding>> findings() {
        List<CompletableFuture<Probe>> calls = new ArrayList<>();
        return inTurns(0, calls)
                .thenCompose(all -> settings())
                .thenApply(settings ->
                        judge(calls.stream().map(CompletableFuture::join).toList(), settings));
    }

    /** Few at a time: connections that are opened just now would not serve all buckets within one answer timeout. */
    private CompletableFuture<Void> inTurns(int from, List<CompletableFuture<Probe>> calls) {
        int last = Math.min(from + CALLS_A_TURN, namespace.buckets().size());
        for (int bucket = from; bucket < last; bucket++) {
            calls.add(probe(bucket));
        }
        for (int again = 0; again < CALLS_AGAIN; again++) {
            calls.add(probe(from));
        }
        CompletableFuture<Void> turn = CompletableFuture.allOf(calls.toArray(CompletableFuture<?>[]::new));
        return last == namespace.buckets().size() ? turn : turn.thenCompose(done -> inTurns(last, calls));
    }

    private CompletableFuture<Probe> probe(int bucket) {
        return namespace
                .scripts()
                .dialect()
                .thenCompose(dialect -> dialect.isFull()
                        ? probeByScript(bucket)
                        : namespace
                                .scripts()
                                .about(namespace.keyspace().meta(bucket))
                                .thenApply(info -> Probe.of(bucket, info)));
    }

    private CompletableFuture<Probe> probeByScript(int bucket) {
        long sent = clock.millis();
        CompletableFuture<List<Object>> answer = namespace
                .scripts()
                .call(
                        Script.PROBE,
                        ReturnType.LIST,
                        List.of(namespace.keyspace().meta(bucket)),
                        Probe.FIELDS.toArray());
        return answer.thenApply(list -> Probe.of(bucket, list, sent, clock.millis()));
    }

    private List<Finding> judge(List<Probe> probes, Map<String, String> settings) {
        Map<Integer, String> byBucket = new HashMap<>();
        Map<String, Probe> byServer = new LinkedHashMap<>();
        Set<Finding> findings = new LinkedHashSet<>();
        for (Probe probe : probes) {
            String runId = probe.identity();
            byServer.put(runId, probe);
            String before = byBucket.putIfAbsent(probe.bucket(), runId);
            if (before != null && !before.equals(runId)) {
                findings.add(severalServers(expected.server()));
            }
        }
        seen = probes.get(0).identity();
        fit = probes.stream().allMatch(probe -> probe.unfitForPeople(expected) == null);
        byServer.values().forEach(probe -> findings.addAll(probe.with(settings).findings(expected)));
        return List.copyOf(findings);
    }

    static Finding severalServers(String server) {
        return new Finding(
                Severity.ERROR,
                "Redis at " + server + " is not one server: its run_id differs from connection to"
                        + " connection, as behind a load balancer, so two workers may hold the same lease",
                "Connect to the master itself, or through Sentinel or Cluster by a Redisson YAML file");
    }

    /** Of one master; a user who may not ask, and a server that does not tell, leave it out. */
    private CompletableFuture<Map<String, String>> settings() {
        Map<String, String> known = new HashMap<>();
        CompletableFuture<?>[] calls;
        try {
            if (!(masters().iterator().next() instanceof RedisNodeAsync master)) {
                return CompletableFuture.completedFuture(Map.of());
            }
            calls = Probe.SETTINGS.stream()
                    .map(name -> master.getConfigAsync(name)
                            .toCompletableFuture()
                            .thenAccept(answer -> {
                                synchronized (known) {
                                    known.putAll(answer);
                                }
                            }))
                    .toArray(CompletableFuture<?>[]::new);
        } catch (RuntimeException noSuchNode) {
            return CompletableFuture.completedFuture(Map.of());
        }
        return CompletableFuture.allOf(calls).handle((all, refused) -> {
            synchronized (known) {
                return Map.copyOf(known);
            }
        });
    }

    private Collection<? extends RedisNode> masters() {
        RedissonClient redisson = client.redisson();
        Config config = redisson.getConfig();
        if (config.isClusterConfig()) {
            return redisson.getRedisNodes(RedisNodes.CLUSTER).getMasters();
        }
        if (config.isSentinelConfig()) {
            return List.of(
                    redisson.getRedisNodes(RedisNodes.SENTINEL_MASTER_SLAVE).getMaster());
        }
        return config.isSingleConfig()
                ? List.of(redisson.getRedisNodes(RedisNodes.SINGLE).getInstance())
                : List.of(redisson.getRedisNodes(RedisNodes.MASTER_SLAVE).getMaster());
    }
}
