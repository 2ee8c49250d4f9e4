package io.hapax.redis;

import io.hapax.lease.Finding;
import io.hapax.lease.Finding.Severity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a server says of itself, and what is to be thought of it: the Java side of {@code probe.lua}.
 *
 * @param bucket which bucket was asked for
 * @param info fields of INFO, and those of CONFIG GET that the user may read
 * @param clockAhead how far the server's clock is before ours, and that is more than the call can explain
 */
record Probe(int bucket, Map<String, String> info, Duration clockAhead) {

    static final List<String> FIELDS = List.of(
            "redis_version",
            "run_id",
            "maxmemory",
            "maxmemory_policy",
            "role",
            "cluster_enabled",
            "connected_slaves",
            "min_slaves_good_slaves",
            "aof_enabled");

    /** What was made of what the server says on a connection. */
    private static final String IDENTITY = "identity";

    private static final String BACKLOG_TTL = "repl-backlog-ttl";

    /** Settings that INFO does not tell. */
    static final List<String> SETTINGS = List.of("save", "appendfsync", BACKLOG_TTL);

    private static final String WITH_A_FILE =
            "Configure the Cluster, by a Redisson YAML file with clusterServersConfig";
    private static final int OLDEST_MAJOR = 7;
    private static final Duration CLOCKS_APART = Duration.ofMillis(500);

    /**
     * What is expected of the servers.
     *
     * @param longestMemory how long a server that may have forgotten leases grants nothing
     */
    record Expectation(String server, boolean cluster, int replicas, FirstStart first, Duration longestMemory) {}

    /** Takes the answer of the script to a call between two instants of our clock. */
    static Probe of(int bucket, List<Object> answer, long sentMillis, long answeredMillis) {
        long server = Long.parseLong((String) answer.get(0)) / 1000;
        long ahead = server > answeredMillis ? server - answeredMillis : Math.min(0, server - sentMillis);
        Map<String, String> info = new HashMap<>();
        for (int i = 0; i < FIELDS.size(); i++) {
            info.put(FIELDS.get(i), (String) answer.get(i + 1));
        }
        return new Probe(bucket, Map.copyOf(info), Duration.ofMillis(ahead));
    }

    /** Takes what a server says of itself on a connection, where scripts may not ask it; of its clock it says nothing. */
    static Probe of(int bucket, String info) {
        Map<String, String> said = fields(info);
        said.keySet().retainAll(FIELDS);
        said.put(IDENTITY, Identity.of(info));
        return new Probe(bucket, Map.copyOf(said), Duration.ZERO);
    }

    static Map<String, String> fields(String info) {
        Map<String, String> fields = new HashMap<>();
        for (String line : info.lines().toList()) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                fields.put(line.substring(0, colon), line.substring(colon + 1).trim());
            }
        }
        return fields;
    }

    /** Who the server is. */
    String identity() {
        return info.getOrDefault(IDENTITY, get("run_id"));
    }

    Probe with(Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(info);
        all.putAll(settings);
        return new Probe(bucket, Map.copyOf(all), clockAhead);
    }

    String get(String field) {
        return info.getOrDefault(field, "");
    }

    List<Finding> findings(Expectation expected) {
        String at = "Redis at " + expected.server();
        List<Finding> all = new ArrayList<>();
        identity(at, expected, all);
        memory(at, expected, all);
        replication(at, expected, all);
        if (expected.first().isOver()) {
            all.add(new Finding(
                    Severity.NOTE,
                    "firstStart is " + expected.first().at() + ", which is over: it has no effect any more",
                    "Remove the setting"));
        }
        if (clockAhead.abs().compareTo(CLOCKS_APART) > 0) {
            all.add(new Finding(
                    Severity.WARNING,
                    at + " has a clock that is " + clockAhead.abs().toMillis() + " ms "
                            + (clockAhead.isNegative() ? "behind" : "ahead of") + " this machine's: a clock that is set"
                            + " while leases live ends them early or late",
                    "Keep both by NTP, which slews instead of setting the clock"));
        }
        return all;
    }

    private void identity(String at, Expectation expected, List<Finding> all) {
        if (isTooOld()) {
            all.add(tooOld(at));
        }
        if (identity().isEmpty()) {
            all.add(new Finding(
                    Severity.ERROR,
                    at + " hides its run_id (INFO server), as some proxies do; without it a restart cannot be noticed",
                    "Connect to the server itself"));
        }
        if (get("role").equals("slave")) {
            all.add(new Finding(
                    Severity.ERROR,
                    at + " is a read-only replica, so no lease can be taken there",
                    "Connect to the master, or through Sentinel or Cluster by a Redisson YAML file"));
        }
        if (isUnknownCluster(get("cluster_enabled"), expected)) {
            all.add(new Finding(
                    Severity.ERROR,
                    at + " is one server of a Cluster, and the client does not know: it would lose the leases when"
                            + " slots move or a replica is promoted",
                    WITH_A_FILE));
        }
    }

    private boolean isTooOld() {
        String version = get("redis_version");
        // Not every service says, where only connections may ask.
        return major(version) < OLDEST_MAJOR && !(version.isEmpty() && info.containsKey(IDENTITY));
    }

    private Finding tooOld(String at) {
        return Finding.error(
                at + " is version '" + get("redis_version")
                        + "', but the guard needs Redis 7.0 or newer, or Valkey 7.2 or newer",
                "Upgrade the server");
    }

    private static boolean isUnknownCluster(String clusterEnabled, Expectation expected) {
        return clusterEnabled.equals("1") && !expected.cluster();
    }

    /** Why answers to operators would be wrong; null if they are not. */
    @Nullable
    Finding unfitForPeople(Expectation expected) {
        String at = "Redis at " + expected.server();
        if (isUnknownCluster(get("cluster_enabled"), expected)) {
            return Finding.error(
                    at + " is one server of a Cluster, and the client"
                            + " does not know: it cannot tell what the Cluster's workers hold",
                    WITH_A_FILE);
        }
        // What the user may not read is not judged.
        return isTooOld() && !get("redis_version").isEmpty() ? tooOld(at) : null;
    }

    private void memory(String at, Expectation expected, List<Finding> all) {
        String limit = get("maxmemory");
        if (!limit.equals("0") && !limit.isEmpty() && !get("maxmemory_policy").equals("noeviction")) {
            all.add(new Finding(
                    Severity.WARNING,
                    at + " may evict leases and done markers when its memory is full: maxmemory-policy is "
                            + get("maxmemory_policy") + ", must be noeviction",
                    "CONFIG SET maxmemory-policy noeviction, and in its configuration file"));
        }
        boolean appends = get("aof_enabled").equals("1");
        // What the user may not read is not judged.
        if (!appends && info.containsKey("save") && get("save").isEmpty()) {
            all.add(new Finding(
                    expected.first().counts() ? Severity.NOTE : Severity.WARNING,
                    at + " keeps nothing on disk: a restart forgets the done markers, and completed occurrences may run"
                            + " again",
                    "Set appendonly yes with appendfsync everysec"));
        }
        if (appends && get("appendfsync").equals("no")) {
            all.add(new Finding(
                    Severity.WARNING,
                    at + " leaves it to the system when its log reaches the disk (appendfsync no): a crash of the"
                            + " machine forgets the done markers of half a minute",
                    "CONFIG SET appendfsync everysec, and in its configuration file"));
        }
    }

    private void replication(String at, Expectation expected, List<Finding> all) {
        int connected = number(get("connected_slaves"));
        if (connected < expected.replicas()) {
            all.add(new Finding(
                    Severity.WARNING,
                    at + " has " + connected + " replicas, but waitForReplicas is " + expected.replicas()
                            + ": no lease will be granted",
                    "Start more replicas, or lower waitForReplicas"));
        }
        int forgets = number(get(BACKLOG_TTL));
        if (connected > 0 && forgets > 0 && Duration.ofSeconds(forgets).compareTo(expected.longestMemory()) < 0) {
            all.add(new Finding(
                    Severity.WARNING,
                    at + " forgets " + forgets + " s after its last replica is gone that it was promoted"
                            + " (repl-backlog-ttl), while leases that it never saw may live on: if nobody speaks to it in that"
                            + " time, two runs may hold the same lease",
                    "CONFIG SET repl-backlog-ttl 3600, and in its configuration file; at least "
                            + expected.longestMemory().toSeconds() + " s"));
        }
        if (connected > 0 && get("min_slaves_good_slaves").isEmpty()) {
            all.add(new Finding(
                    Severity.NOTE,
                    at + " has replicas but min-replicas-to-write 0: a master that is cut off continues to renew the"
                            + " leases of its clients while a replica is promoted",
                    "Set min-replicas-to-write 1 and min-replicas-max-lag 10"));
        }
    }

    private static int major(String version) {
        return number(version.replaceAll("\\..*", ""));
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException unreadable) {
            return 0;
        }
    }
}
