package io.hapax.benchmarks.cycle;

import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.params.SetParams;

/** Jedis with a connection for each caller. */
final class JedisPeer implements Contender {

    private final RedisClient jedis;
    private final Commands commands;
    private final List<String> shas = new ArrayList<>();

    JedisPeer(Servers servers, Commands commands) {
        this.commands = commands;
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setMaxTotal(Math.max(8, servers.callers()));
        pool.setMaxIdle(Math.max(8, servers.callers()));
        this.jedis = RedisClient.builder()
                .hostAndPort(servers.host(), servers.port())
                .poolConfig(pool)
                .build();
        commands.scripts().forEach(script -> shas.add(jedis.scriptLoad(script)));
    }

    @Override
    public void cycle(String key) {
        String owner = Commands.owner();
        commands.granted(call(commands.take(key, owner)));
        commands.givenBack(call(commands.giveBack(key, owner)));
    }

    private Object call(Commands.Call call) {
        return call.script() < 0
                ? jedis.set(
                        call.keys().get(0),
                        call.args().get(0),
                        new SetParams().nx().px(Long.parseLong(call.args().get(3))))
                : jedis.evalsha(shas.get(call.script()), call.keys(), call.args());
    }

    @Override
    public void close() {
        jedis.close();
    }
}
