package io.hapax.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A Redis Cluster of three masters, with a replica each if asked for, as real processes that tests can kill, freeze and
 * cut off. All slots are assigned; a master that is down takes down its own slots alone. Thread-safe; closing it, or the
 * end of the JVM, kills all.
 */
public final class EmbeddedCluster implements AutoCloseable {

    private static final int MASTERS = 3;
    private static final int START_ATTEMPTS = 5;
    /** On a busy machine servers that live may not answer at once. */
    private static final int ANSWER_ATTEMPTS = 5;

    private static final int SLOTS = 16_384;

    private final List<EmbeddedRedis> servers = new ArrayList<>();
    private final Map<EmbeddedRedis, Integer> busPorts = new HashMap<>();

    private EmbeddedCluster() {}

    /**
     * Starts three masters without replicas.
     *
     * @return the cluster, ready to answer
     * @throws IllegalStateException if a server does not start
     */
    public static EmbeddedCluster start() {
        return start(0);
    }

    /**
     * Starts three masters and their replicas, and waits until all know each other and the replicas have copied.
     *
     * @param replicasEach how many replicas each master has
     * @param arguments further arguments of every server, such as {@code "--cluster-node-timeout", "500"}
     * @return the cluster, ready to answer
     * @throws IllegalStateException if a server does not start
     */
    public static EmbeddedCluster start(int replicasEach, String... arguments) {
        EmbeddedCluster cluster = new EmbeddedCluster();
        try {
            for (int i = 0; i < MASTERS * (1 + replicasEach); i++) {
                cluster.startServer(arguments);
            }
            cluster.join();
            return cluster;
        } catch (RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    /**
     * Returns the masters, as the servers that live agree on.
     *
     * @return those that serve slots, in the order of their start; dead ones too, until a replica is promoted
     */
    public List<EmbeddedRedis> masters() {
        return nodes().stream().filter(Node::isMaster).map(Node::server).toList();
    }

    /**
     * Returns the replicas of a master.
     *
     * @param master one of {@link #masters()}
     * @return its replicas
     */
    public List<EmbeddedRedis> replicasOf(EmbeddedRedis master) {
        String id = id(master);
        return nodes().stream()
                .filter(node -> node.master().equals(id))
                .map(Node::server)
                .toList();
    }

    /**
     * Returns the master that serves a key.
     *
     * @param key the key
     * @return its master, which may be dead
     */
    public EmbeddedRedis masterOf(String key) {
        int slot = slotOf(key);
        return nodes().stream()
                .filter(node -> node.serves(slot))
                .map(Node::server)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("nobody serves slot " + slot));
    }

    /**
     * Returns the hash slot of a key.
     *
     * @param key the key
     * @return 0 to 16383
     */
    public int slotOf(String key) {
        return Integer.parseInt(alive().command("CLUSTER", "KEYSLOT", key));
    }

    /**
     * Returns the addresses to configure in a client.
     *
     * @return one {@code redis://} address a server
     */
    public List<String> urls() {
        return servers.stream().map(EmbeddedRedis::url).toList();
    }

    /**
     * Cuts the replicas of a master off: they miss every later write, and may be promoted all the same.
     *
     * @param master one of {@link #masters()}
     */
    public void cutReplication(EmbeddedRedis master) {
        replicasOf(master).forEach(replica -> RedisReplication.cut(master, replica));
    }

    /**
     * Lets a replica take over the slots of its master without asking anybody, and waits until all servers that live
     * know. The old master, if it lives, becomes a replica.
     *
     * @param replica the replica, which may have missed writes
     */
    public void promote(EmbeddedRedis replica) {
        replica.command("CLUSTER", "FAILOVER", "TAKEOVER");
        String id = id(replica);
        RedisReplication.await(
                "all servers to know the new master",
                () -> servers.stream()
                        .filter(EmbeddedRedis::answers)
                        .allMatch(server -> nodes(server).stream()
                                .anyMatch(node -> node.id().equals(id) && node.isMaster())));
    }

    /**
     * Moves a slot and all its keys to another master while clients go on, as resharding does. If that fails, the slot is where it
     * was, as far as its servers answer: what had been moved is moved back, and neither of them takes it for half moved.
     *
     * @param slot the slot
     * @param target the master that serves it afterwards
     * @throws RuntimeException if it cannot be moved
     */
    public void moveSlot(int slot, EmbeddedRedis target) {
        Node from =
                nodes().stream().filter(node -> node.serves(slot)).findFirst().orElseThrow();
        String number = String.valueOf(slot);
        try {
            moveSlot(number, from, target);
        } catch (RuntimeException e) {
            moveBack(number, from.server(), target);
            throw e;
        }
    }

    private void moveSlot(String number, Node from, EmbeddedRedis target) {
        String targetId = id(target);
        target.command("CLUSTER", "SETSLOT", number, "IMPORTING", from.id());
        from.server().command("CLUSTER", "SETSLOT", number, "MIGRATING", targetId);
        List<String> keys = keysOf(from.server(), number);
        while (!keys.isEmpty()) {
            // What an attempt has left there whose answer did not come is older.
            migrate(from.server(), target, List.of("REPLACE"), keys.toArray(String[]::new));
            keys = keysOf(from.server(), number);
        }
        List<EmbeddedRedis> told = new ArrayList<>(List.of(target, from.server()));
        nodes().stream().filter(Node::isMaster).map(Node::server).forEach(told::add);
        told.forEach(server -> server.command("CLUSTER", "SETSLOT", number, "NODE", targetId));
    }

    /** One key after the other, as those that are at their old place still are newer there. */
    private static void moveBack(String number, EmbeddedRedis source, EmbeddedRedis target) {
        attempt(() -> keysOf(target, number).forEach(key -> attempt(() -> migrate(target, source, List.of(), key))));
        List.of(source, target)
                .forEach(server -> attempt(() -> server.command("CLUSTER", "SETSLOT", number, "STABLE")));
    }

    /** Kills all servers and deletes their folders. */
    @Override
    public void close() {
        servers.forEach(EmbeddedRedis::close);
    }

    /** A port that was free may be taken before the server has it; {@link EmbeddedRedis#start} sees to its first one only. */
    private void startServer(String... arguments) {
        for (int attempt = 1; ; attempt++) {
            try {
                startServerOn(ServerProcesses.freePort(), arguments);
                return;
            } catch (IllegalStateException e) {
                if (attempt == START_ATTEMPTS || !EmbeddedRedis.isPortTaken(e)) {
                    throw e;
                }
            }
        }
    }

    private void startServerOn(int bus, String... arguments) {
        List<String> all = new ArrayList<>(RedisReplication.QUICK);
        all.addAll(List.of("--cluster-enabled", "yes", "--cluster-port", String.valueOf(bus)));
        // A master that gets no messages from the others for longer than that, as on a busy machine, refuses
        // everything.
        all.addAll(List.of("--cluster-announce-ip", "127.0.0.1", "--cluster-node-timeout", "5000"));
        all.addAll(List.of("--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no"));
        // A busy machine would promote replicas of masters that live, in the middle of what a test does.
        all.addAll(List.of("--cluster-replica-no-failover", "yes"));
        all.addAll(Arrays.asList(arguments));
        EmbeddedRedis server = EmbeddedRedis.start(all.toArray(String[]::new));
        servers.add(server);
        busPorts.put(server, bus);
    }

    private void join() {
        EmbeddedRedis first = servers.get(0);
        for (int i = 0; i < MASTERS; i++) {
            servers.get(i).command("CLUSTER", "SET-CONFIG-EPOCH", String.valueOf(i + 1));
            String from = String.valueOf(i * SLOTS / MASTERS);
            servers.get(i).command("CLUSTER", "ADDSLOTSRANGE", from, String.valueOf((i + 1) * SLOTS / MASTERS - 1));
        }
        for (EmbeddedRedis server : servers.subList(1, servers.size())) {
            String port = String.valueOf(server.port());
            first.command("CLUSTER", "MEET", "127.0.0.1", port, String.valueOf(busPorts.get(server)));
        }
        RedisReplication.await("the cluster to form", () -> servers.stream().allMatch(this::knowsAll));
        for (int i = MASTERS; i < servers.size(); i++) {
            servers.get(i).command("CLUSTER", "REPLICATE", id(servers.get(i % MASTERS)));
        }
        RedisReplication.await(
                "the replicas to copy their masters",
                () -> servers.stream()
                        .allMatch(server -> servers.indexOf(server) < MASTERS || RedisReplication.linked(server)));
        RedisReplication.await(
                "all servers to know the replicas", () -> servers.stream().allMatch(this::knowsReplicas));
    }

    private boolean knowsAll(EmbeddedRedis server) {
        return server.command("CLUSTER", "INFO").contains("cluster_state:ok")
                && nodes(server).size() == servers.size()
                && !server.command("CLUSTER", "NODES").contains("handshake");
    }

    private boolean knowsReplicas(EmbeddedRedis server) {
        long known = nodes(server).stream()
                .filter(node -> !node.master().equals("-"))
                .count();
        return known == servers.size() - MASTERS;
    }

    private EmbeddedRedis alive() {
        for (int attempt = 1; attempt <= ANSWER_ATTEMPTS; attempt++) {
            for (EmbeddedRedis server : servers) {
                if (server.answers()) {
                    return server;
                }
            }
        }
        throw new IllegalStateException("no server of the cluster answers");
    }

    /** Of the servers that live, one that has the newest view. */
    private List<Node> nodes() {
        EmbeddedRedis newest = servers.stream()
                .filter(EmbeddedRedis::answers)
                .max(Comparator.comparing(server -> Long.valueOf(clusterInfo(server, "cluster_current_epoch"))))
                .orElseGet(this::alive);
        return nodes(newest);
    }

    private List<Node> nodes(EmbeddedRedis asked) {
        Map<Integer, EmbeddedRedis> byPort =
                servers.stream().collect(Collectors.toMap(EmbeddedRedis::port, server -> server));
        return asked.command("CLUSTER", "NODES")
                .lines()
                .filter(line -> !line.isBlank())
                .map(line -> Node.parse(line, byPort))
                .toList();
    }

    private static void migrate(EmbeddedRedis from, EmbeddedRedis to, List<String> options, String... keys) {
        List<String> words =
                new ArrayList<>(List.of("MIGRATE", "127.0.0.1", String.valueOf(to.port()), "", "0", "5000"));
        words.addAll(options);
        words.add("KEYS");
        words.addAll(Arrays.asList(keys));
        String unused = from.command(words.toArray(String[]::new));
    }

    /** As far as it goes. */
    private static void attempt(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException refusedOrUnanswered) {
            // What comes after it may be possible all the same.
        }
    }

    private static List<String> keysOf(EmbeddedRedis server, String slot) {
        return server.command("CLUSTER", "GETKEYSINSLOT", slot, "1000")
                .lines()
                .filter(line -> !line.isEmpty())
                .toList();
    }

    private static String clusterInfo(EmbeddedRedis server, String field) {
        return server.command("CLUSTER", "INFO")
                .lines()
                .filter(line -> line.startsWith(field + ":"))
                .map(line -> line.substring(field.length() + 1).trim())
                .findFirst()
                .orElse("0");
    }

    private static String id(EmbeddedRedis server) {
        return server.command("CLUSTER", "MYID");
    }

    /** A line of CLUSTER NODES. */
    private record Node(EmbeddedRedis server, String id, List<String> flags, String master, List<String> slots) {

        static Node parse(String line, Map<Integer, EmbeddedRedis> byPort) {
            String[] parts = line.trim().split(" ");
            String port = parts[1].replaceAll("^.*:(\\d+)@.*$", "$1");
            EmbeddedRedis server = byPort.get(Integer.valueOf(port));
            if (server == null) {
                throw new IllegalStateException("the cluster has a strange node on port " + port);
            }
            List<String> slots = Arrays.asList(parts).subList(Math.min(8, parts.length), parts.length);
            return new Node(server, parts[0], List.of(parts[2].split(",")), parts[3], slots);
        }

        boolean isMaster() {
            return flags.contains("master") && slots.stream().anyMatch(range -> !range.startsWith("["));
        }

        boolean serves(int slot) {
            return slots.stream()
                    .filter(range -> !range.startsWith("["))
                    .map(range -> range.split("-"))
                    .anyMatch(ends ->
                            Integer.parseInt(ends[0]) <= slot && slot <= Integer.parseInt(ends[ends.length - 1]));
        }
    }
}
