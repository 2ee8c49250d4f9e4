package io.hapax.redis;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.connection.MasterSlaveEntry;

/** Opens connections to the very server that the store's client is connected to, which finds it again when its name means another one. */
final class BesideClient implements DirectLine.Opening {

    private final OwnClient.Address address;
    private final Supplier<@Nullable InetSocketAddress> server;
    private final Function<OwnClient.Address, DirectLine.Flushing> opening;

    /**
     * @param address of the server, by name
     * @param opening opens a connection to an address
     */
    BesideClient(Client client, OwnClient.Address address, Function<OwnClient.Address, DirectLine.Flushing> opening) {
        this.address = address;
        this.server = () -> serverOf(client.redisson());
        this.opening = opening;
    }

    @Override
    public DirectLine.Flushing open() {
        InetSocketAddress at = server.get();
        InetAddress host = at == null ? null : at.getAddress();
        return host == null
                ? opening.apply(address)
                : opening.apply(address.at(host.getHostAddress(), at.getPort())).to(at);
    }

    @Override
    public boolean leadsTo(DirectLine.Flushing connection) {
        InetSocketAddress its = connection.there();
        InetSocketAddress at = its == null ? null : server.get();
        return at == null || at.equals(its);
    }

    /** Null while it is not connected. */
    private static @Nullable InetSocketAddress serverOf(RedissonClient client) {
        MasterSlaveEntry entry = client instanceof Redisson own
                ? own.getCommandExecutor().getConnectionManager().getEntry(0)
                : null;
        return entry == null || entry.getClient() == null
                ? null
                : entry.getClient().getAddr();
    }
}
