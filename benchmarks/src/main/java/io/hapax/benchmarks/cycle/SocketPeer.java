package io.hapax.benchmarks.cycle;

import io.hapax.benchmarks.harness.RespConnection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A socket for each caller and the least code that speaks RESP2: what a client costs at least. */
public final class SocketPeer implements Contender {

    private final Servers servers;
    private final Commands commands;
    private final List<String> shas = new ArrayList<>();
    private final Queue<RespConnection> idle = new ConcurrentLinkedQueue<>();

    SocketPeer(Servers servers, Commands commands) {
        this.servers = servers;
        this.commands = commands;
        try (RespConnection first = new RespConnection(servers.host(), servers.port())) {
            for (String script : commands.scripts()) {
                shas.add((String) first.call(List.of("SCRIPT", "LOAD", script)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The least that a lock can be: {@code SET NX} and a deletion by its owner. It promises nothing: no token, no renewal, no time limit
     * for answers, no check of the server.
     *
     * @param redis the address of Redis
     * @return a peer that is ready
     */
    public static SocketPeer setNx(String redis) {
        return new SocketPeer(new Servers(redis, "-", 1), Commands.SET);
    }

    @Override
    public void cycle(String key) throws IOException {
        around(key, () -> {});
    }

    /**
     * Works under a key.
     *
     * @param key that nobody else wants
     * @param work what is done while it is held
     * @throws IOException if the connection is gone, or Redis answers with an error
     */
    public void around(String key, Runnable work) throws IOException {
        RespConnection free = idle.poll();
        RespConnection connection = free == null ? new RespConnection(servers.host(), servers.port()) : free;
        String owner = Commands.owner();
        commands.granted(connection.call(words(commands.take(key, owner))));
        work.run();
        commands.givenBack(connection.call(words(commands.giveBack(key, owner))));
        idle.add(connection);
    }

    private List<String> words(Commands.Call call) {
        return words(call, shas);
    }

    static List<String> words(Commands.Call call, List<String> shas) {
        List<String> words = new ArrayList<>();
        if (call.script() < 0) {
            words.add("SET");
        } else {
            words.addAll(List.of(
                    "EVALSHA",
                    shas.get(call.script()),
                    Integer.toString(call.keys().size())));
        }
        words.addAll(call.keys());
        words.addAll(call.args());
        return words;
    }

    @Override
    public void close() {
        idle.forEach(RespConnection::close);
    }
}
