package io.hapax.redis;

import io.netty.channel.epoll.Epoll;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.BaseConfig;
import org.redisson.config.Config;
import org.redisson.config.ConstantDelay;
import org.redisson.config.SingleServerConfig;
import org.redisson.config.TransportMode;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisProtocol;

/**
 * A Redisson client tuned for many small commands: with a pool below ten, Redisson writes commands one after the other
 * on a connection without waiting for replies (RedisExecutor), and few event loops keep them together.
 */
final class OwnClient {

    private static final int CONNECTIONS = 2;

    /** A connection that waits for replicas carries nothing else meanwhile; with this many, renewals find another. */
    private static final int CONNECTIONS_WAITING = 32;

    /** A quorum goes on at full speed while a server hangs, whose unanswered commands pile up until the line is cut. */
    private static final int PING_MILLIS = 1000;

    private static final int SHORTEST_CONNECT_MILLIS = 200;

    private static final boolean NATIVE = isNativeTransportHere();

    private OwnClient() {}

    /** The native transport is the application's choice, and its version is that of the application's Netty. */
    private static boolean isNativeTransportHere() {
        try {
            return Epoll.isAvailable();
        } catch (LinkageError absent) {
            return false;
        }
    }

    /** What a client is for. */
    enum Use {
        ALONE,
        WAITING,
        IN_A_QUORUM
    }

    /** What an address says. */
    record Address(String scheme, String host, int port, String user, String password, int database) {

        static Address parse(String url) {
            URI uri;
            try {
                uri = new URI(url);
            } catch (URISyntaxException e) {
                // Its message has the password.
                throw wrong(url, "it is not a URL: " + e.getReason());
            }
            String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
            if (!scheme.equals("redis") && !scheme.equals("rediss")) {
                throw wrong(url, "the scheme must be redis or rediss (TLS)");
            }
            if (uri.getRawQuery() != null || uri.getRawFragment() != null) {
                // What is left of it and taken for a host may be a part of the password.
                throw wrong(
                        scheme + "://***",
                        "it has a '#' or a '?', and what follows would be no part of it; if it belongs to the password,"
                                + " write %23 for # and %3F for ?");
            }
            if (uri.getHost() == null) {
                throw wrong(url, "there is no host name");
            }
            String[] credentials = uri.getUserInfo() == null
                    ? new String[] {"", ""}
                    : uri.getUserInfo().split(":", 2);
            return new Address(
                    scheme,
                    uri.getHost(),
                    uri.getPort() < 0 ? 6379 : uri.getPort(),
                    credentials[0],
                    credentials.length > 1 ? credentials[1] : "",
                    database(url, uri.getPath()));
        }

        private static int database(String url, @Nullable String path) {
            if (path == null || path.length() <= 1) {
                return 0;
            }
            try {
                return Integer.parseUnsignedInt(path.substring(1));
            } catch (NumberFormatException e) {
                throw wrong(url, "the path must be the number of a database, as in /0");
            }
        }

        private static IllegalArgumentException wrong(String url, String why) {
            return new IllegalArgumentException(
                    "the Redis address '" + withoutCredentials(url) + "' cannot be used: " + why
                            + ". Write redis://user:password@host:6379/0, and percent-encode the special characters of"
                            + " user and password (%2F for /, %40 for @, %3A for :)");
        }

        /** Also where a typing mistake has left something of them that is no longer recognised as such. */
        private static String withoutCredentials(String url) {
            return url.replaceAll("(?s)^((?:[a-zA-Z]+:)?//)?.*@", "$1***@")
                    .replaceAll("(?s)^((?:[a-zA-Z]+://)?[^:/*]*:)(?!//|\\d+(/|$)).*", "$1***");
        }

        @Override
        public String toString() {
            return host + ":" + port;
        }
    }

    /**
     * Opens a connection for {@link DirectCalls}.
     *
     * @param answerTimeout leaves time for another way when a direct one fails
     */
    static DirectLine.Flushing direct(Address address, Duration answerTimeout) {
        return connection(address, (int) Math.max(10, answerTimeout.toMillis() / 10), (int)
                Math.max(20, answerTimeout.toMillis() * 35 / 100));
    }

    /** Opens a connection for {@link DirectMessages}, for which nobody waits: with the patience of the client below. */
    static DirectLine.Flushing forMessages(Address address, Duration answerTimeout) {
        int millis = (int) answerTimeout.toMillis();
        return connection(
                address, Math.max(SHORTEST_CONNECT_MILLIS, millis), Math.max(SHORTEST_CONNECT_MILLIS, millis));
    }

    private static DirectLine.Flushing connection(Address address, int connectMillis, int socketMillis) {
        DefaultJedisClientConfig.Builder config = DefaultJedisClientConfig.builder()
                .protocol(RedisProtocol.RESP2)
                .connectionTimeoutMillis(connectMillis)
                .socketTimeoutMillis(socketMillis)
                .database(address.database())
                .clientName(ConnectionName.NAME)
                .clientSetInfoConfig(ClientSetInfoConfig.DISABLED);
        if (!address.user().isEmpty()) {
            config.user(address.user());
        }
        if (!address.password().isEmpty()) {
            config.password(address.password());
        }
        return new DirectLine.Flushing(new HostAndPort(address.host(), address.port()), config.build());
    }

    /** Has a client of the application's making give up on its servers as one for an address does. */
    static void makeImpatient(Config config, Duration answerTimeout) {
        // The configuration that is there already.
        if (config.isSentinelConfig()) {
            makeImpatient(config.useSentinelServers(), answerTimeout);
        } else if (config.isClusterConfig()) {
            makeImpatient(config.useClusterServers(), answerTimeout);
        } else if (config.isSingleConfig()) {
            makeImpatient(config.useSingleServer(), answerTimeout);
        }
    }

    /** Two tries fit into the answer timeout. */
    private static void makeImpatient(BaseConfig<?> servers, Duration answerTimeout) {
        long millis = answerTimeout.toMillis();
        servers.setTimeout((int) Math.max(20, millis * 45 / 100));
        servers.setConnectTimeout((int) Math.max(SHORTEST_CONNECT_MILLIS, millis));
        servers.setRetryAttempts(1);
        // A command that was not written within two delays fails (RedisExecutor), though only this process may have
        // paused.
        servers.setRetryDelay(new ConstantDelay(Duration.ofMillis(Math.max(5, millis / 4))));
        servers.setReconnectionDelay(new ConstantDelay(Duration.ofMillis(200)));
    }

    static RedissonClient open(Address address, Duration answerTimeout, boolean lazy, Use use) {
        Config config = new Config();
        config.setCodec(StringCodec.INSTANCE);
        config.setNettyThreads(2);
        config.setThreads(2);
        config.setTransportMode(NATIVE ? TransportMode.EPOLL : TransportMode.NIO);
        // EVAL stays EVAL: the scripts' cache is our business, and Redisson's cannot bear to be flushed meanwhile.
        config.setUseScriptCache(false);
        config.setLazyInitialization(lazy);
        SingleServerConfig server = config.useSingleServer()
                .setAddress(address.scheme() + "://" + address.host() + ":" + address.port())
                .setDatabase(address.database())
                .setConnectionPoolSize(use == Use.WAITING ? CONNECTIONS_WAITING : CONNECTIONS)
                .setConnectionMinimumIdleSize(1)
                .setSubscriptionConnectionPoolSize(1)
                .setSubscriptionConnectionMinimumIdleSize(0);
        makeImpatient(server, answerTimeout);
        config.setNettyHook(new ConnectionName(address.toString()));
        if (use == Use.IN_A_QUORUM) {
            server.setPingConnectionInterval(PING_MILLIS);
        }
        if (!address.user().isEmpty()) {
            config.setUsername(address.user());
        }
        if (!address.password().isEmpty()) {
            config.setPassword(address.password());
        }
        return Redisson.create(config);
    }
}
