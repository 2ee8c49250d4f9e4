package io.hapax.benchmarks.faults;

import io.hapax.testkit.EmbeddedCluster;
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
    private volatile EmbeddedDatabase database;
    private volatile @Nullable EmbeddedDatabase standby;
    private final @Nullable EmbeddedSentinel sentinel;
    private final @Nullable EmbeddedCluster cluster;
    private final @Nullable Shim shim;
    private final boolean isNarrow;
    private final Map<String, List<TcpProxy>> toRedis = new LinkedHashMap<>();
    private final Map<String, TcpProxy> toDatabase = new LinkedHashMap<>();
    private final List<FrontDoor> doors = new ArrayList<>();

    private FleetServers(
            EmbeddedDatabase database,
            @Nullable EmbeddedSentinel sentinel,
            @Nullable EmbeddedCluster cluster,
            @Nullable Shim shim,
            boolean isNarrow) {
        this.database = database;
        this.sentinel = sentinel;
        this.cluster = cluster;
        this.shim = shim;
        this.isNarrow = isNarrow;
    }

    static FleetServers start(Contender contender, Topology topology, List<String> workers, @Nullable Shim shim)
            throws IOException {
        EmbeddedSentinel sentinel = topology == Topology.SENTINEL ? EmbeddedSentinel.start(1) : null;
        EmbeddedCluster cluster = topology == Topology.CLUSTER ? EmbeddedCluster.start(1, DURABLE) : null;
        boolean isNarrow = contender == Contender.HAPAX_PORTABLE;
        FleetServers servers = new FleetServers(EmbeddedDatabase.start(), sentinel, cluster, shim, isNarrow);
        List<String> options = new ArrayList<>(List.of(DURABLE));
        if (isNarrow) {
            options.addAll(NARROW_USER);
        }
        int count = switch (topology) {
            case USUAL, STANDBY, DISK -> contender.redisServers();
            case QUORUM_OF_FIVE -> 5;
            case SENTINEL, CLUSTER -> 0;
        };
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
        if (topology == Topology.STANDBY) {
            servers.standby = servers.database.startStandby();
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

    EmbeddedDatabase standby() {
        EmbeddedDatabase present = standby;
        if (present == null) {
            throw new IllegalStateException("this fleet has no standby");
        }
        return present;
    }

    /** It is the primary from now on, and gets a standby of its own; the old primary is gone. */
    void promoteStandby() {
        EmbeddedDatabase old = database;
        EmbeddedDatabase next = standby();
        next.promote();
        database = next;
        toDatabase.values().forEach(line -> line.leadTo(next.port()));
        old.close();
        standby = next.startStandby();
    }

    EmbeddedSentinel sentinel() {
        if (sentinel == null) {
            throw new IllegalStateException("this fleet has no sentinels");
        }
        return sentinel;
    }

    EmbeddedCluster cluster() {
        if (cluster == null) {
            throw new IllegalStateException("this fleet has no Cluster");
        }
        return cluster;
    }

    /** All servers at which leases may live. */
    List<EmbeddedRedis> leaseServers() {
        List<EmbeddedRedis> all = new ArrayList<>(masters());
        if (sentinel != null) {
            all.addAll(sentinel.replicas());
        }
        if (cluster != null) {
            cluster.masters().forEach(master -> all.addAll(cluster.replicasOf(master)));
        }
        return all;
    }

    /** What a server is called; a Cluster is one, as leases move in it from server to server. */
    String nameOf(EmbeddedRedis server) {
        return cluster == null ? "redis-" + leaseServers().indexOf(server) : "cluster";
    }

    /** Those that are written to, when all is well. */
    List<EmbeddedRedis> masters() {
        return cluster != null ? cluster.masters() : sentinel != null ? List.of(sentinel.master()) : redis;
    }

    /** On how many of them a lease has to live. */
    int majority() {
        return Math.max(1, redis.size() / 2 + 1);
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

    /** The settings of a worker that name its servers. */
    List<String> settings(String worker) {
        String urls = sentinel != null || cluster != null
                ? String.join(
                        ",", sentinel != null ? sentinel.urls() : cluster().urls())
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
                "cluster=" + (cluster != null),
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
        if (cluster != null) {
            cluster.close();
        }
        EmbeddedDatabase copy = standby;
        if (copy != null) {
            copy.close();
        }
        database.close();
    }
}
