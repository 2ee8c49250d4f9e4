package io.hapax.benchmarks.faults.work;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What a worker process was started with: words of the form {@code name=value}. */
record Settings(Map<String, String> values) {

    /** Of all leases and locks, where a contender has such a thing. */
    static final Duration TTL = Duration.ofSeconds(3);

    static Settings of(String[] args) {
        return new Settings(Arrays.stream(args)
                .map(arg -> arg.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1])));
    }

    String contender() {
        return text("contender");
    }

    String worker() {
        return text("worker");
    }

    int observer() {
        return Integer.parseInt(text("observer"));
    }

    int orders() {
        return Integer.parseInt(text("orders"));
    }

    /** One address, or those of a quorum or of sentinels; none if the contender needs no Redis. */
    List<String> redis() {
        String urls = text("redis");
        return urls.isEmpty() ? List.of() : List.of(urls.split(",", -1));
    }

    /** The name under which sentinels watch the master, if the addresses are theirs. */
    @Nullable
    String master() {
        String name = text("master");
        return name.isEmpty() ? null : name;
    }

    /** Whether the addresses are those of a Cluster. */
    boolean isCluster() {
        return Boolean.parseBoolean(text("cluster"));
    }

    String jdbc() {
        return text("jdbc");
    }

    /** How many may run at once on the lock key for several; 0 if nobody wants it. */
    int limit() {
        return Integer.parseInt(text("limit"));
    }

    /** When the fleet was started first, if this is its first life. */
    @Nullable
    Instant firstStart() {
        String at = text("firstStart");
        return at.isEmpty() ? null : Instant.parse(at);
    }

    private String text(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the worker was started without the setting " + name);
        }
        return value;
    }
}
