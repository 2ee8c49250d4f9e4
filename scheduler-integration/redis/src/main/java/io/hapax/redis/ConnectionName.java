package io.hapax.redis;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.redisson.client.NettyHook;
import org.redisson.client.RedisConnection;
import org.redisson.client.codec.StringCodec;
import org.redisson.client.protocol.RedisCommands;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives each new connection a name, for operators who list a server's clients. A server that refuses it is done without: a name that
 * Redisson is given itself, it insists on. Thread-safe.
 */
final class ConnectionName implements NettyHook {

    static final String NAME = "hapax";

    private static final Logger LOG = LoggerFactory.getLogger("io.hapax.redis");

    /** Servers of which it has been said, as a store has several clients. */
    private static final Set<String> TOLD = ConcurrentHashMap.newKeySet();

    private final String server;

    ConnectionName(String server) {
        this.server = server;
    }

    @Override
    public void afterBoostrapInitialization(Bootstrap bootstrap) {
        // Nothing is to be set there.
    }

    @Override
    public void afterChannelInitialization(Channel channel) {
        channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
            /** Called once the user has logged in. */
            @Override
            public void channelActive(ChannelHandlerContext context) {
                name(context.channel());
                context.fireChannelActive();
            }
        });
    }

    private void name(Channel channel) {
        RedisConnection connection = RedisConnection.getFrom(channel);
        var unused = connection
                .async(StringCodec.INSTANCE, RedisCommands.CLIENT_SETNAME, NAME)
                .whenComplete((done, refused) -> {
                    if (refused != null && channel.isActive() && TOLD.add(server)) {
                        LOG.info(
                                "Redis at {} does not let connections have a name, so they have none: {}",
                                server,
                                RedisTrouble.of(refused).problem());
                    }
                });
    }
}
