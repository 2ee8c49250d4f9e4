package io.hapax.redis;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.redisson.api.RScript.ReturnType;

/**
 * How a server is right now: the Java side of {@code state.lua}.
 *
 * @param quarantineLeft for how long it grants nothing yet
 * @param why why it does not
 * @param settings on which the workers have agreed; empty if there were none yet
 * @param version of the server
 * @param role master or slave
 * @param replicas how many are connected
 * @param memory how much it uses
 * @param protocol how it is spoken to, and why; empty if it cannot be
 * @param forbidden what the user may not do and would have to, as rights name it
 */
record ServerState(
        Duration quarantineLeft,
        String why,
        String settings,
        String version,
        String role,
        String replicas,
        String memory,
        List<String> forbidden,
        String protocol) {

    /**
     * What scripts, connections and operators need; with arguments, because rights may depend on keys and channels.
     * docs/security.md grants these and nothing else.
     */
    static List<String> needed(String channel) {
        return List.of(
                "EVALSHA a 1 KEY",
                "EVAL a 1 KEY",
                "PING",
                "CLIENT SETNAME hapax",
                "SUBSCRIBE " + channel,
                "UNSUBSCRIBE " + channel,
                "PUBLISH " + channel + " 1",
                "GET KEY",
                "MGET KEY",
                "SET KEY 1",
                "DEL KEY",
                "PEXPIRE KEY 1",
                "PTTL KEY",
                "HSET KEY a 1",
                "HMGET KEY a",
                "ZADD KEY 1 a",
                "ZREM KEY a",
                "ZSCORE KEY a",
                "ZRANGE KEY 0 1",
                "ZRANGEBYSCORE KEY 0 1",
                "ZREMRANGEBYSCORE KEY 0 1",
                "TIME",
                "INFO",
                "LPUSH KEY a",
                "LTRIM KEY 0 1",
                "LRANGE KEY 0 1",
                "SCAN 0");
    }

    /** As rights name it: {@code get}, {@code client|setname}. */
    static String right(String needed) {
        String[] words = needed.toLowerCase(Locale.ROOT).split(" ", -1);
        return words[0].equals("client") ? words[0] + "|" + words[1] : words[0];
    }

    private static final int FIELDS = 7;

    static CompletableFuture<ServerState> of(Namespace namespace, int bucket) {
        Keyspace keyspace = namespace.keyspace();
        CompletableFuture<List<Object>> answer = namespace
                .scripts()
                .call(
                        Script.STATE,
                        ReturnType.LIST,
                        List.of(keyspace.meta(bucket), keyspace.quarantine(bucket)),
                        needed(namespace.keyspace().channel()).toArray());
        return answer.thenApply(ServerState::read)
                .thenCompose(state -> namespace
                        .scripts()
                        .dialect()
                        .thenCompose(dialect -> dialect.isFull()
                                ? CompletableFuture.completedFuture(state.with(dialect))
                                : namespace
                                        .scripts()
                                        .about(keyspace.meta(bucket))
                                        .thenApply(info -> state.with(dialect).with(Probe.fields(info))))
                        // If it cannot be used, the caller that tries gets the reason.
                        .exceptionally(nameless -> state));
    }

    private ServerState with(Dialect dialect) {
        return new ServerState(
                quarantineLeft, why, settings, version, role, replicas, memory, forbidden, dialect.toString());
    }

    /** With what a server has said on a connection, where scripts may not ask it. */
    private ServerState with(Map<String, String> info) {
        return new ServerState(
                quarantineLeft,
                why,
                settings,
                info.getOrDefault("redis_version", "unknown"),
                info.getOrDefault("role", "role unknown"),
                info.getOrDefault("connected_slaves", "?"),
                info.getOrDefault("used_memory_human", "?"),
                forbidden,
                protocol);
    }

    private static ServerState read(List<Object> answer) {
        List<String> texts = answer.stream().map(String::valueOf).toList();
        return new ServerState(
                Duration.ofMillis(Long.parseLong(texts.get(0))),
                texts.get(1),
                texts.get(2),
                texts.get(3),
                texts.get(4),
                texts.get(5),
                texts.get(6),
                texts.stream().skip(FIELDS).map(ServerState::right).toList(),
                "");
    }

    @Override
    public String toString() {
        String plain = (role.equals("slave") ? "replica" : role) + ", version " + version + ", " + memory
                + " of memory, " + replicas + " replicas" + (protocol.isEmpty() ? "" : ", " + protocol);
        return quarantineLeft.isZero()
                ? plain
                : plain + "; in quarantine for " + quarantineLeft.toMillis() + " ms yet (" + why + ")";
    }
}
