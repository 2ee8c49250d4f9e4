package io.hapax.benchmarks.cycle;

import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/** Lettuce with its one shared connection. */
final class LettucePeer implements Contender {

    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;
    private final RedisAsyncCommands<String, String> redis;
    private final Commands commands;
    private final List<String> shas = new ArrayList<>();

    LettucePeer(Servers servers, Commands commands) {
        this.commands = commands;
        this.client = RedisClient.create(servers.redis());
        this.connection = client.connect();
        this.redis = connection.async();
        commands.scripts().forEach(script -> shas.add(connection.sync().scriptLoad(script)));
    }

    @Override
    public void cycle(String key) throws InterruptedException, ExecutionException {
        String owner = Commands.owner();
        commands.granted(call(commands.take(key, owner)).toCompletableFuture().get());
        commands.givenBack(
                call(commands.giveBack(key, owner)).toCompletableFuture().get());
    }

    @Override
    public CompletionStage<?> cycleAsync(String key) {
        String owner = Commands.owner();
        return call(commands.take(key, owner))
                .thenCompose(answer -> {
                    commands.granted(answer);
                    return call(commands.giveBack(key, owner));
                })
                .thenAccept(commands::givenBack);
    }

    private CompletionStage<?> call(Commands.Call call) {
        return call.script() < 0
                ? redis.set(
                        call.keys().get(0),
                        call.args().get(0),
                        SetArgs.Builder.nx().px(Long.parseLong(call.args().get(3))))
                : redis.evalsha(
                        shas.get(call.script()),
                        commands == Commands.HAPAX ? ScriptOutputType.MULTI : ScriptOutputType.INTEGER,
                        call.keys().toArray(String[]::new),
                        call.args().toArray(String[]::new));
    }

    @Override
    public void close() {
        connection.close();
        client.shutdown();
    }
}
