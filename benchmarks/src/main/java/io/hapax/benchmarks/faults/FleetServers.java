package io.hapax.benchmarks.faults;

import io.hapax.testkit.EmbeddedDatabase;
import io.hapax.testkit.EmbeddedRedis;
import io.hapax.testkit.EmbeddedSentinel;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The servers of one fleet, and a proxy between each worker and each of them. */
final class FleetServers implements Closeable {

    /** Restarted with data, a server has what it wrote; nothing is evicted; replicas and masters alike. */
    private static final String[] DURABLE = {"--appendonly", "yes", "--appendfsync", "everysec"};

    /** A user as of a service that refuses TIME; workers that log in as it speak the portable protocol. */
    private static final String NARROW = "narrow";

    private static final List<String> NARROW_USER =
            List.of("--user", NARROW, "on", "nopass", "~*", "&*", "+@all", "-time");

    private final List<EmbeddedRedis> redis = new ArrayList<>();
    private final EmbeddedDatabase database;
    private final @Nullable EmbeddedSentinel sentinel;
    private final @Nullable Shim shim;
    private final boolean isNarrow;
    private final Map<String, List<TcpProxy>> toRedis = new LinkedHashMap<>();
    private final Map<String, TcpProxy> toDatabase = new LinkedHashMap<>();
    private final List<FrontDoor> doors = new ArrayList<>();

    private FleetServers(
            EmbeddedDatabase database, @Nullable EmbeddedSentinel sentinel, @Nullable Shim shim, boolean isNarrow) {
        this.database = database;
        this.sentinel = sentinel;
        this.shim = shim;
        this.isNarrow = isNarrow;
    }

    static FleetServers start(Contender contender, Topology topology, List<String> workers, @Nullable Shim shim)
            throws IOException {
        EmbeddedSentinel sentinel = topology == Topology.SENTINEL ? EmbeddedSentinel.start(1) : null;
        boolean isNarrow = contender == Contender.HAPAX_PORTABLE;
        FleetServers servers = new FleetServers(EmbeddedDatabase.start(), sentinel, shim, isNarrow);
        List<String> options = new ArrayList<>(List.of(DURABLE));
        if (isNarrow) {
            options.addAll(NARROW_USER);
        }
        int count = topology == Topology.QUORUM_OF_FIVE ? 5 : sentinel == null ? contender.redisServers() : 0;
        for (int i = 0; i < count; i++) {
            Map<String, String> environment = shim == null ? Map.of() : shim.environment("redis-" + i);
            servers.redis.add(EmbeddedRedis.start(environment, options.toArray(String[]::new)));
        }
        for (String worker : workers) {
            List<TcpProxy> lines = new ArrayList<>();
            for (EmbeddedRedis server : servers.redis) {
                lines.add(TcpProxy.to(server.port()));
            }
            servers.toRedis.put(worker, lines);
            servers.toDatabase.put(worker, TcpProxy.to(servers.database.port()));
        }
        if (count > 1) {
            servers.openDoors(workers);
        }
        return servers;
    }

    private void openDoors(List<String> workers) throws IOException {
        for (int i = 0; i < redis.size(); i++) {
            Map<InetAddress, TcpProxy> lines = new LinkedHashMap<>();
            for (String worker : workers) {
                lines.put(Fleet.addressOf(worker), linesToRedis(worker).get(i));
            }
            doors.add(FrontDoor.before(lines));
        }
    }

    List<EmbeddedRedis> redis() {
        return redis;
    }

    EmbeddedDatabase database() {
        return database;
    }

    EmbeddedSentinel sentinel() {
        if (sentinel == null) {
            throw new IllegalStateException("this fleet has no sentinels");
        }
        return sentinel;
    }

    /** All servers at which leases may live. */
    List<EmbeddedRedis> leaseServers() {
        if (sentinel == null) {
            return redis;
        }
        List<EmbeddedRedis> all = new ArrayList<>(sentinel.replicas());
        all.add(0, sentinel.master());
        return all;
    }

    /** On how many of them a lease has to live. */
    int majority() {
        return sentinel == null ? redis.size() / 2 + 1 : 1;
    }

    List<TcpProxy> linesToRedis(String worker) {
        return toRedis.getOrDefault(worker, List.of());
    }

    TcpProxy lineToDatabase(String worker) {
        TcpProxy line = toDatabase.get(worker);
        if (line == null) {
            throw new IllegalArgumentException("no worker " + worker);
        }
        return line;
    }

    /** Whether the servers tell workers apart by their addresses. */
    boolean hasDoors() {
        return !doors.isEmpty();
    }

    /** What a worker is told of its servers. */
    List<String> settings(String worker) {
        String urls = sentinel != null
                ? String.join(",", sentinel.urls())
                : (doors.isEmpty()
                                ? linesToRedis(worker).stream().map(TcpProxy::port)
                                : doors.stream().map(FrontDoor::port))
                        .map(port -> "redis://" + (isNarrow ? NARROW + ":any@" : "") + "127.0.0.1:" + port)
                        .collect(Collectors.joining(","));
        String jdbc = database.jdbcUrl()
                .replace(
                        ":" + database.port() + "/",
                        ":" + lineToDatabase(worker).port() + "/");
        return List.of(
                "redis=" + urls,
                "master=" + (sentinel == null ? "" : EmbeddedSentinel.MASTER_NAME),
                "jdbc=" + jdbc + "?user=" + database.user());
    }

    /** Whether the clock of a Redis server can be moved: a server that is linked statically ignores the shim. */
    boolean canMoveRedisClock() throws IOException {
        if (shim == null || redis.isEmpty()) {
            return false;
        }
        moveRedisClock(0, Duration.ofHours(-1).toSeconds());
        try {
            long seconds = Long.parseLong(redis.get(0)
                    .command("TIME")
                    .lines()
                    .findFirst()
                    .orElseThrow()
                    .trim());
            return Math.abs(InstantSource.system().instant().getEpochSecond() - seconds) > 60;
        } finally {
            moveRedisClock(0, 0);
        }
    }

    void moveRedisClock(int server, long seconds) throws IOException {
        if (shim != null) {
            shim.move("redis-" + server, seconds);
        }
    }

    @Override
    public void close() throws IOException {
        for (FrontDoor door : doors) {
            door.close();
        }
        for (List<TcpProxy> lines : toRedis.values()) {
            for (TcpProxy line : lines) {
                line.close();
            }
        }
        for (TcpProxy line : toDatabase.values()) {
            line.close();
        }
        redis.forEach(EmbeddedRedis::close);
        if (sentinel != null) {
            sentinel.close();
        }
        database.close();
    }
}
