package io.hapax.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * A master, its replicas and three sentinels, as real processes that tests can kill, freeze and cut off.
 *
 * <p>The sentinels know each other and the replicas, agree by two, call a server down after half a
 * second, and promote within a few seconds. Thread-safe; closing it, or the end of the JVM, kills all.
 */
public final class EmbeddedSentinel implements AutoCloseable {

    /** The name under which the sentinels watch the master. */
    public static final String MASTER_NAME = "hapax";

    private static final int SENTINELS = 3;

    private final List<EmbeddedRedis> servers = new ArrayList<>();
    private final List<EmbeddedRedis> sentinels = new ArrayList<>();
    private final List<Path> folders = new ArrayList<>();

    private EmbeddedSentinel() {}

    /**
     * Starts a master, replicas and sentinels, and waits until the replicas have copied the master.
     *
     * @param replicas how many replicas; at least 1
     * @param arguments further arguments of the master and the replicas, such as {@code "--min-replicas-to-write", "1"}
     * @return the servers, ready to answer
     * @throws IllegalStateException if one of them does not start
     */
    public static EmbeddedSentinel start(int replicas, String... arguments) {
        if (replicas < 1) {
            throw new IllegalArgumentException("Sentinel needs at least 1 replica to promote, got " + replicas);
        }
        EmbeddedSentinel started = new EmbeddedSentinel();
        try {
            started.startServers(replicas, List.of(arguments));
            started.startSentinels();
            return started;
        } catch (RuntimeException e) {
            started.close();
            throw e;
        }
    }

    /**
     * Returns the master, as the first sentinel that answers sees it.
     *
     * @return the server that clients are sent to; it may be dead or frozen
     */
    public EmbeddedRedis master() {
        int port = masterPort();
        return servers.stream()
                .filter(server -> server.port() == port)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the sentinels name a strange master on port " + port));
    }

    /**
     * Returns all data servers but the master.
     *
     * @return the others, dead ones included
     */
    public List<EmbeddedRedis> replicas() {
        EmbeddedRedis master = master();
        return servers.stream().filter(server -> server != master).toList();
    }

    /**
     * Returns the sentinels.
     *
     * @return three servers
     */
    public List<EmbeddedRedis> sentinels() {
        return List.copyOf(sentinels);
    }

    /**
     * Returns the addresses to configure in a client.
     *
     * @return one {@code redis://} address a sentinel
     */
    public List<String> urls() {
        return sentinels.stream().map(EmbeddedRedis::url).toList();
    }

    /** Cuts the replicas off the master: they miss every later write, and may be promoted all the same. */
    public void cutReplication() {
        EmbeddedRedis master = master();
        replicas().forEach(replica -> RedisReplication.cut(master, replica));
    }

    /** Lets replicas that were cut off copy their master again, and waits until they have. */
    public void healReplication() {
        List<EmbeddedRedis> replicas = replicas();
        replicas.forEach(RedisReplication::heal);
        RedisReplication.await(
                "the replicas to copy the master", () -> replicas.stream().allMatch(RedisReplication::linked));
    }

    /**
     * Lets a sentinel promote a replica at once, whether or not the master is well, and waits until it is done. The old
     * master, if it lives, is made a replica a moment later.
     *
     * @return the new master
     */
    public EmbeddedRedis promote() {
        EmbeddedRedis old = master();
        RedisReplication.await(
                "a sentinel to start a failover",
                () -> sentinels
                        .get(0)
                        .command("SENTINEL", "FAILOVER", MASTER_NAME)
                        .contains("OK"));
        return awaitPromotion(old);
    }

    /**
     * Waits until the sentinels have promoted another server, as they do by themselves when a master is dead or frozen.
     *
     * @param old the master of before
     * @return the new master
     */
    public EmbeddedRedis awaitPromotion(EmbeddedRedis old) {
        RedisReplication.await(
                "the sentinels to promote a replica", () -> master() != old && RedisReplication.isMaster(master()));
        return master();
    }

    /** Kills all servers and deletes their folders. */
    @Override
    public void close() {
        Stream.concat(sentinels.stream(), servers.stream()).forEach(EmbeddedRedis::close);
        folders.forEach(ServerProcesses::delete);
    }

    private void startServers(int replicas, List<String> arguments) {
        List<String> all = new ArrayList<>(RedisReplication.QUICK);
        all.addAll(arguments);
        EmbeddedRedis master = EmbeddedRedis.start(all.toArray(String[]::new));
        servers.add(master);
        all.addAll(List.of("--replicaof", "127.0.0.1 " + master.port()));
        for (int i = 0; i < replicas; i++) {
            servers.add(EmbeddedRedis.start(all.toArray(String[]::new)));
        }
        RedisReplication.await(
                "the replicas to copy the master",
                () -> servers.stream().skip(1).allMatch(RedisReplication::linked));
    }

    private void startSentinels() {
        for (int i = 0; i < SENTINELS; i++) {
            Path folder = ServerProcesses.temporaryFolder("hapax-sentinel");
            folders.add(folder);
            Path file = folder.resolve("sentinel.conf");
            write(file, configuration());
            sentinels.add(EmbeddedRedis.start(file.toString(), "--sentinel"));
        }
        RedisReplication.await(
                "the sentinels to find each other and the replicas",
                () -> sentinels.stream().allMatch(this::knowsAll));
    }

    private String configuration() {
        return String.format(Locale.ROOT, """
                sentinel monitor %1$s 127.0.0.1 %2$d 2
                sentinel down-after-milliseconds %1$s 1000
                sentinel failover-timeout %1$s 3000
                sentinel parallel-syncs %1$s 1
                """, MASTER_NAME, servers.get(0).port());
    }

    private boolean knowsAll(EmbeddedRedis sentinel) {
        String state = sentinel.command("INFO", "sentinel");
        return state.contains("status=ok")
                && state.contains("slaves=" + (servers.size() - 1))
                && state.contains("sentinels=" + SENTINELS);
    }

    /** The answer of the first sentinel that lives. */
    private int masterPort() {
        RuntimeException failure = new IllegalStateException("there is no sentinel");
        for (EmbeddedRedis sentinel : sentinels) {
            try {
                String address = sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME);
                return Integer.parseInt(
                        address.substring(address.indexOf('\n') + 1).trim());
            } catch (IllegalStateException | UncheckedIOException dead) {
                failure = dead;
            }
        }
        throw failure;
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file, e);
        }
    }
}
